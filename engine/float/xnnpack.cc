#include "engine/float/xnnpack.h"

#include <xnnpack.h>

#include <cmath>

#include "engine/float/xnnpack_memory.h"
#include "engine/operator_table.h"

// Newer versions of XNNPACK mark most operators of one and two operands as deprecated; older
// versions have no others.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace octet {
namespace {

constexpr Bounds unbounded;

/// Collects values and nodes. `status` keeps the first error.
class SubgraphBuilder {
 public:
  SubgraphBuilder(std::span<const FloatNode> nodes, std::span<const FloatValue> values)
      : values_(values), ids_(values.size(), XNN_INVALID_VALUE_ID), written_(values.size(), false) {
    for (const FloatNode& node : nodes) written_[static_cast<std::size_t>(node.output())] = true;
    note(xnn_create_subgraph(static_cast<uint32_t>(values.size()), 0, &subgraph));
  }
  ~SubgraphBuilder() {
    if (subgraph) xnn_delete_subgraph(subgraph);
  }
  SubgraphBuilder(const SubgraphBuilder&) = delete;
  SubgraphBuilder& operator=(const SubgraphBuilder&) = delete;

  void define(const FloatNode& node);

  xnn_subgraph_t subgraph = nullptr;
  xnn_status status = xnn_status_success;
  std::vector<xnn_external_value> externals;
  /// Constants that are made here. The runtime reads them, so they have to outlive it.
  std::vector<std::vector<float>> constants;

 private:
  void note(xnn_status result) {
    if (status == xnn_status_success) status = result;
  }

  uint32_t new_value(const Shape& shape, const float* data, uint32_t id, uint32_t flags) {
    std::vector<std::size_t> extents(shape.begin(), shape.end());
    if (extents.empty()) extents.push_back(1);
    uint32_t result = XNN_INVALID_VALUE_ID;
    if (status != xnn_status_success) return result;
    note(xnn_define_tensor_value(subgraph, xnn_datatype_fp32, extents.size(), extents.data(), data,
                                 id, flags, &result));
    return result;
  }

  /// Returns the id of an activation, or of a constant that an elementwise operator reads at every
  /// run.
  uint32_t operand(int32_t index) {
    const auto i = static_cast<std::size_t>(index);
    const FloatValue& value = values_[i];
    if (value.constant) {
      const auto count = static_cast<std::size_t>(element_count(value.shape));
      return constant(value.shape, {value.constant, value.constant + count});
    }
    if (ids_[i] != XNN_INVALID_VALUE_ID) return ids_[i];
    uint32_t flags = 0;
    if (value.external) {
      flags = written_[i] ? XNN_VALUE_FLAG_EXTERNAL_OUTPUT : XNN_VALUE_FLAG_EXTERNAL_INPUT;
      externals.push_back({.id = static_cast<uint32_t>(i), .data = value.external});
    }
    ids_[i] = new_value(value.shape, nullptr, static_cast<uint32_t>(i), flags);
    return ids_[i];
  }

  /// Returns the id of a constant that XNNPACK packs when the runtime is made, so it needs no copy.
  uint32_t packed(int32_t index) {
    const FloatValue& value = values_[static_cast<std::size_t>(index)];
    return new_value(value.shape, value.constant, XNN_INVALID_VALUE_ID, 0);
  }

  uint32_t constant(const Shape& shape, std::vector<float> values) {
    values.resize(values.size() + XNN_EXTRA_BYTES / sizeof(float));
    constants.push_back(std::move(values));
    return new_value(shape, constants.back().data(), XNN_INVALID_VALUE_ID, 0);
  }

  uint32_t internal(const Shape& shape) {
    return new_value(shape, nullptr, XNN_INVALID_VALUE_ID, 0);
  }

  const Shape& shape_of(int32_t index) const {
    return values_[static_cast<std::size_t>(index)].shape;
  }

  void define_conv(const FloatNode& node);
  void define_binary(const FloatNode& node);
  void define_pool(const FloatNode& node);
  void define_mean(const FloatNode& node);
  void define_batch_norm(const FloatNode& node);
  void define_function(const FloatNode& node, uint32_t x, uint32_t y);

