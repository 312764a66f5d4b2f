// Adds a layer's constants to the graph.
#pragma once

#include "loaders/layer_weights.h"
#include "loaders/onnx/builder.h"

namespace octet::loaders::onnx {

/// Adds weights, with the output channels on axis 0, as a tensor 'NODE.weight'.
LayerWeights add_weights(Builder& builder, const Node& node, const Constant& weights);

}  // namespace octet::loaders::onnx
