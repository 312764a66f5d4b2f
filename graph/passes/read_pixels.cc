#include <algorithm>
#include <cmath>

#include "graph/passes/folding.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

bool can_read_pixels(const Graph& graph, TensorId input, int reader) {
  const Node& node = graph.nodes[static_cast<std::size_t>(reader)];
  return is_layer(node) && node.precision == Precision::int8 && node.inputs[0] == input &&
         std::ranges::count(node.inputs, input) == 1 && !node.weight_quantization &&
         graph.tensor(node.inputs[1]).type == Type::f32;
}

// Whether the first input is an image whose scale calibration chose.
bool is_image(const Graph& graph) {
  if (!graph.preprocess || graph.keeps_rounding || graph.unscaled_is_float) return false;
  const TensorId id = graph.inputs[0];
  const Tensor& input = graph.tensor(id);
  const Preprocess& p = *graph.preprocess;
  const auto is_level = [](float mean) { return mean >= 0 && mean <= 255; };
  const auto is_scale = [](float std) { return std::isnormal(std) && std::isnormal(1 / std); };
  if (input.type != Type::f32 || !input.quantization || input.given_in_bytes ||
      input.shape.size() != 4 || static_cast<std::size_t>(input.shape[3]) != p.mean.size() ||
      !std::ranges::all_of(p.mean, is_level) || !std::ranges::all_of(p.std, is_scale) ||
      graph.is_output(id))
    return false;
  const auto readers = graph.readers_of(id);
  return !readers.empty() &&
         std::ranges::all_of(readers, [&](int r) { return can_read_pixels(graph, id, r); });
}

// A zero point is a whole level, and the mean need not be: the layer's bias takes up the rest.
void shift_bias(Graph& graph, Node& layer) {
  const Tensor& input = graph.tensor(layer.inputs[0]);
  const Tensor& weight = graph.tensor(layer.inputs[1]);
  const auto channels = static_cast<std::size_t>(weight.shape[0]);
  const auto in_group = static_cast<std::size_t>(weight.shape.back());
  const std::size_t groups = static_cast<std::size_t>(input.shape.back()) / in_group;
  std::vector<float> bias = bias_of(graph, layer);
  const auto weights = float_values(weight);
  const std::size_t in_filter = weights.size() / channels;
  for (std::size_t o = 0; o < channels; ++o) {
    double shift = 0;
    for (std::size_t k = 0; k < in_filter; ++k) {
      const std::size_t c = o / (channels / groups) * in_group + k % in_group;
      const double rest = double{input.channel_means[c]} - input.channel_zero_points[c];
      shift -= double{weights[o * in_filter + k]} * double{input.channel_scales[c]} * rest;
    }
    bias[o] += static_cast<float>(shift);
  }
  set_bias(graph, layer, bias);
}

}  // namespace

Status read_pixels(Graph& graph) {
  if (graph.inputs.empty() || !is_image(graph)) return {};
  const TensorId id = graph.inputs[0];
  Tensor& input = graph.tensor(id);
  for (std::size_t c = 0; c < graph.preprocess->mean.size(); ++c) {
    const float mean = graph.preprocess->mean[c];
    input.channel_scales.push_back(1 / graph.preprocess->std[c]);
    input.channel_zero_points.push_back(static_cast<int32_t>(std::nearbyint(mean)));
    input.channel_means.push_back(mean);
  }
  for (const int reader : graph.readers_of(id))
    shift_bias(graph, graph.nodes[static_cast<std::size_t>(reader)]);
  return {};
}

}  // namespace octet::graph