  std::span<const FloatValue> values_;
  std::vector<uint32_t> ids_;
  std::vector<bool> written_;
};

/// Defines a convolution or a linear layer. A residual becomes a separate addition, and then the
/// outer bounds belong to the addition.
void SubgraphBuilder::define_conv(const FloatNode& node) {
  const auto& a = std::get<ConvAttributes>(node.attributes);
  const Shape& output = shape_of(node.output());
  const Bounds bounds = a.has_residual ? a.inner_bounds : a.bounds;
  const uint32_t x = operand(node.inputs[0]);
  const uint32_t weight = packed(node.inputs[1]);
  const uint32_t bias = a.has_bias ? packed(node.inputs[2]) : XNN_INVALID_VALUE_ID;
  const uint32_t y = a.has_residual ? internal(output) : operand(node.output());
  const auto u = [](int32_t value) { return static_cast<uint32_t>(value); };
  if (node.op == Op::linear) {
    note(xnn_define_fully_connected(subgraph, bounds.min, bounds.max, x, weight, bias, y, 0));
  } else {
    const Window& w = a.window;
    note(xnn_define_convolution_2d(subgraph, u(w.pad_top), u(w.pad_right), u(w.pad_bottom),
                                   u(w.pad_left), u(w.kernel_h), u(w.kernel_w), u(w.stride_h),
                                   u(w.stride_w), u(w.dilation_h), u(w.dilation_w), u(a.groups),
                                   static_cast<std::size_t>(shape_of(node.inputs[0])[3] / a.groups),
                                   static_cast<std::size_t>(output[3] / a.groups), bounds.min,
                                   bounds.max, x, weight, bias, y, 0));
  }
  if (a.has_residual) {
    note(xnn_define_add2(subgraph, a.bounds.min, a.bounds.max, y, operand(node.inputs.back()),
                         operand(node.output()), 0));
  }
}

void SubgraphBuilder::define_binary(const FloatNode& node) {
  const Bounds& bounds = std::get<BinaryAttributes>(node.attributes).bounds;
  const uint32_t a = operand(node.inputs[0]);
  const uint32_t b = operand(node.inputs[1]);
  const uint32_t y = operand(node.output());
  switch (row_of(node.op).arithmetic) {
    case Arithmetic::add:
      return note(xnn_define_add2(subgraph, bounds.min, bounds.max, a, b, y, 0));
    case Arithmetic::sub:
      return note(xnn_define_subtract(subgraph, bounds.min, bounds.max, a, b, y, 0));
    case Arithmetic::mul:
      return note(xnn_define_multiply2(subgraph, bounds.min, bounds.max, a, b, y, 0));
    case Arithmetic::div:
      return note(xnn_define_divide(subgraph, bounds.min, bounds.max, a, b, y, 0));
    case Arithmetic::floor_div:  // takes whole numbers, and an island has none
      break;
  }
  note(xnn_status_unsupported_parameter);
}

void SubgraphBuilder::define_pool(const FloatNode& node) {
  const auto& a = std::get<PoolAttributes>(node.attributes);
  const Window& w = a.window;
  const auto u = [](int32_t value) { return static_cast<uint32_t>(value); };
  const uint32_t x = operand(node.inputs[0]);
  const uint32_t y = operand(node.output());
  if (node.op == Op::max_pool) {
    note(xnn_define_max_pooling_2d(subgraph, u(w.pad_top), u(w.pad_right), u(w.pad_bottom),
                                   u(w.pad_left), u(w.kernel_h), u(w.kernel_w), u(w.stride_h),
                                   u(w.stride_w), u(w.dilation_h), u(w.dilation_w), a.bounds.min,
                                   a.bounds.max, x, y, 0));
  } else {
    note(xnn_define_average_pooling_2d(subgraph, u(w.pad_top), u(w.pad_right), u(w.pad_bottom),
                                       u(w.pad_left), u(w.kernel_h), u(w.kernel_w), u(w.stride_h),
                                       u(w.stride_w), a.bounds.min, a.bounds.max, x, y, 0));
  }
}

/// The mean over height and width. XNNPACK keeps both axes.
void SubgraphBuilder::define_mean(const FloatNode& node) {
  const Shape& input = shape_of(node.inputs[0]);
  const Shape& output = shape_of(node.output());
  const uint32_t x = operand(node.inputs[0]);
  const uint32_t y = operand(node.output());
  const bool keepdims = output.size() == 4;
  const uint32_t pooled = keepdims ? y : internal({input[0], 1, 1, input[3]});
  note(xnn_define_global_average_pooling_2d(subgraph, unbounded.min, unbounded.max, x, pooled, 0));
  if (!keepdims) {
    const std::vector<std::size_t> extents(output.begin(), output.end());
    note(xnn_define_static_reshape(subgraph, extents.size(), extents.data(), pooled, y, 0));
  }
}

/// y = x * scale + shift, with a scale and a shift for each channel.
void SubgraphBuilder::define_batch_norm(const FloatNode& node) {
  const Shape& shape = shape_of(node.output());
  const Shape channel = {shape.back()};
  const double epsilon = std::get<ScalarAttributes>(node.attributes).value;
  const auto parameter = [&](std::size_t i) {
    return values_[static_cast<std::size_t>(node.inputs[i])].constant;
  };
  std::vector<float> scale;
  std::vector<float> shift;
  for (int32_t c = 0; c < channel[0]; ++c) {
    const double s = parameter(1)[c] / std::sqrt(parameter(4)[c] + epsilon);
    scale.push_back(static_cast<float>(s));
    shift.push_back(static_cast<float>(parameter(2)[c] - parameter(3)[c] * s));
  }
  const uint32_t scaled = internal(shape);
  note(xnn_define_multiply2(subgraph, unbounded.min, unbounded.max, operand(node.inputs[0]),
                            constant(channel, std::move(scale)), scaled, 0));
  note(xnn_define_add2(subgraph, unbounded.min, unbounded.max, scaled,
                       constant(channel, std::move(shift)), operand(node.output()), 0));
}

void SubgraphBuilder::define_function(const FloatNode& node, uint32_t x, uint32_t y) {
  const Function function = row_of(node.op).function;
  const Shape& shape = shape_of(node.output());
  const auto value = [&] { return std::get<ScalarAttributes>(node.attributes).value; };
  if (function == Function::leaky_relu) {
    note(xnn_define_leaky_relu(subgraph, value(), x, y, 0));
  } else if (function == Function::elu) {
    note(xnn_define_elu(subgraph, value(), x, y, 0));
  } else if (function == Function::sigmoid) {
    note(xnn_define_sigmoid(subgraph, x, y, 0));
  } else if (function == Function::silu) {
    const uint32_t gate = internal(shape);
    note(xnn_define_sigmoid(subgraph, x, gate, 0));
    note(xnn_define_multiply2(subgraph, unbounded.min, unbounded.max, x, gate, y, 0));
  } else if (function == Function::hard_sigmoid) {  // relu6(x + 3) / 6
    const uint32_t ramp = internal(shape);
    note(xnn_define_add2(subgraph, 0, 6, x, constant({1}, {3}), ramp, 0));
    note(xnn_define_multiply2(subgraph, unbounded.min, unbounded.max, ramp,
                              constant({1}, {1.0F / 6}), y, 0));
  } else if (function == Function::hard_swish) {
    note(xnn_define_hardswish(subgraph, x, y, 0));
  } else if (function == Function::abs) {
    note(xnn_define_abs(subgraph, x, y, 0));
  } else if (function == Function::neg) {
    note(xnn_define_negate(subgraph, x, y, 0));
  } else if (function == Function::sqrt) {
    note(xnn_define_square_root(subgraph, x, y, 0));
  } else {
    note(xnn_status_unsupported_parameter);  // takes_function() in xnnpack_limits.cc refuses it
  }
}

void SubgraphBuilder::define(const FloatNode& node) {
  switch (kind_of(node.op)) {
    case Kind::conv2d:
    case Kind::linear:
      return define_conv(node);
    case Kind::arithmetic:
      return define_binary(node);
    case Kind::max_pool:
    case Kind::average_pool:
      return define_pool(node);
    case Kind::mean:
      return define_mean(node);
    case Kind::batch_norm:
      return define_batch_norm(node);
    case Kind::prelu: {
      const FloatValue& slope = values_[static_cast<std::size_t>(node.inputs[1])];
      const Shape channels = {shape_of(node.output()).back()};
      const auto count = static_cast<std::size_t>(channels[0]);
      const bool one = element_count(slope.shape) == 1;
      std::vector<float> slopes = one ? std::vector<float>(count, slope.constant[0])
                                      : std::vector<float>(slope.constant, slope.constant + count);
      return note(xnn_define_prelu(subgraph, operand(node.inputs[0]),
                                   constant(channels, std::move(slopes)), operand(node.output()),
                                   0));
    }
    case Kind::pad: {
      const auto& a = std::get<PadAttributes>(node.attributes);
      const std::vector<std::size_t> before(a.before.begin(), a.before.end());
      const std::vector<std::size_t> after(a.after.begin(), a.after.end());
      return note(xnn_define_static_constant_pad(subgraph, before.data(), after.data(), a.value,
                                                 operand(node.inputs[0]), operand(node.output()),
                                                 0));
    }
    case Kind::reshape: {
      const Shape& shape = shape_of(node.output());
      const std::vector<std::size_t> extents(shape.begin(), shape.end());
      return note(xnn_define_static_reshape(subgraph, extents.size(), extents.data(),
                                            operand(node.inputs[0]), operand(node.output()), 0));
    }
    case Kind::resize: {
      const auto& a = std::get<ResizeAttributes>(node.attributes);
      return note(xnn_define_static_resize_bilinear_2d(
          subgraph, static_cast<std::size_t>(a.output_h), static_cast<std::size_t>(a.output_w),
          operand(node.inputs[0]), operand(node.output()),
          a.align_corners ? XNN_FLAG_ALIGN_CORNERS : 0));
    }
    case Kind::softmax:  // over the last axis
      return note(xnn_define_softmax(subgraph, operand(node.inputs[0]), operand(node.output()), 0));
    case Kind::clip: {
      const Bounds& bounds = std::get<ClipAttributes>(node.attributes).bounds;
      return note(xnn_define_clamp(subgraph, bounds.min, bounds.max, operand(node.inputs[0]),
                                   operand(node.output()), 0));
    }
    case Kind::function:
      return define_function(node, operand(node.inputs[0]), operand(node.output()));
    case Kind::log_softmax:  // xnnpack_runs() refuses these
    case Kind::argmax:
    case Kind::top_k:
    case Kind::concat:
    case Kind::slice:
    case Kind::transpose:
    case Kind::lookup:
    case Kind::quantize:
    case Kind::dequantize:
    case Kind::requantize:
    case Kind::cast:
    case Kind::gather_nd:
    case Kind::identity:
      break;
  }
  note(xnn_status_unsupported_parameter);
}

class XnnpackStep final : public FloatStep {
 public:
  XnnpackStep(xnn_runtime_t runtime, std::vector<std::vector<float>> constants, std::string nodes)
      : runtime_(runtime), constants_(std::move(constants)), nodes_(std::move(nodes)) {}
  ~XnnpackStep() override { xnn_delete_runtime(runtime_); }

