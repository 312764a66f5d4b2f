// A layer's weights as the graph takes them: float, or int8 where the file has them so.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace octet::loaders {

/// How a constant's floats came out of bytes: real = scale * (q - zero_point).
struct QuantizedValues {
  std::vector<int8_t> values;  ///< Row-major; uint8 ones less 128, as their zero points.
  std::vector<float> scale;    ///< One, or one for each position along `axis`.
  std::vector<int32_t> zero_point;
  int32_t axis = 0;
};

/// Weights with the output channels on axis 0. Int8 ones stay bytes, with `quantization`, where
/// their scales are one a tensor or one an output channel; otherwise they become floats, and the
/// layer has to run in float. Zero points without which the weights fit into a byte as well are
/// taken off. A channel whose scale is 0, or so small that float32 does not keep its products, is
/// dead: its weights become 0.
struct LayerWeights {
  graph::TensorId id = 0;
  std::optional<graph::WeightQuantization> quantization;
  bool only_float = false;
};

/// Adds a tensor of `shape` to the graph. `floats` may be empty where there are bytes that stay.
LayerWeights add_weights(graph::Graph& graph, const std::string& name, const Shape& shape,
                         std::span<const float> floats,
                         const std::optional<QuantizedValues>& quantized);

/// Gives a layer that was just added its weights' scales, or keeps it in float.
void apply(const LayerWeights& weights, graph::Node& layer);

}  // namespace octet::loaders
