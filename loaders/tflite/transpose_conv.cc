// Loads a transposed convolution as an ordinary one (loaders/phases.h), whose result is then laid
// out in space.
#include <algorithm>

#include "loaders/phases.h"
#include "loaders/tflite/operators.h"
#include "loaders/tflite/options.h"
#include "loaders/tflite/weights.h"

namespace octet::loaders::tflite {

using graph::TensorId;

namespace {

AxisPlan plan_axis(const Node& node, int32_t input, int32_t kernel, int32_t stride, int32_t output,
                   format::Padding padding) {
  const auto in_range = [](int32_t value) { return value >= 1 && value <= 1 << 15; };
  if (!in_range(kernel) || !in_range(stride) || !in_range(output))
    node.fail("has a kernel, stride or output size out of range");
  // The sizes have to be those of the convolution of which this is the transpose: that one reads
  // `output` positions and gives `input`.
  const bool same = padding == format::Padding::SAME;
  const int32_t needed = same ? output + stride - 1 : output - kernel + stride;
  if (needed / stride != input || needed < 0) {
    node.fail("makes " + std::to_string(output) + " rows or columns of " + std::to_string(input) +
              ", which its stride and padding do not give");
  }
  AxisPlan plan{.kernel = kernel, .stride = stride, .output = output};
  plan.taps = (kernel + stride - 1) / stride;
  if (same) plan.before = same_padding(output, kernel, stride, 1, true).before;
  return plan;
}

// Rearranges weights [O, kh, kw, I] to [phases * O, taps h, taps w, I]. `zeros` is one value, or
// one for each output channel.
template <class T>
std::vector<T> phase_weights(const std::vector<T>& from, const Shape& shape, const AxisPlan& h,
                             const AxisPlan& w, std::span<const T> zeros) {
  std::vector<T> to;
  for (int32_t phase = 0; phase < h.stride * w.stride; ++phase) {
    for (int32_t o = 0; o < shape[0]; ++o) {
      const T zero = zeros[zeros.size() == 1 ? 0 : static_cast<std::size_t>(o)];
      for (int32_t tap = 0; tap < h.taps * w.taps; ++tap) {
        const int32_t kh = h.source(phase / w.stride, tap / w.taps);
        const int32_t kw = w.source(phase % w.stride, tap % w.taps);
        const auto at = static_cast<std::size_t>(((o * shape[1] + kh) * shape[2] + kw) * shape[3]);
        for (std::size_t i = 0; i < static_cast<std::size_t>(shape[3]); ++i)
          to.push_back(kh < 0 || kw < 0 ? zero : from[at + i]);
      }
    }
  }
  return to;
}

Constant make_phases(const Constant& weights, const AxisPlan& h, const AxisPlan& w) {
  const int32_t phases = h.stride * w.stride;
  const Shape& s = weights.shape;
  Constant out{.shape = {phases * s[0], h.taps, w.taps, s[3]}};
  const float zero = 0;
  out.floats = phase_weights<float>(weights.floats, s, h, w, std::span(&zero, 1));
  const auto& q = weights.quantized;
  if (!q) return out;
  const std::vector<int8_t> zeros(q->zero_point.begin(), q->zero_point.end());
  out.quantized = QuantizedValues{.values = phase_weights<int8_t>(q->values, s, h, w, zeros),
                                  .scale = for_phases(q->scale, phases, 1, false),
                                  .zero_point = for_phases(q->zero_point, phases, 1, false),
                                  .axis = q->axis};
  return out;
}

// Repeats the bias for the channels of each phase.
Constant repeated(const Constant& bias, std::size_t times) {
  Constant out{.shape = {bias.shape.empty() ? 1 : bias.shape[0] * static_cast<int32_t>(times)},
               .is_float = bias.is_float};
  for (std::size_t i = 0; i < times; ++i) {
    out.floats.insert(out.floats.end(), bias.floats.begin(), bias.floats.end());
    out.integers.insert(out.integers.end(), bias.integers.begin(), bias.integers.end());
  }
  return out;
}

/// Makes [N, H, W, phases * C] the image [N, H * sh, W * sw, C].
TensorId to_space(Builder& builder, const Node& node, TensorId y, const AxisPlan& h,
                  const AxisPlan& w) {
  const Shape s = builder.shape(y);
  const int32_t channels = s[3] / (h.stride * w.stride);
  const Shape split = {s[0] * s[1], s[2], h.stride, w.stride, channels};
  const TensorId parts = builder.reshaped(node, y, split, ".phases");
  const TensorId moved = builder.emit_moved(
      node, Op::transpose, TransposeAttributes{{0, 2, 1, 3, 4}}, parts, ".to_space");
  return builder.reshaped(node, moved, {s[0], s[1] * h.stride, s[2] * w.stride, channels},
                          ".image");
}

// Returns the size of the result: from the operand or, if octet cannot compute that while it
// converts, from the shape in the file.
Shape output_shape(Builder& builder, const Node& node) {
  if (builder.constant(node, 0) == nullptr)
    return builder.firm_result_shape(node, 0, "its output shape");
  const std::vector<int64_t>& given = builder.integers(node, 0, "its output shape");
  if (given.size() != 4) node.fail("has an output shape of another rank than an image's");
  Shape shape;
  for (const int64_t extent : given)
    shape.push_back(static_cast<int32_t>(std::clamp<int64_t>(extent, 0, 1 << 20)));
  return shape;
}

}  // namespace

void load_transpose_conv(Builder& builder, const Node& node) {
  const auto& o = node.options<format::TransposeConvOptions>();
  const Constant& weights = required_weights(builder, node);
  const TensorId x = builder.image(node, 2);
  const Shape input = builder.shape(x);
  const Shape wanted = output_shape(builder, node);
  const Shape s = weights.shape;  // [O, kh, kw, I]
  if (s.size() != 4 || wanted.size() != 4 || s[3] != input[3])
    node.fail("has weights that do not fit its " + std::to_string(input[3]) + " channels");
  const AxisPlan h = plan_axis(node, input[1], s[1], o.stride_h(), wanted[1], o.padding());
  const AxisPlan w = plan_axis(node, input[2], s[2], o.stride_w(), wanted[2], o.padding());

  const int64_t phases = int64_t{h.stride} * w.stride;
  // A stride far above the kernel would make weights that are almost all zeros.
  const int64_t most = std::max<int64_t>(1 << 22, 16 * element_count(s));
  if (phases > most || phases * h.taps * w.taps * s[0] * s[3] > most)
    node.missing("with strides far larger than its kernel");

  const Constant spread = make_phases(weights, h, w);
  std::optional<Constant> bias;
  if (const Constant* one = find_bias(builder, node, weights, 3))
    bias = repeated(*one, static_cast<std::size_t>(phases));
  const LayerConstants constants =
      add_layer_constants(builder, node, x, spread, bias ? &*bias : nullptr);
  ConvAttributes a{.window = {.kernel_h = h.taps,
                              .kernel_w = w.taps,
                              .pad_top = h.taps - 1,
                              .pad_left = w.taps - 1,
                              .pad_bottom = h.pad_after(input[1]),
                              .pad_right = w.pad_after(input[2])},
                   .bounds = bounds_of(node, o.fused_activation())};
  std::vector<TensorId> operands = layer_inputs(x, constants, a);
  TensorId y = builder.emit(node, Op::conv2d, a, std::move(operands), phases > 1 ? ".conv" : "");
  apply(constants, builder.last_node());
  if (phases > 1) y = to_space(builder, node, y, h, w);
  const Shape whole = builder.shape(y);
  if (whole[1] != h.output || whole[2] != w.output) {
    const SliceAttributes cut{.begin = {0, h.before, w.before, 0},
                              .stride = {1, 1, 1, 1},
                              .count = {whole[0], h.output, w.output, whole[3]}};
    y = builder.emit_moved(node, Op::slice, cut, y, ".cut");
  }
  builder.finish(node, y);
}

}  // namespace octet::loaders::tflite
