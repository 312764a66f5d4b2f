// Weights and biases of layers.
#pragma once

#include "loaders/layer_weights.h"
#include "loaders/tflite/builder.h"

namespace octet::loaders::tflite {

/// What a layer computes with, beside its input.
struct LayerConstants {
  LayerWeights weights;
  std::optional<graph::TensorId> bias;
  std::string in_float;  ///< Why the layer has to run in float; empty where it has not.
};

/// The node's weights, its second operand. Errors: computed ones, and integers without a scale.
const Constant& required_weights(Builder& builder, const Node& node);

/// The node's bias, one value an output channel of `weights`; null where it has none.
const Constant* find_bias(Builder& builder, const Node& node, const Constant& weights,
                          std::size_t index);

/// The weights, with the output channels on axis 0, and the bias, which may be null. Bytes stay
/// bytes where the input `x` is quantized; where it is in float ('hybrid' models, float16) weights
/// become floats.
///
/// A bias of s32 has the scale of the products, and stays the number that it is. A channel whose
/// scale of products is 0, or too small for float32, adds nothing but its bias. A channel without
/// weights may have a bias that leaves no room for sums: it gets a coarser scale. A layer that
/// sums onto such a bias runs in float.
LayerConstants add_layer_constants(Builder& builder, const Node& node, graph::TensorId x,
                                   Constant weights, const Constant* bias);

/// Appends them to a layer's inputs, and says so in its attributes.
std::vector<graph::TensorId> layer_inputs(graph::TensorId x, const LayerConstants& constants,
                                          ConvAttributes& attributes);

/// Gives the layer that was just added its weights' scales, or keeps it in float.
void apply(const LayerConstants& constants, graph::Node& layer);

}  // namespace octet::loaders::tflite
