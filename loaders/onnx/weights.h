// A layer's constant as the graph takes it.
#pragma once

#include "loaders/layer_weights.h"
#include "loaders/onnx/builder.h"

namespace octet::loaders::onnx {

/// Weights with the output channels on axis 0, as a tensor 'NODE.weight'.
LayerWeights add_weights(Builder& builder, const Node& node, const Constant& weights);

}  // namespace octet::loaders::onnx
