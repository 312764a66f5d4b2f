#include "loaders/tflite/weights.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace octet::loaders::tflite {

using graph::TensorId;

namespace {

constexpr int64_t largest_s32 = std::numeric_limits<int32_t>::max();

template <class T>
T at(const std::vector<T>& values, std::size_t channel) {
  return values[values.size() == 1 ? 0 : channel];
}

// Returns the float for the bias `q`. Quantizing it gives `q` again if there is such a float, as
// there always is below 2^23.
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

// Whether a scale of weights or of products is 0 or denormal.
bool is_dead(float scale) { return scale < std::numeric_limits<float>::min(); }

// Whether the scale is too large for float32. The loader accepts such a scale only for a channel
// whose weights are all 0.
bool is_too_large(float scale) { return std::isinf(scale) || !std::isnormal(1.0f / scale); }

bool has_weights(const QuantizedValues& weights, std::size_t channel, std::size_t channels) {
  const std::size_t each = weights.values.size() / channels;
  const auto begin = weights.values.begin() + static_cast<std::ptrdiff_t>(channel * each);
  const int32_t zero = at(weights.zero_point, channel);
  return std::any_of(begin, begin + static_cast<std::ptrdiff_t>(each),
                     [&](int8_t q) { return q != zero; });
}

// Whether the sums fit 32 bits by the engine's own rule, for the weights as the engine gets them.
bool sums_fit(const LayerWeights& weights, const graph::Tensor& bytes, int64_t largest_bias) {
  const auto terms = static_cast<int64_t>(bytes.data->size()) / bytes.shape[0];
  const bool has_lowest = std::ranges::count(*bytes.data, std::byte{0x80}) > 0;
  const int64_t largest_weight = !weights.quantization->zero_point.empty() ? 255
                                 : has_lowest                              ? 128
                                                                           : 127;
  return terms * 255 * largest_weight + largest_bias <= largest_s32;
}

// The biases of a layer whose input and weights are bytes.
class BiasOfBytes {
 public:
  BiasOfBytes(const Node& node, float input_scale, const Constant& bias, Constant& weights)
      : node_(node), input_scale_(input_scale), bias_(bias), weights_(weights) {
    QuantizedValues& bytes = *weights.quantized;
    const std::size_t channels = bias.size();
    if (bytes.scale.size() != 1 && (bytes.scale.size() != channels || bytes.axis != 0)) {
      node.fail("has " + std::to_string(channels) + " biases for " +
                std::to_string(bytes.scale.size()) + " scales of its weights along axis " +
                std::to_string(bytes.axis));
    }
    // Dead and empty channels get scales of their own, so each channel needs one.
    if (bytes.scale.size() == 1) {
      bytes.scale.assign(channels, bytes.scale[0]);
      bytes.zero_point.assign(channels, bytes.zero_point[0]);
    }
    for (std::size_t o = 0; o < channels; ++o) add(o, channels);
  }

  const std::vector<float>& floats() const { return floats_; }
  graph::BiasS32 take_s32() { return std::move(s32_); }

 private:
  void add(std::size_t o, std::size_t channels) {
    float& scale = weights_.quantized->scale[o];
    int64_t q = bias_.integers[o];
    if (!is_dead(scale) && is_too_large(scale) && q == 0) scale = 0;
    float products = input_scale_ * scale;
    if (q > largest_s32 || q < -largest_s32 - 1)
      node_.fail("has the bias " + std::to_string(q) + ", which 32 bits do not hold");
    if (!std::isfinite(products) || (!is_dead(products) && !std::isnormal(1.0f / products)))
      node_.fail("has scales whose product is too large for float32");
    if (is_dead(products)) {
      // The weights of this channel become 0 and their scale 1. If the bias is not 0, it stays.
      const double real = static_cast<double>(q) * double{input_scale_} * double{scale};
      scale = 0;
      products = input_scale_;
      q = std::llround(std::clamp(real / double{products}, -1e9, 1e9));
      floats_.push_back(static_cast<float>(real));
    } else {
      floats_.push_back(float_of_bias(q, products));
      const auto terms = static_cast<int64_t>(weights_.quantized->values.size() / channels);
      const bool leaves_no_room = terms * 255 * 255 + std::abs(q) > largest_s32;
      if (leaves_no_room && !has_weights(*weights_.quantized, o, channels)) {
        // The channel has no products, so its scale may be any.
        while (std::abs(q) > largest_s32 / 4) {
          q = q / 2 + q % 2;
          scale *= 2;
        }
        products = input_scale_ * scale;
      }
    }
    s32_.values.push_back(
        static_cast<int32_t>(std::clamp<int64_t>(q, -largest_s32 - 1, largest_s32)));
    s32_.scale.push_back(products);
  }

