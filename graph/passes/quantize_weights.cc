#include <algorithm>
#include <cmath>
#include <cstring>

#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// A channel with tiny weights must not push its bias out of s32 (the rule is in
// docs/quantization.md).
constexpr float bias_headroom = 1073741824.0f;  // 2^30

float at(const std::vector<float>& values, std::size_t channel) {
  return values.size() == 1 ? values[0] : values[channel];
}

int32_t at(const std::vector<int32_t>& values, std::size_t channel) {
  if (values.empty()) return 0;
  return values.size() == 1 ? values[0] : values[channel];
}

Status check_request(const Graph& graph, const Node& layer, std::size_t channels) {
  if (!layer.weight_quantization) return {};
  const WeightQuantization& request = *layer.weight_quantization;
  const auto fits = [&](std::size_t count) { return count == 1 || count == channels; };
  const bool zero_points_fit = request.zero_point.empty() || fits(request.zero_point.size());
  if (!fits(request.scale.size()) || !zero_points_fit) {
    return fail(graph.name + ": layer '" + layer.name + "' has " + std::to_string(channels) +
                " output channels, but weight_quantization has " +
                std::to_string(request.scale.size()) + " scales");
  }
  for (const float scale : request.scale) {
    if (!(scale > 0) || !std::isnormal(scale) || !std::isnormal(1.0f / scale)) {
      return fail(graph.name + ": layer '" + layer.name +
                  "' has a weight scale that is not a positive number");
    }
  }
  return {};
}

// A layer whose bias is to be quantized.
struct Layer {
  std::string name;
  std::vector<float> input_scales;  ///< One, or one for each channel of a depthwise layer.
  std::string bias_name;
  std::vector<float> bias;  ///< One for each output channel.
  std::optional<BiasS32> bias_s32;
};

Layer layer_of(const Graph& graph, const Node& node, std::size_t channels) {
  Layer out{.name = node.name,
            .input_scales = input_scales(graph, node),
            .bias_name = node.name + ".bias",
            .bias = std::vector<float>(channels, 0.0f)};
  if (!std::get<ConvAttributes>(node.attributes).has_bias) return out;
  const Tensor& bias = graph.tensor(node.inputs[2]);
  out.bias_name = bias.name;
  std::ranges::copy(float_values(bias), out.bias.begin());
  if (bias.bias_s32 && bias.bias_s32->values.size() == channels) out.bias_s32 = bias.bias_s32;
  return out;
}

// Collects the layers whose bias does not fit 32 bits, so that one error names all of them.
class Misfits {
 public:
  void add(const Layer& layer, std::size_t channel, float weight_scale) {
    if (++count_ > listed_at_most) return;
    if (count_ == 1) first_ = layer.name;
    text_ += "\n  layer '" + layer.name + "', channel " + std::to_string(channel) + ": the bias " +
             text_of(layer.bias[channel]) + " at the scale of its weights (" +
             text_of(weight_scale) + ") and of its input (" +
             text_of(at(layer.input_scales, channel)) + ")";
  }

  Status status(const Graph& graph) const {
    if (count_ == 0) return {};
    const bool one = count_ == 1;
    return fail(graph.name + ": " + std::to_string(count_) +
                (one ? " layer has a bias that does not fit 32 bits:"
                     : " layers have biases that do not fit 32 bits:") +
                text_ + (count_ > listed_at_most ? "\n  and more" : "") + "\n" +
                (graph.unscaled_is_float
                     ? "Quantize the model again with larger scales for these weights"
                     : "Leave weight_quantization out, so that octet chooses larger scales") +
                ", or keep " + (one ? "the layer" : "these layers") + " in float (--keep-float " +
                first_ + (one ? ")." : ", and so on)."));
  }

 private:
  static constexpr std::size_t listed_at_most = 20;
  std::size_t count_ = 0;
  std::string first_;
  std::string text_;
};

