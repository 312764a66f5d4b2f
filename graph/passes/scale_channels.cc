#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/calibration/calibrators.h"
#include "graph/inner_function.h"
#include "graph/passes/folding.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// Whether channels may have scales of their own in what the layer writes.
bool can_scale(const Graph& graph, const Node& layer) {
  if (!is_layer(layer) || !gives_u8(layer)) return false;
  const auto& a = std::get<ConvAttributes>(layer.attributes);
  const TensorId id = layer.output();
  const Tensor& result = graph.tensor(id);
  // The ends of a channel's range are its bounds. So a lower bound has to be a level: 0.
  const bool bounds_fit = a.bounds.min == 0 || std::isinf(a.bounds.min);
  if (a.has_residual || !bounds_fit || graph.is_output(id) || result.channel_low.empty() ||
      !result.quantization || is_rounded_by_file(graph, result))
    return false;
  const auto readers = graph.readers_of(id);
  return !readers.empty() && std::ranges::all_of(readers, [&](int reader) {
    const Node& node = graph.nodes[static_cast<std::size_t>(reader)];
    return node.precision == Precision::int8 && is_depthwise(graph, node) && node.inputs[0] == id &&
           std::ranges::count(node.inputs, id) == 1;
  });
}

struct Channels {
  std::vector<float> scale;
  std::vector<int32_t> zero_point;
};

// A scale for the range of each channel, but at least `least`.
Channels channels_of(const Tensor& tensor, const Bounds& bounds, float least) {
  Channels all;
  for (std::size_t c = 0; c < tensor.channel_low.size(); ++c) {
    const double low = std::max(tensor.channel_low[c], bounds.min);
    const double high = std::min(tensor.channel_high[c], bounds.max);
    Quantization q = quantization_of_range(std::min(low, 0.0), std::max(high, 0.0));
    if (!(low < 0 || high > 0) || q.scale < least) {
      const double zero_point = std::nearbyint(-std::min(low, 0.0) / double{least});
      q = {.scale = least, .zero_point = static_cast<int32_t>(std::clamp(zero_point, 0.0, 255.0))};
    }
    all.scale.push_back(q.scale);
    all.zero_point.push_back(q.zero_point);
  }
  return all;
}

// The real values of all channels together, of which no residual is part.
ResultRange range_of(const Channels& channels) {
  ResultRange range = {.low = 0, .high = 0};
  for (std::size_t c = 0; c < channels.scale.size(); ++c) {
    const double scale = channels.scale[c];
    range.low = std::min(range.low, scale * (0 - channels.zero_point[c]));
    range.high = std::max(range.high, scale * (255 - channels.zero_point[c]));
  }
  return range;
}

void scale_result(Graph& graph, Node& layer) {
  auto& a = std::get<ConvAttributes>(layer.attributes);
  Tensor& result = graph.tensor(layer.output());
  // A channel that was hardly ever alive may be more alive later, so no scale is smaller than a
  // part of the tensor's. And the finest scale decides how well a function has to be computed.
  for (const float part : {64.0f, 32.0f, 16.0f, 8.0f, 4.0f, 2.0f}) {
    const Channels channels = channels_of(result, a.bounds, result.quantization->scale / part);
    if (a.function.form == kernels::FunctionForm::pieces) {
      const auto function =
          fit_inner_function(a.function.function, a.function.value, range_of(channels),
                             double{*std::ranges::min_element(channels.scale)});
      if (!function) continue;
      a.function = *function;
    }
    result.channel_scales = channels.scale;
    result.channel_zero_points = channels.zero_point;
    return;
  }
}

}  // namespace

Status scale_channels(Graph& graph) {
  for (Node& node : graph.nodes) {
    if (can_scale(graph, node)) scale_result(graph, node);
  }
  return {};
}

}  // namespace octet::graph
