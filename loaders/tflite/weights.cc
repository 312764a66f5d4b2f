#include "loaders/tflite/weights.h"

#include <cmath>
#include <limits>

namespace octet::loaders::tflite {

using graph::TensorId;

namespace {

// The float that graph/passes/quantize_weights.cc makes `q` of again. There is one for all biases
// below 2^23; larger ones are rounded by a share of their last bits.
float float_of_bias(int64_t q, float products_scale) {
  const float inverse = 1.0f / products_scale;
  const auto nearest = static_cast<float>(static_cast<double>(q) / double{inverse});
  const auto makes_q = [&](float b) {
    return std::nearbyint(b * inverse) == static_cast<float>(q);
  };
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const float b :
       {nearest, std::nextafter(nearest, infinity), std::nextafter(nearest, -infinity)}) {
    if (makes_q(b)) return b;
  }
  return nearest;
}

std::vector<float> bias_floats(const Builder& builder, const Node& node, TensorId x,
                               const Constant& weights, const Constant& bias) {
  if (bias.is_float) return bias.floats;
  const auto& input = builder.graph().tensor(x).quantization;
  if (!input || !weights.quantized)
    node.missing("with a bias of integers, but an input or weights in float");
  const std::vector<float>& scale = weights.quantized->scale;
  if (scale.size() != 1 && scale.size() != bias.size())
    node.fail("has " + std::to_string(bias.size()) + " biases for " + std::to_string(scale.size()) +
              " scales of its weights");
  std::vector<float> out;
  for (std::size_t i = 0; i < bias.size(); ++i) {
    const float products = input->scale * scale[scale.size() == 1 ? 0 : i];
    if (!std::isnormal(products) || !std::isnormal(1.0f / products))
      node.fail("has scales whose product is too small or too large a number");
    out.push_back(float_of_bias(bias.integers[i], products));
  }
  return out;
}

}  // namespace

LayerConstants add_layer_constants(Builder& builder, const Node& node, TensorId x,
                                   const Constant& weights, std::size_t bias) {
  if (!weights.is_float) node.fail("has weights that are integers without a scale");
  const bool int8 = builder.graph().tensor(x).quantization.has_value();
  const auto& bytes = int8 ? weights.quantized : std::nullopt;
  LayerConstants out{.weights = add_weights(builder.graph(), node.name() + ".weight", weights.shape,
                                            weights.floats, bytes)};
  if (!node.has_input(bias)) return out;
  const Constant& given = builder.required_constant(node, bias, "its bias");
  if (given.size() != static_cast<std::size_t>(weights.shape[0])) {
    node.fail("has " + std::to_string(given.size()) + " biases for " +
              std::to_string(weights.shape[0]) + " output channels");
  }
  out.bias = builder.add_floats(node, ".bias", {weights.shape[0]},
                                bias_floats(builder, node, x, weights, given));
  return out;
}

std::vector<TensorId> layer_inputs(TensorId x, const LayerConstants& constants,
                                   ConvAttributes& attributes) {
  std::vector<TensorId> inputs = {x, constants.weights.id};
  attributes.has_bias = constants.bias.has_value();
  if (constants.bias) inputs.push_back(*constants.bias);
  return inputs;
}

}  // namespace octet::loaders::tflite
