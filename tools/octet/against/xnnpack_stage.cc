#include "tools/octet/against/xnnpack_stage.h"

#include <xnnpack.h>

#include <algorithm>

// Newer versions mark most operators of one and two operands as deprecated; older ones have no
// others.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace octet::tool {
namespace {

using Extents = std::vector<std::size_t>;

Extents extents_of(const Shape& shape) {
  Extents extents(shape.begin(), shape.end());
  if (extents.empty()) extents.push_back(1);
  return extents;
}

uint32_t u(int32_t value) { return static_cast<uint32_t>(value); }

/// Does an average pool take the mean of a whole image? XNNPACK has no other in int8.
bool is_global(const PoolAttributes& pool, const Shape& input, const Shape& output) {
  const Window& w = pool.window;
  return output[1] == 1 && output[2] == 1 && w.kernel_h == input[1] && w.kernel_w == input[2] &&
         w.pad_top + w.pad_left + w.pad_bottom + w.pad_right == 0;
}

/// Collects values and nodes; the first status that is no success stays.
class Subgraph {
 public:
  Subgraph(const PlainNetwork& network, const XnnpackStage::Outside& outside)
      : network_(network), outside_(outside) {
    note(xnn_create_subgraph(static_cast<uint32_t>(2 * network.values.size()), 0, &subgraph));
  }
  ~Subgraph() {
    if (subgraph != nullptr) xnn_delete_subgraph(subgraph);
  }
  Subgraph(const Subgraph&) = delete;
  Subgraph& operator=(const Subgraph&) = delete;

  void define(const PlainNode& node);

  xnn_subgraph_t subgraph = nullptr;
  xnn_status status = xnn_status_success;
  std::vector<xnn_external_value> externals;
  std::vector<std::vector<int8_t>> operands;    ///< Constants, which the runtime reads.
  std::vector<std::vector<float>> bias_scales;  ///< One an output channel.

 private:
  void note(xnn_status result) {
    if (status == xnn_status_success) status = result;
  }

  const PlainValue& value(int32_t id) const { return network_.value(id); }

  uint32_t new_value(const PlainValue& v, bool quantized, const Extents& extents, const void* data,
                     uint32_t id, uint32_t flags) {
    uint32_t result = XNN_INVALID_VALUE_ID;
    if (status != xnn_status_success) return result;
    if (quantized) {
      note(xnn_define_quantized_tensor_value(subgraph, xnn_datatype_qint8, v.zero_point, v.scale,
                                             extents.size(), extents.data(), data, id, flags,
                                             &result));
    } else {
      note(xnn_define_tensor_value(subgraph, xnn_datatype_fp32, extents.size(), extents.data(),
                                   data, id, flags, &result));
    }
    return result;
  }

  /// A form of a value, which comes from outside or goes there where `outside` has it.
  uint32_t form_id(const PlainForm& form, uint32_t flag) {
    const auto known = ids_.find(form);
    if (known != ids_.end()) return known->second;
    const uint32_t id = 2 * u(form.value) + (form.quantized ? 1 : 0);
    const auto external = outside_.find(form);
    const bool crosses = external != outside_.end();
    if (crosses) externals.push_back({.id = id, .data = external->second});
    const PlainValue& v = value(form.value);
    return ids_[form] =
               new_value(v, form.quantized, extents_of(v.shape), nullptr, id, crosses ? flag : 0);
  }

  /// The form that int8 operators take: s8 where the value is quantized.
  uint32_t read(int32_t id) {
    const PlainForm form{id, value(id).quantized};
    if (value(id).constant != nullptr) return constant(id);
    const PlainForm real{id, false};
    if (ids_.contains(form) || outside_.contains(form) || !outside_.contains(real)) {
      return form_id(form, XNN_VALUE_FLAG_EXTERNAL_INPUT);
    }
    const uint32_t from = form_id(real, XNN_VALUE_FLAG_EXTERNAL_INPUT);
    const uint32_t to = form_id(form, 0);
    note(xnn_define_convert(subgraph, from, to, 0));
    return to;
  }

  uint32_t write(int32_t id) {
    return form_id({id, value(id).quantized}, XNN_VALUE_FLAG_EXTERNAL_OUTPUT);
  }

  /// What goes outside in float32 as well.
  void convert_for_outside(int32_t id) {
    if (!value(id).quantized || !outside_.contains({id, false})) return;
    const uint32_t to = form_id({id, false}, XNN_VALUE_FLAG_EXTERNAL_OUTPUT);
    note(xnn_define_convert(subgraph, write(id), to, 0));
  }

