// A layer's constants as the graph takes them: float, or int8 where the file has them so.
#pragma once

#include "loaders/onnx/builder.h"

namespace octet::loaders::onnx {

/// Weights with the output channels on axis 0. Int8 ones stay bytes, with `quantization`, where
/// their scales are one a tensor or one an output channel; otherwise they become floats, and the
/// layer has to run in float.
struct LayerWeights {
  graph::TensorId id = 0;
  std::optional<graph::WeightQuantization> quantization;
  bool only_float = false;
};

LayerWeights add_weights(Builder& builder, const Node& node, const Constant& weights);

/// Gives a layer that was just emitted its weights' scales, or keeps it in float.
void apply(const LayerWeights& weights, graph::Node& layer);

}  // namespace octet::loaders::onnx