  const Node& node_;
  float input_scale_;
  const Constant& bias_;
  Constant& weights_;
  std::vector<float> floats_;
  graph::BiasS32 s32_;
};

}  // namespace

const Constant& required_weights(Builder& builder, const Node& node) {
  const Constant& weights = builder.required_constant(node, 1, "its weights");
  if (!weights.is_float) node.fail("has weights that are integers without a scale");
  return weights;
}

const Constant* find_bias(Builder& builder, const Node& node, const Constant& weights,
                          std::size_t index) {
  if (!node.has_input(index)) return nullptr;
  const Constant& bias = builder.required_constant(node, index, "its bias");
  if (bias.size() != static_cast<std::size_t>(weights.shape[0])) {
    node.fail("has " + std::to_string(bias.size()) + " biases for " +
              std::to_string(weights.shape[0]) + " output channels");
  }
  return &bias;
}

LayerConstants add_layer_constants(Builder& builder, const Node& node, TensorId x, Constant weights,
                                   const Constant* bias) {
  const auto input = builder.graph().tensor(x).quantization;
  if (!input) weights.quantized.reset();
  std::optional<BiasOfBytes> bias_of_bytes;
  if (bias != nullptr && !bias->is_float) {
    if (!weights.quantized)
      node.missing("with a bias of integers, but an input or weights in float");
    bias_of_bytes.emplace(node, input->scale, *bias, weights);
  }
  if (weights.quantized && !bias_of_bytes) {
    for (float& scale : weights.quantized->scale) {
      if (!is_dead(scale) && is_too_large(scale)) scale = 0;
    }
  }
  LayerConstants out{.weights = add_weights(builder.graph(), node.name() + ".weight", weights.shape,
                                            weights.floats, weights.quantized)};
  graph::BiasS32 s32;
  if (bias_of_bytes && out.weights.quantization) s32 = bias_of_bytes->take_s32();
  const auto magnitude = [](int32_t q) { return std::abs(int64_t{q}); };
  const auto largest = std::ranges::max_element(s32.values, {}, magnitude);
  const bool has_s32 = largest != s32.values.end();
  if (out.weights.quantization && !sums_fit(out.weights, builder.graph().tensor(out.weights.id),
                                            has_s32 ? magnitude(*largest) : 0)) {
    out.in_float = "no int8 form: its sums";
    if (has_s32) {
      out.in_float += ", with the bias " + std::to_string(*largest) + " of channel " +
                      std::to_string(largest - s32.values.begin()) + ",";
    }
    out.in_float += " could leave 32 bits";
  }
  if (bias == nullptr) return out;
  out.bias = builder.add_floats(node, ".bias", {weights.shape[0]},
                                bias_of_bytes ? bias_of_bytes->floats() : bias->floats);
  if (has_s32) builder.graph().tensor(*out.bias).bias_s32 = std::move(s32);
  return out;
}

std::vector<TensorId> layer_inputs(TensorId x, const LayerConstants& constants,
                                   ConvAttributes& attributes) {
  std::vector<TensorId> inputs = {x, constants.weights.id};
  attributes.has_bias = constants.bias.has_value();
  if (constants.bias) inputs.push_back(*constants.bias);
  return inputs;
}

void apply(const LayerConstants& constants, graph::Node& layer) {
  loaders::apply(constants.weights, layer);
  if (constants.in_float.empty() || layer.precision == graph::Precision::float32) return;
  layer.precision = graph::Precision::float32;
  layer.reason = constants.in_float;
}

}  // namespace octet::loaders::tflite
