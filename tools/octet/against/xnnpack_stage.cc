#include "tools/octet/against/xnnpack_stage.h"

#include "tools/octet/against/xnnpack_subgraph.h"

namespace octet::tool {
namespace {

/// Whether an average pool takes the mean of a whole image. XNNPACK has no other in int8.
bool is_global(const PoolAttributes& pool, const Shape& input, const Shape& output) {
  const Window& w = pool.window;
  return output[1] == 1 && output[2] == 1 && w.kernel_h == input[1] && w.kernel_w == input[2] &&
         w.pad_top + w.pad_left + w.pad_bottom + w.pad_right == 0;
}

class Stage final : public XnnpackStage {
 public:
  Stage(xnn_runtime_t runtime, std::vector<std::vector<int8_t>> operands,
        std::vector<std::vector<float>> bias_scales)
      : runtime_(runtime), operands_(std::move(operands)), bias_scales_(std::move(bias_scales)) {}
  ~Stage() override { xnn_delete_runtime(runtime_); }

  Expected<void> run() override {
    const xnn_status status = xnn_invoke_runtime(runtime_);
    if (status == xnn_status_success) return {};
    return fail("XNNPACK failed to run (status " + std::to_string(status) + ")");
  }

 private:
  xnn_runtime_t runtime_;
  std::vector<std::vector<int8_t>> operands_;
  std::vector<std::vector<float>> bias_scales_;
};

/// Whether `Subgraph` can write the node down in int8, with these operands.
bool is_written_down(const PlainNetwork& network, const PlainNode& node) {
  const PlainValue& x = network.value(node.inputs[0]);
  const PlainValue& y = network.value(node.output());
  if (node.op == Op::quantize) return !x.quantized && y.quantized;
  if (node.op == Op::dequantize) return x.quantized && !y.quantized;
  if (node.op == Op::reshape) return x.constant == nullptr && x.quantized == y.quantized;
  if (!y.quantized) return false;
  for (const int32_t id : node.inputs) {
    if (!network.value(id).quantized) return false;
  }
  switch (kind_of(node.op)) {
    case Kind::conv2d:
    case Kind::linear:
      return node.layer != nullptr &&
             network.model.tensor(node.layer->inputs[1]).channel_zero_points.empty();
    case Kind::average_pool:
      return is_global(std::get<PoolAttributes>(node.attributes), x.shape, y.shape);
    case Kind::arithmetic:
      return node.op == Op::add || node.op == Op::sub || node.op == Op::mul;
    case Kind::function:
      return node.op == Op::elu || node.op == Op::leaky_relu || node.op == Op::sigmoid;
    case Kind::max_pool:
    case Kind::pad:
    case Kind::resize:
      return true;
    case Kind::softmax:
    case Kind::log_softmax:
    case Kind::argmax:
    case Kind::concat:
    case Kind::slice:
    case Kind::reshape:
    case Kind::transpose:
    case Kind::clip:
    case Kind::lookup:
    case Kind::quantize:
    case Kind::dequantize:
    case Kind::requantize:
    case Kind::mean:
    case Kind::batch_norm:
    case Kind::prelu:
    case Kind::cast:
    case Kind::gather_nd:
    case Kind::identity:
      break;
  }
  return false;
}

}  // namespace

Expected<std::unique_ptr<XnnpackStage>> XnnpackStage::create(const PlainNetwork& network,
                                                             const std::vector<std::size_t>& nodes,
                                                             const Outside& outside,
                                                             pthreadpool_t pool) {
  Subgraph subgraph(network, outside);
  for (const std::size_t index : nodes) {
    const PlainNode& node = network.nodes[index];
    subgraph.define(node);
    if (subgraph.status != xnn_status_success) {
      return fail(network.model.path + ": XNNPACK refuses node '" + node.name + "' (status " +
                  std::to_string(subgraph.status) + ")");
    }
  }
  const auto refused = [&](xnn_status status) {
    return fail(network.model.path + ": XNNPACK refuses the network (status " +
                std::to_string(status) + ")");
  };
  xnn_runtime_t runtime = nullptr;
  xnn_status status = xnn_create_runtime_v2(subgraph.subgraph, pool, 0, &runtime);
  if (status != xnn_status_success) return refused(status);
  auto stage = std::make_unique<Stage>(runtime, std::move(subgraph.operands),
                                       std::move(subgraph.bias_scales));
  status = xnn_setup_runtime(runtime, subgraph.externals.size(), subgraph.externals.data());
  if (status != xnn_status_success) return refused(status);
  return stage;
}

bool xnnpack_has_int8_form(const PlainNetwork& network, std::size_t index) {
  const PlainNode& node = network.nodes[index];
  if (!is_written_down(network, node)) return false;
  const PlainValue& x = network.value(node.inputs[0]);
  const PlainValue& y = network.value(node.output());
  const std::vector<Shape> shapes = {x.shape};
  const bool converts = node.op == Op::quantize || node.op == Op::dequantize;
  if (!converts && !xnnpack_runs(node.op, node.attributes, shapes, y.shape)) return false;
  // XNNPACK itself says whether it takes the scales, too.
  XnnpackStage::Outside outside;
  std::vector<std::vector<std::byte>> memory;
  std::vector<int32_t> ids = node.inputs;
  ids.push_back(node.output());
  for (const int32_t id : ids) {
    const PlainValue& v = network.value(id);
    if (v.constant != nullptr) continue;
    const auto count = static_cast<std::size_t>(element_count(v.shape));
    memory.emplace_back(count * (v.quantized ? 1 : sizeof(float)) + XNN_EXTRA_BYTES);
    outside[{id, v.quantized}] = memory.back().data();
  }
  return XnnpackStage::create(network, {index}, outside, nullptr).has_value();
}

}  // namespace octet::tool
