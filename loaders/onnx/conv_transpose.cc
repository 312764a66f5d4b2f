// Loads a transposed convolution as an ordinary one (loaders/phases.h), whose result is then laid
// out in space.
#include <algorithm>

#include "loaders/onnx/operators.h"
#include "loaders/onnx/weights.h"
#include "loaders/onnx/window.h"
#include "loaders/phases.h"

namespace octet::loaders::onnx {

using graph::TensorId;

namespace {

AxisPlan checked_plan(const Node& node, int32_t kernel, int32_t stride, int32_t dilation,
                      const AxisRequest& request) {
  const std::optional<AxisPlan> plan = plan_axis(kernel, stride, dilation, request);
  if (!plan) node.fail("has paddings or an output size out of range");
  return *plan;
}

Constant make_phases(const Constant& weights, const Shape& shape, int32_t groups, const AxisPlan& h,
                     const AxisPlan& w) {
  const int32_t phases = h.stride * w.stride;
  Constant out{.dims = {int64_t{groups} * phases * shape[1], h.taps, w.taps, shape[0] / groups}};
  const float zero = 0;
  out.floats = phase_weights<float>(weights.floats, shape, groups, h, w, std::span(&zero, 1));
  const auto& q = weights.quantized;
  // Only the floats are kept if there are scales along the input channels, which a convolution
  // cannot have.
  if (!q || (q->scale.size() > 1 && q->axis != 1)) return out;
  const std::vector<int8_t> zeros(q->zero_point.begin(), q->zero_point.end());
  out.quantized =
      QuantizedValues{.values = phase_weights<int8_t>(q->values, shape, groups, h, w, zeros),
                      .scale = for_phases(q->scale, phases, groups, false),
                      .zero_point = for_phases(q->zero_point, phases, groups, false)};
  return out;
}

}  // namespace

void load_conv_transpose(Builder& builder, const Node& node) {
  const Constant& weights = builder.required_constant(node, 1, "its weights");
  const Value x = builder.image(node, 0);
  const Shape shape = shape_of(weights.dims, node.where() + "its weight ");
  if (shape.size() != 4 || !weights.is_float()) node.fail("takes float weights of rank 4");
  const int32_t groups = node.to_int32(node.integer("group", 1), "group");
  if (groups < 1 || shape[0] % groups != 0 || shape[0] != x.shape[1])
    node.fail("has weights or groups that do not fit its " + std::to_string(x.shape[1]) +
              " channels");

  const Window window = read_window(node, {shape[2], shape[3]}, {1, 1});
  const std::string automatic = node.text("auto_pad", "NOTSET");
  // If the padding is odd, the specification puts more at the end with SAME_UPPER, otherwise at the
  // beginning.
  const bool upper = automatic == "SAME_UPPER";
  const ImageSize extra = read_pair(node, "output_padding", 0);
  auto wanted = node.integers("output_shape");
  if (wanted.size() == 4) wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (!wanted.empty() && wanted.size() != 2) node.fail("has an output_shape of another rank");
  // A given output shape decides the size. auto_pad then only says where an odd rest of padding
  // goes.
  const bool same = automatic.starts_with("SAME") && wanted.empty();
  const AxisPlan h = checked_plan(node, shape[2], window.stride_h, window.dilation_h,
                                  {.input = x.shape[2],
                                   .pad_before = window.pad_top,
                                   .pad_after = window.pad_bottom,
                                   .output_padding = extra.h,
                                   .output = wanted.empty() ? 0 : wanted[0],
                                   .same = same,
                                   .upper = upper});
  const AxisPlan w = checked_plan(node, shape[3], window.stride_w, window.dilation_w,
                                  {.input = x.shape[3],
                                   .pad_before = window.pad_left,
                                   .pad_after = window.pad_right,
                                   .output_padding = extra.w,
                                   .output = wanted.empty() ? 0 : wanted[1],
                                   .same = same,
                                   .upper = upper});

  const int64_t phases = int64_t{h.stride} * w.stride;
  const int64_t spread =
      count_elements({phases, h.taps, w.taps, shape[0], shape[1]}, node.where() + "its weight ");
  // A stride far above the kernel would make weights that are almost all zeros.
  if (spread > std::max<int64_t>(1 << 22, 16 * element_count(shape)))
    node.missing("with strides far larger than its kernel");
  const LayerWeights layer = add_weights(builder, node, make_phases(weights, shape, groups, h, w));
  const ConvAttributes a =
      phase_convolution(builder.graph().tensor(x.id).shape, groups, h, w, node.has_input(2));
  std::vector<TensorId> inputs = {x.id, layer.id};
  if (a.has_bias) {
    const Constant& bias = builder.required_constant(node, 2, "its bias");
    if (!bias.is_float() || bias.size() != static_cast<std::size_t>(groups * shape[1]))
      node.fail("has a bias that does not fit its output channels");
    const std::vector<float> values =
        for_channels(bias.floats, static_cast<int32_t>(phases), groups);
    inputs.push_back(
        builder.add_floats(node, ".bias", {static_cast<int32_t>(values.size())}, values));
  }
  Value y = builder.emit(node, Op::conv2d, a, std::move(inputs), channels_last_order(4));
  apply(layer, builder.last_node());
  if (weights.quantized && !layer.quantization) {
    builder.last_node().precision = graph::Precision::float32;
    builder.last_node().reason = "no int8 form: its weights have scales along another axis";
  }
  const PhasedLayer phased{
      .output = y.id, .phases = static_cast<int32_t>(phases), .groups = groups};
  const Shape stored = builder.graph().tensor(y.id).shape;
  for (LayoutNode& part : to_space(stored, groups, h, w)) {
    y = builder.emit(node, part.op, std::move(part.attributes), {y.id},
                     part.rank == 4 ? channels_last_order(4) : identity_order(part.rank),
                     part.suffix);
  }
  builder.finish(node, y);
  if (phases > 1) builder.set_phased(y, phased);
}

}  // namespace octet::loaders::onnx
