// The weights and biases of layers.
#pragma once

#include "loaders/layer_weights.h"
#include "loaders/tflite/builder.h"

namespace octet::loaders::tflite {

/// The constants of a layer.
struct LayerConstants {
  LayerWeights weights;
  std::optional<graph::TensorId> bias;
  std::string in_float;  ///< Why the layer has to run in float; empty if it does not have to.
};

/// Returns the weights of the node, its second operand. Errors: they are computed, or are integers
/// without a scale.
const Constant& required_weights(Builder& builder, const Node& node);

/// Returns the bias of the node, one value for each output channel of `weights`; null if it has
/// none.
const Constant* find_bias(Builder& builder, const Node& node, const Constant& weights,
                          std::size_t index);

/// Adds the weights, with the output channels on axis 0, and the bias, which may be null. Bytes
/// stay bytes if the input `x` is quantized. If it is float ('hybrid' models, float16), the weights
/// become floats.
///
/// A bias of s32 has the scale of the products and keeps its numbers. If the scale of a channel's
/// products is 0 or too small for float32, the channel adds nothing but its bias. The bias of a
/// channel without weights may leave no room for sums; it gets a coarser scale. A layer that adds
/// sums to such a bias runs in float.
LayerConstants add_layer_constants(Builder& builder, const Node& node, graph::TensorId x,
                                   Constant weights, const Constant* bias);

/// Returns the inputs of a layer: `x`, then the constants. Sets `has_bias` in the attributes.
std::vector<graph::TensorId> layer_inputs(graph::TensorId x, const LayerConstants& constants,
                                          ConvAttributes& attributes);

/// Gives the layer that was just added the scales of its weights, or keeps it in float.
void apply(const LayerConstants& constants, graph::Node& layer);

}  // namespace octet::loaders::tflite