// Quantizes weights to s8: as the layer requests or, without a request, symmetrically in [-127,
// 127], with a scale for each channel.
Tensor quantize(const Tensor& weight, std::span<const float> bias,
                const std::vector<float>& input_scales,
                const std::optional<WeightQuantization>& request) {
  const auto values = float_values(weight);
  Tensor out{.name = weight.name, .type = Type::s8, .shape = weight.shape};
  out.data.emplace(values.size());
  const std::size_t per_channel = values.size() / bias.size();
  if (!request) out.channel_scales = symmetric_scales(values, bias, input_scales);
  for (std::size_t o = 0; o < bias.size(); ++o) {
    if (request) out.channel_scales.push_back(at(request->scale, o));
    const int32_t zero_point = request ? at(request->zero_point, o) : 0;
    if (request && !request->zero_point.empty()) out.channel_zero_points.push_back(zero_point);
    const float lowest = request ? -128.0f : -127.0f;
    const float inverse = 1.0f / out.channel_scales[o];
    for (std::size_t k = o * per_channel; k < (o + 1) * per_channel; ++k) {
      const float q = std::nearbyint(values[k] * inverse) + static_cast<float>(zero_point);
      (*out.data)[k] = static_cast<std::byte>(static_cast<int8_t>(std::clamp(q, lowest, 127.0f)));
    }
  }
  return out;
}

// Takes s8 weights that came with the model. Only their scales are given to each channel.
Tensor adopt(const Tensor& weight, std::size_t channels, const WeightQuantization& given) {
  Tensor out = weight;
  for (std::size_t o = 0; o < channels; ++o) {
    out.channel_scales.push_back(at(given.scale, o));
    if (!given.zero_point.empty()) out.channel_zero_points.push_back(at(given.zero_point, o));
  }
  return out;
}

// Quantizes the bias at the products' scale. Like PyTorch, it computes in float32 and
// multiplies by the inverse, because equal bytes need equal biases. If the file has s32 values for
// it, those are taken.
Tensor quantize_bias(const Layer& layer, const Tensor& weight, Misfits& misfits) {
  Tensor out{.name = layer.bias_name,
             .type = Type::s32,
             .shape = {static_cast<int32_t>(layer.bias.size())}};
  std::vector<int32_t> values;
  for (std::size_t o = 0; o < layer.bias.size(); ++o) {
    const float scale = at(layer.input_scales, o) * weight.channel_scales[o];
    const bool is_given = layer.bias_s32 && layer.bias_s32->scale[o] == scale;
    const float q = std::nearbyint(layer.bias[o] * (1.0f / scale));
    if (!is_given && !(std::abs(q) <= bias_headroom * 1.9f)) {
      misfits.add(layer, o, weight.channel_scales[o]);
      break;
    }
    values.push_back(is_given ? layer.bias_s32->values[o] : static_cast<int32_t>(q));
  }
  values.resize(layer.bias.size());
  out.data.emplace(values.size() * sizeof(int32_t));
  std::memcpy(out.data->data(), values.data(), out.data->size());
  return out;
}

// Refuses weights with a NaN or infinity, which training may have left and which would spoil every
// result.
Status check_finite(const Graph& graph, const Node& layer) {
  const std::size_t constants = std::get<ConvAttributes>(layer.attributes).has_bias ? 3 : 2;
  for (std::size_t i = 1; i < constants; ++i) {
    const Tensor& tensor = graph.tensor(layer.inputs[i]);
    if (!tensor.is_constant() || tensor.type != Type::f32) continue;
    if (std::ranges::all_of(float_values(tensor), [](float v) { return std::isfinite(v); }))
      continue;
    return fail(graph.name + ": layer '" + layer.name + "' has " + (i == 1 ? "weights" : "a bias") +
                " with values that are no finite numbers (NaN or infinity): export the model again "
                "from weights that are finite");
  }
  return {};
}

