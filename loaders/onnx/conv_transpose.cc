// A transposed convolution as an ordinary one (loaders/phases.h), whose result is then laid out in
// space.
#include <algorithm>

#include "loaders/onnx/operators.h"
#include "loaders/onnx/weights.h"
#include "loaders/onnx/window.h"
#include "loaders/phases.h"

namespace octet::loaders::onnx {

using graph::TensorId;

namespace {

struct AxisRequest {
  int32_t input = 0;
  int64_t pad_before = 0;
  int64_t pad_after = 0;
  int64_t output_padding = 0;
  int64_t output = 0;  ///< 0: follows from the paddings.
  bool same = false;   ///< The output is the input times the stride.
  bool upper = false;  ///< Where an odd rest of padding goes with SAME and output_shape.
};

AxisPlan plan_axis(const Node& node, int32_t kernel, int32_t stride, int32_t dilation,
                   const AxisRequest& r) {
  const int64_t extent = int64_t{dilation} * (kernel - 1) + 1;
  const int64_t whole = int64_t{stride} * (r.input - 1) + extent + r.output_padding;
  int64_t before = r.pad_before;
  int64_t output = whole - r.pad_before - r.pad_after;
  const int64_t wanted = r.same ? int64_t{r.input} * stride : r.output;
  if (wanted > 0) {
    const int64_t total = std::max<int64_t>(whole - wanted, 0);
    before = r.upper ? total / 2 : total - total / 2;
    output = wanted;
  }
  if (before < 0 || output < 1 || output > 1 << 15 || extent > 1 << 15 ||
      r.output_padding > 1 << 15 || r.output_padding < 0) {
    node.fail("has paddings or an output size out of range");
  }
  AxisPlan plan{.kernel = kernel, .stride = stride, .dilation = dilation};
  plan.taps = static_cast<int32_t>((extent + stride - 1) / stride);
  plan.before = static_cast<int32_t>(before);
  plan.output = static_cast<int32_t>(output);
  return plan;
}

/// Weights [I, O / groups, kh, kw] -> [groups * phases * O / groups, taps h, taps w, I / groups].
template <class T>
std::vector<T> phase_weights(const std::vector<T>& from, const Shape& shape, int32_t groups,
                             const AxisPlan& h, const AxisPlan& w, std::span<const T> zeros) {
  const int32_t inputs = shape[0] / groups;
  const int32_t outputs = shape[1];
  std::vector<T> to;
  for (int32_t g = 0; g < groups; ++g) {
    for (int32_t phase = 0; phase < h.stride * w.stride; ++phase) {
      for (int32_t o = 0; o < outputs; ++o) {
        for (int32_t tap = 0; tap < h.taps * w.taps; ++tap) {
          const int32_t kh = h.source(phase / w.stride, tap / w.taps);
          const int32_t kw = w.source(phase % w.stride, tap % w.taps);
          for (int32_t i = 0; i < inputs; ++i) {
            const int32_t row = ((g * inputs + i) * outputs + o) * shape[2] + kh;
            to.push_back(kh < 0 || kw < 0
                             ? zeros[zeros.size() == 1 ? 0 : static_cast<std::size_t>(o)]
                             : from[static_cast<std::size_t>(row * shape[3] + kw)]);
          }
        }
      }
    }
  }
  return to;
}

Constant make_phases(const Constant& weights, const Shape& shape, int32_t groups, const AxisPlan& h,
                     const AxisPlan& w) {
  const int32_t phases = h.stride * w.stride;
  Constant out{.dims = {int64_t{groups} * phases * shape[1], h.taps, w.taps, shape[0] / groups}};
  const float zero = 0;
  out.floats = phase_weights<float>(weights.floats, shape, groups, h, w, std::span(&zero, 1));
  const auto& q = weights.quantized;
  // Scales along the input channels, which a convolution has none for, go with the floats.
  if (!q || (q->scale.size() > 1 && q->axis != 1)) return out;
  const std::vector<int8_t> zeros(q->zero_point.begin(), q->zero_point.end());
  out.quantized =
      QuantizedValues{.values = phase_weights<int8_t>(q->values, shape, groups, h, w, zeros),
                      .scale = for_phases(q->scale, phases, groups, false),
                      .zero_point = for_phases(q->zero_point, phases, groups, false)};
  return out;
}

/// [N, H, W, groups * phases * C] -> [N, H * sh, W * sw, groups * C]
Value to_space(Builder& builder, const Node& node, const Value& y, int32_t groups,
               const AxisPlan& h, const AxisPlan& w) {
  const Shape stored = builder.graph().tensor(y.id).shape;
  const int32_t channels = stored[3] / (groups * h.stride * w.stride);
  const int32_t rows = stored[0] * stored[1];
  const AxisOrder six = identity_order(6);
  const Value split = builder.emit(
      node, Op::reshape, ReshapeAttributes{{rows, stored[2], groups, h.stride, w.stride, channels}},
      {y.id}, six, ".phases");
  // rows, sh, columns, sw, groups, channels
  const std::vector<int32_t> order = {0, 3, 1, 4, 2, 5};
  const Value moved =
      builder.emit(node, Op::transpose, TransposeAttributes{order}, {split.id}, six, ".to_space");
  const Shape image = {stored[0], stored[1] * h.stride, stored[2] * w.stride, groups * channels};
  return builder.emit(node, Op::reshape, ReshapeAttributes{image}, {moved.id},
                      channels_last_order(4), ".image");
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
  // Of an odd rest the specification puts more at the end with SAME_UPPER, else at the beginning.
  const bool upper = automatic == "SAME_UPPER";
  const ImageSize extra = read_pair(node, "output_padding", 0);
  auto wanted = node.integers("output_shape");
  if (wanted.size() == 4) wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (!wanted.empty() && wanted.size() != 2) node.fail("has an output_shape of another rank");
  // A given shape decides; auto_pad then only says where the rest goes.
  const bool same = automatic.starts_with("SAME") && wanted.empty();
  const AxisPlan h = plan_axis(node, shape[2], window.stride_h, window.dilation_h,
                               {.input = x.shape[2],
                                .pad_before = window.pad_top,
                                .pad_after = window.pad_bottom,
                                .output_padding = extra.h,
                                .output = wanted.empty() ? 0 : wanted[0],
                                .same = same,
                                .upper = upper});
  const AxisPlan w = plan_axis(node, shape[3], window.stride_w, window.dilation_w,
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
  // A stride far above the kernel: zeros, most of all.
  if (spread > std::max<int64_t>(1 << 22, 16 * element_count(shape)))
    node.missing("with strides far larger than its kernel");
  const LayerWeights layer = add_weights(builder, node, make_phases(weights, shape, groups, h, w));
  ConvAttributes a{.window = {.kernel_h = h.taps,
                              .kernel_w = w.taps,
                              .pad_top = h.taps - 1,
                              .pad_left = w.taps - 1,
                              .pad_bottom = h.pad_after(x.shape[2]),
                              .pad_right = w.pad_after(x.shape[3])},
                   .groups = groups,
                   .has_bias = node.has_input(2)};
  std::vector<TensorId> inputs = {x.id, layer.id};
  if (a.has_bias) {
    const Constant& bias = builder.required_constant(node, 2, "its bias");
    if (!bias.is_float() || bias.size() != static_cast<std::size_t>(groups * shape[1]))
      node.fail("has a bias that does not fit its output channels");
    std::vector<float> values = for_phases(bias.floats, static_cast<int32_t>(phases), groups, true);
    values.resize(static_cast<std::size_t>(phases * groups * shape[1]), bias.floats[0]);
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
  if (phases > 1) y = to_space(builder, node, y, groups, h, w);
  const Shape whole = builder.graph().tensor(y.id).shape;
  if (whole[1] != h.output || whole[2] != w.output) {
    const SliceAttributes cut{.begin = {0, h.before, w.before, 0},
                              .step = {1, 1, 1, 1},
                              .count = {whole[0], h.output, w.output, whole[3]}};
    y = builder.emit(node, Op::slice, cut, {y.id}, channels_last_order(4), ".cut");
  }
  builder.finish(node, y);
  if (phases > 1) builder.set_phased(y, phased);
}

}  // namespace octet::loaders::onnx
