// RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR, by TensorFlow's rules for coordinates.
#include <algorithm>
#include <array>
#include <cmath>

#include "loaders/resample.h"
#include "loaders/tflite/operators.h"

namespace octet::loaders::tflite {

using graph::TensorId;

namespace {

struct Rule {
  bool linear = false;
  bool align_corners = false;
  bool half_pixel_centers = false;
};

// Computed in float32, as in TensorFlow. Other arithmetic would take another pixel at a tie.
AxisSamples samples_of(const Rule& rule, int32_t axis, int32_t input, int32_t output) {
  AxisSamples samples{.axis = axis, .input = input};
  const bool corners = rule.align_corners && output > 1;
  const float scale = corners ? static_cast<float>(input - 1) / static_cast<float>(output - 1)
                              : static_cast<float>(input) / static_cast<float>(output);
  const float offset = rule.half_pixel_centers ? 0.5f : 0.0f;
  for (int32_t i = 0; i < output; ++i) {
    const float position = (static_cast<float>(i) + offset) * scale;
    if (rule.linear) {
      samples.positions.push_back(position - offset);
      continue;
    }
    const float pixel = rule.align_corners ? std::round(position) : std::floor(position);
    samples.positions.push_back(std::clamp(pixel, 0.0f, static_cast<float>(input - 1)));
  }
  return samples;
}

Rule read_rule(const Node& node) {
  if (node.code() == format::BuiltinOperator::RESIZE_BILINEAR) {
    const auto& o = node.options<format::ResizeBilinearOptions>();
    return {true, o.align_corners(), o.half_pixel_centers()};
  }
  const auto& o = node.options<format::ResizeNearestNeighborOptions>();
  return {false, o.align_corners(), o.half_pixel_centers()};
}

// Returns the height and width of the result: from the operand or, if octet cannot compute that
// while it converts, from the shape in the file.
std::array<int32_t, 2> output_size(Builder& builder, const Node& node) {
  std::vector<int64_t> size;
  if (builder.constant(node, 1) != nullptr) {
    size = builder.integers(node, 1, "its size");
  } else {
    const Shape shape = builder.firm_result_shape(node, 1, "its size");
    if (shape.size() == 4) size = {shape[1], shape[2]};
  }
  if (size.size() != 2 || std::min(size[0], size[1]) < 1 || std::max(size[0], size[1]) > 1 << 15)
    node.fail("has an output size out of range");
  return {static_cast<int32_t>(size[0]), static_cast<int32_t>(size[1])};
}

TensorId resize_by_matrix(Builder& builder, const Node& node, TensorId x, const Rule& rule,
                          const AxisSamples& samples) {
  if (int64_t{samples.input} * samples.output() > int64_t{1} << 22)
    node.missing("with these coordinates at this size");
  const std::string suffix = samples.axis == 1 ? ".h" : ".w";
  // The axis is moved to the end, multiplied by the matrix, and moved back.
  const std::vector<int32_t> swapped =
      samples.axis == 1 ? std::vector<int32_t>{0, 3, 2, 1} : std::vector<int32_t>{0, 1, 3, 2};
  const TensorId turned =
      builder.emit_moved(node, Op::transpose, TransposeAttributes{swapped}, x, suffix + ".turned");
  const TensorId matrix = builder.add_floats(
      node, suffix + ".matrix", {samples.output(), samples.input}, resize_matrix(samples));
  const TensorId resized =
      builder.emit(node, Op::linear, ConvAttributes{}, {turned, matrix}, suffix + ".resized");
  builder.last_node().precision = graph::Precision::float32;
  builder.last_node().reason = std::string("no int8 form: ") +
                               (rule.linear ? "bilinear" : "nearest") + " resizing with " +
                               (rule.align_corners        ? "aligned corners"
                                : rule.half_pixel_centers ? "half-pixel centres"
                                                          : "TensorFlow's old coordinates");
  return builder.emit(node, Op::transpose, TransposeAttributes{swapped}, {resized}, suffix);
}

}  // namespace

void load_resize(Builder& builder, const Node& node) {
  const Rule rule = read_rule(node);
  TensorId x = rule.linear ? builder.image(node, 0) : builder.moved_image(node, 0);
  const Shape s = builder.shape(x);
  const auto [height, width] = output_size(builder, node);
  const AxisSamples h = samples_of(rule, 1, s[1], height);
  const AxisSamples w = samples_of(rule, 2, s[2], width);
  ResizeAttributes a{.output_h = height, .output_w = width};
  if (!rule.linear && is_octets_nearest(h) && is_octets_nearest(w))
    return builder.finish(node, builder.emit_moved(node, Op::resize, a, x));
  for (const bool corners : {false, true}) {
    if (!rule.linear || !is_octets_linear(h, corners) || !is_octets_linear(w, corners)) continue;
    a.mode = ResizeMode::bilinear;
    a.align_corners = corners;
    return builder.finish(node, builder.emit(node, Op::resize, a, {x}));
  }
  // A matrix product takes no bytes without a scale. image() refuses them.
  if (!rule.linear) x = builder.image(node, 0);
  x = resize_by_matrix(builder, node, x, rule, h);
  builder.finish(node, resize_by_matrix(builder, node, x, rule, w));
}

}  // namespace octet::loaders::tflite
