#include "loaders/layer_weights.h"

#include <algorithm>

namespace octet::loaders {

LayerWeights add_weights(graph::Graph& graph, const std::string& name, const Shape& shape,
                         std::span<const float> floats,
                         const std::optional<QuantizedValues>& quantized) {
  const bool by_channel = quantized && (quantized->scale.size() == 1 || quantized->axis == 0);
  if (!by_channel) {
    return {.id = graph.add_tensor(graph::make_float_constant(name, shape, floats)),
            .only_float = quantized.has_value()};
  }
  graph::Tensor tensor{.name = name, .type = Type::s8, .shape = shape};
  const auto bytes = std::as_bytes(std::span(quantized->values));
  tensor.data.emplace(bytes.begin(), bytes.end());
  graph::WeightQuantization quantization{.scale = quantized->scale};
  if (std::ranges::any_of(quantized->zero_point, [](int32_t z) { return z != 0; }))
    quantization.zero_point = quantized->zero_point;
  return {.id = graph.add_tensor(std::move(tensor)), .quantization = std::move(quantization)};
}

void apply(const LayerWeights& weights, graph::Node& layer) {
  layer.weight_quantization = weights.quantization;
  if (!weights.only_float) return;
  layer.precision = graph::Precision::float32;
  layer.reason = "no int8 form: its weights have scales along another axis than output channels";
}

}  // namespace octet::loaders
