#include "loaders/phases.h"

#include <utility>

namespace octet::loaders {

using graph::TensorId;

std::optional<AxisPlan> plan_axis(int32_t kernel, int32_t stride, int32_t dilation,
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
    return std::nullopt;
  }
  AxisPlan plan{.kernel = kernel, .stride = stride, .dilation = dilation};
  plan.taps = static_cast<int32_t>((extent + stride - 1) / stride);
  plan.before = static_cast<int32_t>(before);
  plan.output = static_cast<int32_t>(output);
  return plan;
}

ConvAttributes phase_convolution(const Shape& input, int32_t groups, const AxisPlan& h,
                                 const AxisPlan& w, bool has_bias) {
  return {.window = {.kernel_h = h.taps,
                     .kernel_w = w.taps,
                     .pad_top = h.taps - 1,
                     .pad_left = w.taps - 1,
                     .pad_bottom = h.pad_after(input[1]),
                     .pad_right = w.pad_after(input[2])},
          .groups = groups,
          .has_bias = has_bias};
}

std::vector<LayoutNode> to_space(const Shape& stored, int32_t groups, const AxisPlan& h,
                                 const AxisPlan& w) {
  std::vector<LayoutNode> nodes;
  const int32_t phases = h.stride * w.stride;
  const int32_t channels = stored[3] / (groups * phases);
  const Shape image = {stored[0], stored[1] * h.stride, stored[2] * w.stride, groups * channels};
  if (phases > 1) {
    const Shape split = {stored[0] * stored[1], stored[2], groups, h.stride, w.stride, channels};
    // The axes of the result are: rows, sh, columns, sw, groups, channels.
    const std::vector<int32_t> order = {0, 3, 1, 4, 2, 5};
    nodes.push_back({Op::reshape, ReshapeAttributes{split}, ".phases", 6});
    nodes.push_back({Op::transpose, TransposeAttributes{order}, ".to_space", 6});
    nodes.push_back({Op::reshape, ReshapeAttributes{image}, ".image", 4});
  }
  if (image[1] != h.output || image[2] != w.output) {
    const SliceAttributes cut{.begin = {0, h.before, w.before, 0},
                              .stride = {1, 1, 1, 1},
                              .count = {image[0], h.output, w.output, image[3]}};
    nodes.push_back({Op::slice, cut, ".cut", 4});
  }
  return nodes;
}

std::vector<float> for_channels(const std::vector<float>& values, int32_t phases, int32_t groups) {
  std::vector<float> out = for_phases(values, phases, groups, true);
  // for_phases does not repeat a single value, but here each phase needs it.
  out.resize(values.size() * static_cast<std::size_t>(phases), values[0]);
  return out;
}

TensorId insert_behind(graph::Graph& graph, const PhasedLayer& layer, const std::string& name,
                       Op op, Attributes attributes, const std::vector<TensorId>& parameters) {
  const TensorId before = layer.output;
  const auto at = static_cast<std::ptrdiff_t>(graph.producer_of(before)) + 1;
  const TensorId after =
      graph.add_tensor({.name = name + ".phases", .shape = graph.tensor(before).shape});
  graph.redirect(before, after);
  graph::Node inserted{.name = name,
                       .op = op,
                       .attributes = std::move(attributes),
                       .inputs = {before},
                       .outputs = {after}};
  inserted.inputs.insert(inserted.inputs.end(), parameters.begin(), parameters.end());
  graph.nodes.insert(graph.nodes.begin() + at, std::move(inserted));
  return after;
}

}  // namespace octet::loaders
