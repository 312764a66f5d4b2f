#include "loaders/layer_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "loaders/load_error.h"

namespace octet::loaders {
namespace {

// Removes the zero points if all weights fit into a byte without them. The sums stay the same, and
// every kernel takes such weights.
void drop_zero_points(QuantizedValues& weights, std::size_t channels) {
  const std::size_t per_channel = weights.values.size() / channels;
  const std::vector<int32_t> zero_point = weights.zero_point;
  const auto shifted = [&](std::size_t i) {
    return weights.values[i] - zero_point[zero_point.size() == 1 ? 0 : i / per_channel];
  };
  for (std::size_t i = 0; i < weights.values.size(); ++i) {
    if (shifted(i) < -128 || shifted(i) > 127) return;
  }
  for (std::size_t i = 0; i < weights.values.size(); ++i)
    weights.values[i] = static_cast<int8_t>(shifted(i));
  weights.zero_point.clear();
}

// Whether the scale is 0 or denormal, so that whatever is multiplied by it counts as 0.
bool is_dead(float scale) { return scale >= 0 && scale < std::numeric_limits<float>::min(); }

void zero_dead_channels(QuantizedValues& weights) {
  const std::size_t per_scale = weights.values.size() / weights.scale.size();
  for (std::size_t s = 0; s < weights.scale.size(); ++s) {
    if (!is_dead(weights.scale[s])) continue;
    weights.scale[s] = 1;
    const int32_t zero =
        weights.zero_point.empty() ? 0 : weights.zero_point[weights.zero_point.size() == 1 ? 0 : s];
    std::fill_n(weights.values.begin() + static_cast<std::ptrdiff_t>(s * per_scale), per_scale,
                static_cast<int8_t>(zero));
  }
}

void check_scales(const std::string& name, const QuantizedValues& weights) {
  for (const float scale : weights.scale) {
    if (is_dead(scale) || (scale > 0 && std::isnormal(scale) && std::isnormal(1.0f / scale)))
      continue;
    throw LoadError("the weights '" + name + "' have a scale of " + graph::text_of(scale) +
                    ", which is no number between 0 and 8.5e37: quantize the model again");
  }
}

}  // namespace

LayerWeights add_weights(graph::Graph& graph, const std::string& name, const Shape& shape,
                         std::span<const float> floats,
                         const std::optional<QuantizedValues>& quantized) {
  const bool by_channel = quantized && (quantized->scale.size() == 1 || quantized->axis == 0);
  if (!by_channel) {
    return {.id = graph.add_tensor(graph::make_float_constant(name, shape, floats)),
            .only_float = quantized.has_value()};
  }
  QuantizedValues bytes = *quantized;
  check_scales(name, bytes);
  zero_dead_channels(bytes);
  drop_zero_points(bytes, static_cast<std::size_t>(shape[0]));
  graph::Tensor tensor{.name = name, .type = Type::s8, .shape = shape};
  const auto data = std::as_bytes(std::span(bytes.values));
  tensor.data.emplace(data.begin(), data.end());
  graph::WeightQuantization quantization{.scale = bytes.scale, .zero_point = bytes.zero_point};
  return {.id = graph.add_tensor(std::move(tensor)), .quantization = std::move(quantization)};
}

void apply(const LayerWeights& weights, graph::Node& layer) {
  layer.weight_quantization = weights.quantization;
  if (!weights.only_float) return;
  layer.precision = graph::Precision::float32;
  layer.reason = "no int8 form: its weights have scales along another axis than output channels";
}

}  // namespace octet::loaders