  uint32_t constant(int32_t id) {
    const PlainValue& v = value(id);
    const auto* from = v.constant->values<uint8_t>();
    auto& values = operands.emplace_back();
    for (std::size_t i = 0; i < v.constant->data.size(); ++i) {
      values.push_back(static_cast<int8_t>(from[i] - 128));
    }
    values.resize(values.size() + XNN_EXTRA_BYTES);
    return new_value(v, true, extents_of(v.shape), values.data(), XNN_INVALID_VALUE_ID, 0);
  }

  uint32_t reshaped(uint32_t from, const PlainValue& v, const Extents& extents) {
    const uint32_t to = new_value(v, v.quantized, extents, nullptr, XNN_INVALID_VALUE_ID, 0);
    note(xnn_define_static_reshape(subgraph, extents.size(), extents.data(), from, to, 0));
    return to;
  }

  void define_layer(const PlainNode& node);
  void define_binary(const PlainNode& node);
  void define_pool(const PlainNode& node);
  void define_operator(const PlainNode& node);

  const PlainNetwork& network_;
  const XnnpackStage::Outside& outside_;
  std::map<PlainForm, uint32_t> ids_;
};

/// A linear layer is a 1x1 convolution over a row of pixels: the fully connected operator of older
/// versions has no scale a channel.
void Subgraph::define_layer(const PlainNode& node) {
  const auto& a = std::get<ConvAttributes>(node.attributes);
  const Window& w = a.window;
  const TensorRecord& weight = network_.model.tensor(node.layer->inputs[1]);
  const TensorRecord& bias = network_.model.tensor(node.layer->inputs[2]);
  const PlainValue& input = value(node.inputs[0]);
  const PlainValue& output = value(node.output);
  const bool linear = node.op == Op::linear;
  const auto input_channels = static_cast<std::size_t>(input.shape.back());
  const auto output_channels = static_cast<std::size_t>(output.shape.back());
  const std::size_t rows = static_cast<std::size_t>(element_count(input.shape)) /
                           std::max<std::size_t>(input_channels, 1);

  auto& scales = bias_scales.emplace_back();
  for (const float scale : weight.channel_scales) scales.push_back(input.scale * scale);
  const Extents filter =
      linear ? Extents{output_channels, 1, 1, input_channels} : extents_of(weight.info.shape);
  const Extents channels = {output_channels};
  uint32_t x = read(node.inputs[0]);
  if (linear) x = reshaped(x, input, {1, rows, 1, input_channels});
  uint32_t weight_id = XNN_INVALID_VALUE_ID;
  uint32_t bias_id = XNN_INVALID_VALUE_ID;
  if (status != xnn_status_success) return;
  note(xnn_define_channelwise_quantized_tensor_value(
      subgraph, xnn_datatype_qcint8, weight.channel_scales.data(), filter.size(), 0, filter.data(),
      weight.data.data(), XNN_INVALID_VALUE_ID, 0, &weight_id));
  note(xnn_define_channelwise_quantized_tensor_value(
      subgraph, xnn_datatype_qcint32, scales.data(), channels.size(), 0, channels.data(),
      bias.data.data(), XNN_INVALID_VALUE_ID, 0, &bias_id));
  const Extents pixels = {1, rows, 1, output_channels};
  const uint32_t y = linear ? new_value(output, true, pixels, nullptr, XNN_INVALID_VALUE_ID, 0)
                            : write(node.output);
  if (status != xnn_status_success) return;
  const auto groups = static_cast<std::size_t>(a.groups);
  note(xnn_define_convolution_2d(subgraph, u(w.pad_top), u(w.pad_right), u(w.pad_bottom),
                                 u(w.pad_left), u(w.kernel_h), u(w.kernel_w), u(w.stride_h),
                                 u(w.stride_w), u(w.dilation_h), u(w.dilation_w), u(a.groups),
                                 input_channels / groups, output_channels / groups, a.bounds.min,
                                 a.bounds.max, x, weight_id, bias_id, y, 0));
  if (!linear) return;
  const Extents shape = extents_of(output.shape);
  note(xnn_define_static_reshape(subgraph, shape.size(), shape.data(), y, write(node.output), 0));
}

void Subgraph::define_binary(const PlainNode& node) {
  const Bounds& bounds = std::get<BinaryAttributes>(node.attributes).bounds;
  const uint32_t a = read(node.inputs[0]);
  const uint32_t b = read(node.inputs[1]);
  const auto define = node.op == Op::add   ? xnn_define_add2
                      : node.op == Op::sub ? xnn_define_subtract
                                           : xnn_define_multiply2;
  note(define(subgraph, bounds.min, bounds.max, a, b, write(node.output), 0));
}

void Subgraph::define_pool(const PlainNode& node) {
  const auto& a = std::get<PoolAttributes>(node.attributes);
  const Window& w = a.window;
  const uint32_t x = read(node.inputs[0]);
  const uint32_t y = write(node.output);
  if (node.op == Op::average_pool) {
    note(xnn_define_global_average_pooling_2d(subgraph, a.bounds.min, a.bounds.max, x, y, 0));
    return;
  }
  note(xnn_define_max_pooling_2d(subgraph, u(w.pad_top), u(w.pad_right), u(w.pad_bottom),
                                 u(w.pad_left), u(w.kernel_h), u(w.kernel_w), u(w.stride_h),
                                 u(w.stride_w), u(w.dilation_h), u(w.dilation_w), a.bounds.min,
                                 a.bounds.max, x, y, 0));
}

void Subgraph::define_operator(const PlainNode& node) {
  switch (node.op) {
    case Op::conv2d:
    case Op::linear:
      return define_layer(node);
    case Op::add:
    case Op::sub:
    case Op::mul:
      return define_binary(node);
    case Op::max_pool:
    case Op::average_pool:
      return define_pool(node);
    case Op::quantize:
    case Op::dequantize: {
      const uint32_t x = read(node.inputs[0]);
      return note(xnn_define_convert(subgraph, x, write(node.output), 0));
    }
    case Op::reshape: {
      const Extents extents = extents_of(value(node.output).shape);
      const uint32_t x = read(node.inputs[0]);
      return note(xnn_define_static_reshape(subgraph, extents.size(), extents.data(), x,
                                            write(node.output), 0));
    }
    case Op::pad: {
      const auto& a = std::get<PadAttributes>(node.attributes);
      const Extents before(a.before.begin(), a.before.end());
      const Extents after(a.after.begin(), a.after.end());
      const uint32_t x = read(node.inputs[0]);
      return note(xnn_define_static_constant_pad(subgraph, before.data(), after.data(), a.value, x,
                                                 write(node.output), 0));
    }
    default:  // resize
      const auto& a = std::get<ResizeAttributes>(node.attributes);
      const uint32_t x = read(node.inputs[0]);
      return note(xnn_define_static_resize_bilinear_2d(
          subgraph, static_cast<std::size_t>(a.output_h), static_cast<std::size_t>(a.output_w), x,
          write(node.output), a.align_corners ? XNN_FLAG_ALIGN_CORNERS : 0));
  }
}

void Subgraph::define(const PlainNode& node) {
  define_operator(node);
  convert_for_outside(node.output);
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

/// Operators that `Subgraph` writes down in int8, and operands that they take.
bool is_written_down(const PlainNetwork& network, const PlainNode& node) {
  const PlainValue& x = network.value(node.inputs[0]);
  const PlainValue& y = network.value(node.output);
  if (node.op == Op::quantize) return !x.quantized && y.quantized;
  if (node.op == Op::dequantize) return x.quantized && !y.quantized;
  if (node.op == Op::reshape) return x.constant == nullptr && x.quantized == y.quantized;
  if (!y.quantized) return false;
  for (const int32_t id : node.inputs) {
    if (!network.value(id).quantized) return false;
  }
  switch (node.op) {
    case Op::conv2d:
    case Op::linear:
      return node.layer != nullptr &&
             network.model.tensor(node.layer->inputs[1]).channel_zero_points.empty();
    case Op::average_pool:
      return is_global(std::get<PoolAttributes>(node.attributes), x.shape, y.shape);
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::max_pool:
    case Op::pad:
    case Op::resize:
      return true;
    default:
      return false;
  }
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
  const PlainValue& y = network.value(node.output);
  const std::vector<Shape> shapes = {x.shape};
  const bool converts = node.op == Op::quantize || node.op == Op::dequantize;
  if (!converts && !xnnpack_runs(node.op, node.attributes, shapes, y.shape)) return false;
  // Whether it takes the scales, too, it says itself.
  XnnpackStage::Outside outside;
  std::vector<std::vector<std::byte>> memory;
  std::vector<int32_t> ids = node.inputs;
  ids.push_back(node.output);
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
