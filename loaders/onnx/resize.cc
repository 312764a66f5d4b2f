// Resize and Upsample, by ONNX's rules for coordinates.
#include <algorithm>
#include <cmath>
#include <optional>

#include "loaders/onnx/operators.h"
#include "loaders/resample.h"

namespace octet::loaders::onnx {

using graph::TensorId;

namespace {

struct Rule {
  bool linear = false;
  std::string coordinates;  ///< From coordinate_transformation_mode.
  std::string nearest;      ///< From nearest_mode, or "simple" for operator sets before 11.
};

struct ResizedAxis {
  int32_t axis = 0;
  int32_t input = 1;
  int32_t output = 1;
  float scale = 1;
};

// Computed in float32, as in ONNX Runtime. Other arithmetic would take another pixel at a tie.
float source_position(const Rule& rule, const ResizedAxis& a, int32_t index) {
  const auto i = static_cast<float>(index);
  const auto in = static_cast<float>(a.input);
  const auto out = static_cast<float>(a.output);
  const std::string& mode = rule.coordinates;
  if (mode == "asymmetric") return i / a.scale;
  if (mode == "align_corners") return a.output == 1 ? 0 : i * (in - 1) / (out - 1);
  if (mode == "tf_half_pixel_for_nn") return (i + 0.5f) / a.scale;
  if (mode == "pytorch_half_pixel" && a.output == 1) return 0;
  const float half_pixel = (i + 0.5f) / a.scale - 0.5f;
  if (mode != "half_pixel_symmetric") return half_pixel;
  return in / 2 * (1 - out / (a.scale * in)) + half_pixel;
}

int32_t nearest_pixel(const Rule& rule, const ResizedAxis& a, float position) {
  float pixel = 0;
  if (rule.nearest == "simple") {
    pixel = a.scale < 1 ? std::ceil(position) : std::floor(position);
  } else if (rule.nearest == "floor") {
    pixel = std::floor(position);
  } else if (rule.nearest == "ceil") {
    pixel = std::ceil(position);
  } else if (rule.nearest == "round_prefer_floor" && position == std::floor(position) + 0.5f) {
    pixel = std::floor(position);
  } else {
    pixel = std::floor(position + 0.5f);
  }
  return static_cast<int32_t>(std::clamp(pixel, 0.0f, static_cast<float>(a.input - 1)));
}

AxisSamples samples_of(const Rule& rule, const ResizedAxis& a) {
  AxisSamples samples{.axis = a.axis, .input = a.input};
  for (int32_t i = 0; i < a.output; ++i) {
    const float position = source_position(rule, a, i);
    samples.positions.push_back(rule.linear ? position
                                            : static_cast<float>(nearest_pixel(rule, a, position)));
  }
  return samples;
}

Value resize_by_matrix(Builder& builder, const Node& node, const Value& x, const Rule& rule,
                       const AxisSamples& a, const std::string& suffix) {
  if (int64_t{a.input} * a.output() > int64_t{1} << 22)
    node.missing("with these coordinates at this size");
  AxisOrder order = x.order;
  std::erase(order, a.axis);
  order.push_back(a.axis);
  const Value stored = builder.stored_as(x, order);
  const TensorId weights =
      builder.add_floats(node, suffix + ".matrix", {a.output(), a.input}, resize_matrix(a));
  const Value y =
      builder.emit(node, Op::linear, ConvAttributes{}, {stored.id, weights}, order, suffix);
  builder.last_node().precision = graph::Precision::float32;
  builder.last_node().reason = "no int8 form: resizing with " + rule.coordinates + " coordinates" +
                               (rule.linear ? "" : " and " + rule.nearest + " rounding");
  return y;
}

// Reads the scales or sizes of all axes that `axes` names.
std::vector<ResizedAxis> read_axes(Builder& builder, const Node& node, const Value& x) {
  const bool has_roi = node.op() == "Resize" && node.opset() >= 11;
  const std::size_t scales_at = has_roi ? 2 : 1;
  std::vector<float> scales = node.numbers("scales");
  if (node.has_input(scales_at))
    scales = builder.required_constant(node, scales_at, "its scales").floats;
  std::vector<int64_t> sizes;
  if (has_roi && node.has_input(3))
    sizes = builder.required_constant(node, 3, "its sizes").integers;
  if (node.text("keep_aspect_ratio_policy", "stretch") != "stretch")
    node.missing("that keeps the image's proportions");

  std::vector<int64_t> axes = node.integers("axes");
  if (axes.empty())
    for (std::size_t i = 0; i < x.shape.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  const bool by_size = !sizes.empty();
  if ((by_size ? sizes.size() : scales.size()) != axes.size())
    node.fail("needs a scale or a size for each axis");
  std::vector<ResizedAxis> out;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    ResizedAxis a{.axis = node.axis(axes[i], x.shape.size())};
    a.input = x.shape[static_cast<std::size_t>(a.axis)];
    // Computed in float32, where a product such as 10 * 0.7 is a whole number.
    const double size =
        by_size ? static_cast<double>(sizes[i])
                : static_cast<double>(std::floor(static_cast<float>(a.input) * scales[i]));
    if (!(size >= 1 && size <= 1 << 15)) node.fail("has an output size out of range");
    a.output = static_cast<int32_t>(size);
    a.scale = by_size ? static_cast<float>(a.output) / static_cast<float>(a.input) : scales[i];
    if (a.output != a.input || a.scale != 1) out.push_back(a);
  }
  return out;
}

Rule read_rule(const Node& node) {
  Rule rule;
  const std::string mode = node.text("mode", "nearest");
  if (mode != "nearest" && mode != "linear" && mode != "bilinear")
    node.missing("with the mode '" + mode + "'");
  rule.linear = mode != "nearest";
  if (node.op() == "Upsample" || node.opset() < 11) {
    rule.coordinates = "asymmetric";
    rule.nearest = "simple";
    return rule;
  }
  rule.coordinates = node.text("coordinate_transformation_mode", "half_pixel");
  rule.nearest = node.text("nearest_mode", "round_prefer_floor");
  static const std::vector<std::string> known = {"half_pixel",           "pytorch_half_pixel",
                                                 "align_corners",        "asymmetric",
                                                 "tf_half_pixel_for_nn", "half_pixel_symmetric"};
  if (std::ranges::count(known, rule.coordinates) == 0)
    node.missing("with the coordinates '" + rule.coordinates + "'");
  if (node.integer("antialias", 0) != 0) node.missing("with antialiasing");
  return rule;
}

// Returns the two image axes of a rank-4 activation, if all resized axes are among them.
std::optional<std::pair<int32_t, int32_t>> image_axes(const Value& x,
                                                      const std::vector<AxisSamples>& axes) {
  if (x.shape.size() != 4) return std::nullopt;
  const std::pair<int32_t, int32_t> channels_first = {2, 3};
  const std::pair<int32_t, int32_t> channels_last = {1, 2};
  for (const auto& pair : {channels_first, channels_last}) {
    if (std::ranges::all_of(axes, [&](const AxisSamples& a) {
          return a.axis == pair.first || a.axis == pair.second;
        })) {
      return pair;
    }
  }
  return std::nullopt;
}

}  // namespace

void load_resize(Builder& builder, const Node& node) {
  const Rule rule = read_rule(node);
  Value x = rule.linear ? builder.operand(node, 0) : builder.order_operand(node, 0);
  std::vector<AxisSamples> axes;
  for (const ResizedAxis& axis : read_axes(builder, node, x))
    axes.push_back(samples_of(rule, axis));
  if (axes.empty()) return builder.finish(node, x);

  const auto all = [&](const auto& condition) { return std::ranges::all_of(axes, condition); };
  const bool nearest = !rule.linear && all(is_octets_nearest);
  const bool half_pixel =
      rule.linear && all([](const AxisSamples& a) { return is_octets_linear(a, false); });
  const bool corners =
      rule.linear && all([](const AxisSamples& a) { return is_octets_linear(a, true); });
  const auto image = image_axes(x, axes);
  if (image && (nearest || half_pixel || corners)) {
    const auto [h, w] = *image;
    const AxisOrder order = {0, h, w, 6 - h - w};
    ResizeAttributes a{.output_h = x.shape[static_cast<std::size_t>(h)],
                       .output_w = x.shape[static_cast<std::size_t>(w)],
                       .mode = nearest ? ResizeMode::nearest : ResizeMode::bilinear,
                       .align_corners = !nearest && !half_pixel};
    for (const AxisSamples& axis : axes) (axis.axis == h ? a.output_h : a.output_w) = axis.output();
    return builder.finish(
        node, builder.emit(node, Op::resize, a, {builder.stored_as(x, order).id}, order));
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const bool last = i + 1 == axes.size();
    x = resize_by_matrix(builder, node, x, rule, axes[i],
                         last ? "" : ".axis" + std::to_string(axes[i].axis));
  }
  builder.finish(node, x);
}

}  // namespace octet::loaders::onnx
