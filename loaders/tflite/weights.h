// A layer's constants as the graph takes them.
#pragma once

#include "loaders/layer_weights.h"
#include "loaders/tflite/builder.h"

namespace octet::loaders::tflite {

/// What a layer computes with, beside its input.
struct LayerConstants {
  LayerWeights weights;
  std::optional<graph::TensorId> bias;
};

/// The weights, with the output channels on axis 0, and the bias at input `bias` of the node, if it
/// has one. Bytes stay bytes where the input `x` is quantized; where it is in float ('hybrid'
/// models, float16) weights become floats. A bias of s32 has the scale of the products; its float
/// is one that makes the same s32 again.
LayerConstants add_layer_constants(Builder& builder, const Node& node, graph::TensorId x,
                                   const Constant& weights, std::size_t bias);

/// Appends them to a layer's inputs, and says so in its attributes.
std::vector<graph::TensorId> layer_inputs(graph::TensorId x, const LayerConstants& constants,
                                          ConvAttributes& attributes);

}  // namespace octet::loaders::tflite