  Expected<void> run() override {
    const xnn_status status = xnn_invoke_runtime(runtime_);
    if (status == xnn_status_success) return {};
    return fail("XNNPACK failed to run " + nodes_ + " (status " + std::to_string(status) + ")");
  }

  std::size_t memory_bytes() const override {
    std::size_t bytes = 0;
    for (const auto& values : constants_) bytes += values.size() * sizeof(float);
    return bytes;
  }

 private:
  xnn_runtime_t runtime_;
  std::vector<std::vector<float>> constants_;
  std::string nodes_;  ///< For error messages.
};

std::string name_nodes(std::span<const FloatNode> nodes) {
  const std::string first = "float node '" + nodes.front().name + "'";
  return nodes.size() == 1 ? first : first + " to '" + nodes.back().name + "'";
}

}  // namespace

bool xnnpack_starts() {
  static const xnn_status status = xnn_initialize(&xnnpack_allocator());
  return status == xnn_status_success;
}

FloatStepResult create_xnnpack_step(std::span<const FloatNode> nodes,
                                    std::span<const FloatValue> values, pthreadpool_t pool) {
  const auto refused = [&](std::span<const FloatNode> by, xnn_status status) {
    if (status == xnn_status_out_of_memory) return fail("not enough memory for " + name_nodes(by));
    return fail("XNNPACK refuses " + name_nodes(by) + " (status " + std::to_string(status) +
                "); octet built with OCTET_WITH_XNNPACK=OFF runs it");
  };
  constexpr std::size_t lists = std::size_t{256} << 10;
  constexpr std::size_t lists_a_value = std::size_t{4} << 10;
  const XnnpackReserve reserve(lists + values.size() * lists_a_value);
  SubgraphBuilder builder(nodes, values);
  if (!reserve.is_there()) return refused(nodes, xnn_status_out_of_memory);
  for (const FloatNode& node : nodes) {
    builder.define(node);
    if (!reserve.is_there()) return refused(nodes, xnn_status_out_of_memory);
    if (builder.status != xnn_status_success) return refused({&node, 1}, builder.status);
  }
  xnn_runtime_t runtime = nullptr;
  xnn_status status = xnn_create_runtime_v2(builder.subgraph, pool, 0, &runtime);
  // If there is no memory for the runtime, XNNPACK nevertheless reports success.
  const bool no_memory = status == xnn_status_success && runtime == nullptr;
  if (no_memory) status = xnn_status_out_of_memory;
  if (status != xnn_status_success) return refused(nodes, status);
  auto step =
      std::make_unique<XnnpackStep>(runtime, std::move(builder.constants), name_nodes(nodes));
  // Values never move, so the setup is needed only once.
  status = xnn_setup_runtime(runtime, builder.externals.size(), builder.externals.data());
  if (!reserve.is_there()) status = xnn_status_out_of_memory;
  if (status != xnn_status_success) return refused(nodes, status);
  return step;
}

}  // namespace octet
