// The weights of a layer in the form that the graph takes: float, or int8 if the file has int8.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace octet::loaders {

/// The bytes from which a constant's floats were computed: real = scale * (q - zero_point).
struct QuantizedValues {
  /// Row-major. For uint8, values and zero points are stored less 128.
  std::vector<int8_t> values;
  std::vector<float> scale;  ///< One scale, or one for each position along `axis`.
  std::vector<int32_t> zero_point;
  int32_t axis = 0;
};

/// Weights with the output channels on axis 0. Int8 weights stay bytes, with `quantization`, if
/// they have one scale or one for each output channel. Otherwise they become floats, and the layer
/// has to run in float. Zero points are removed if the weights fit into a byte without them. A
/// channel is dead if its scale is 0 or so small that float32 loses its products: its weights
/// become 0.
struct LayerWeights {
  graph::TensorId id = 0;
  std::optional<graph::WeightQuantization> quantization;
  bool only_float = false;
};

/// Adds a tensor of `shape` to the graph. `floats` may be empty if there are bytes that stay bytes.
LayerWeights add_weights(graph::Graph& graph, const std::string& name, const Shape& shape,
                         std::span<const float> floats,
                         const std::optional<QuantizedValues>& quantized);

/// Gives a layer that was just added the scales of its weights, or keeps it in float.
void apply(const LayerWeights& weights, graph::Node& layer);

}  // namespace octet::loaders