Status quantize_layer(Graph& graph, Node& node, Misfits& misfits) {
  auto& a = std::get<ConvAttributes>(node.attributes);
  const Tensor weight = graph.tensor(node.inputs[1]);
  const auto channels = static_cast<std::size_t>(weight.shape[0]);
  if (auto ok = check_request(graph, node, channels); !ok) return ok;
  if (weight.type == Type::s8 && !node.weight_quantization) {
    return fail(graph.name + ": layer '" + node.name +
                "' has int8 weights without weight_quantization");
  }
  const Layer layer = layer_of(graph, node, channels);
  Tensor quantized_weight =
      weight.type == Type::s8
          ? adopt(weight, channels, *node.weight_quantization)
          : quantize(weight, layer.bias, layer.input_scales, node.weight_quantization);
  Tensor quantized_bias = quantize_bias(layer, quantized_weight, misfits);

  node.inputs[1] = graph.add_tensor(std::move(quantized_weight));
  const TensorId bias_id = graph.add_tensor(std::move(quantized_bias));
  if (a.has_bias) {
    node.inputs[2] = bias_id;
  } else {
    node.inputs.insert(node.inputs.begin() + 2, bias_id);
    a.has_bias = true;
  }
  return {};
}

}  // namespace

std::vector<float> input_scales(const Graph& graph, const Node& layer) {
  const Tensor& input = graph.tensor(layer.inputs[0]);
  if (input.channel_scales.empty()) return {input.quantization->scale};
  return is_depthwise(graph, layer) ? input.channel_scales : std::vector<float>{1.0f};
}

std::vector<float> symmetric_scales(std::span<const float> weights, std::span<const float> bias,
                                    const std::vector<float>& input_scales) {
  std::vector<float> scales;
  const std::size_t per_channel = weights.size() / bias.size();
  for (std::size_t o = 0; o < bias.size(); ++o) {
    float largest = 0;
    for (const float w : weights.subspan(o * per_channel, per_channel))
      largest = std::max(largest, std::abs(w));
    const float input_scale = at(input_scales, o);
    const float for_bias = std::abs(bias[o]) / (input_scale * bias_headroom);
    const float scale = std::max(largest / 127.0f, for_bias);
    // The weights of the channel are all 0, or so small that the scale of the products is no normal
    // number.
    scales.push_back(std::isnormal(scale) && std::isnormal(1.0f / (input_scale * scale)) ? scale
                                                                                         : 1.0f);
  }
  return scales;
}

Status dequantize_layer(Graph& graph, Node& layer) {
  const Tensor weight = graph.tensor(layer.inputs[1]);
  if (weight.type != Type::s8) return {};
  const auto channels = static_cast<std::size_t>(weight.shape[0]);
  if (auto ok = check_request(graph, layer, channels); !ok) return ok;
  if (!layer.weight_quantization) {
    return fail(graph.name + ": layer '" + layer.name +
                "' has int8 weights without weight_quantization");
  }
  const WeightQuantization& given = *layer.weight_quantization;
  std::vector<float> values(weight.data->size());
  const std::size_t per_channel = values.size() / channels;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const std::size_t o = k / per_channel;
    const auto q = static_cast<int32_t>(static_cast<int8_t>((*weight.data)[k]));
    values[k] = at(given.scale, o) * static_cast<float>(q - at(given.zero_point, o));
  }
  layer.inputs[1] = graph.add_tensor(make_float_constant(weight.name, weight.shape, values));
  return {};
}

Status quantize_weights(Graph& graph) {
  Misfits misfits;
  for (Node& node : graph.nodes) {
    if (!is_layer(node)) continue;
    if (auto ok = check_finite(graph, node); !ok) return ok;
    auto ok = node.precision == Precision::int8 ? quantize_layer(graph, node, misfits)
                                                : dequantize_layer(graph, node);
    if (!ok) return ok;
  }
  return misfits.status(graph);
}

}  // namespace octet::graph
