#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// The rule of docs/quantization.md: a channel of tiny weights must not push its bias out of s32.
constexpr float bias_headroom = 1073741824.0f;  // 2^30

float at(const std::vector<float>& values, std::size_t channel) {
  return values.size() == 1 ? values[0] : values[channel];
}

int32_t at(const std::vector<int32_t>& values, std::size_t channel) {
  if (values.empty()) return 0;
  return values.size() == 1 ? values[0] : values[channel];
}

std::string text_of(float value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", static_cast<double>(value));
  return text;
}

std::vector<float> symmetric_scales(std::span<const float> weights, std::span<const float> bias,
                                    float input_scale) {
  std::vector<float> scales;
  const std::size_t per_channel = weights.size() / bias.size();
  for (std::size_t o = 0; o < bias.size(); ++o) {
    float largest = 0;
    for (const float w : weights.subspan(o * per_channel, per_channel))
      largest = std::max(largest, std::abs(w));
    const float for_bias = std::abs(bias[o]) / (input_scale * bias_headroom);
    const float scale = std::max(largest / 127.0f, for_bias);
    // A channel of nothing, or of so little that not even the products' scale is a number.
    scales.push_back(std::isnormal(scale) && std::isnormal(1.0f / (input_scale * scale)) ? scale
                                                                                         : 1.0f);
  }
  return scales;
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

// Weights to s8 by the layer's own request, else symmetric, a scale a channel, in [-127, 127].
Tensor quantize(const Tensor& weight, std::span<const float> bias, float input_scale,
                const std::optional<WeightQuantization>& request) {
  const auto values = float_values(weight);
  Tensor out{.name = weight.name, .type = Type::s8, .shape = weight.shape};
  out.data.emplace(values.size());
  const std::size_t per_channel = values.size() / bias.size();
  if (!request) out.channel_scales = symmetric_scales(values, bias, input_scale);
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

// s8 weights that came with the model: only their scales are spread over the channels.
Tensor adopt(const Tensor& weight, std::size_t channels, const WeightQuantization& given) {
  Tensor out = weight;
  for (std::size_t o = 0; o < channels; ++o) {
    out.channel_scales.push_back(at(given.scale, o));
    if (!given.zero_point.empty()) out.channel_zero_points.push_back(at(given.zero_point, o));
  }
  return out;
}

Expected<Tensor> quantize_bias(const Graph& graph, const Node& layer, const std::string& name,
                               std::span<const float> bias, const Tensor& weight,
                               float input_scale) {
  Tensor out{.name = name, .type = Type::s32, .shape = {static_cast<int32_t>(bias.size())}};
  std::vector<int32_t> values;
  for (std::size_t o = 0; o < bias.size(); ++o) {
    // In float32, multiplying by the inverse, as PyTorch quantizes a bias: equal bytes need equal
    // biases.
    const float inverse = 1.0f / (input_scale * weight.channel_scales[o]);
    const float q = std::nearbyint(bias[o] * inverse);
    if (!(std::abs(q) <= bias_headroom * 1.9f)) {
      return fail(graph.name + ": layer '" + layer.name + "', channel " + std::to_string(o) +
                  ": the bias " + text_of(bias[o]) +
                  " does not fit 32 bits at the scale of its weights (" +
                  text_of(weight.channel_scales[o]) + ") and of its input (" +
                  text_of(input_scale) + "). " +
                  (graph.unscaled_is_float
                       ? "Quantize the model again with a larger scale for this channel's weights"
                       : "Leave weight_quantization out, so that octet chooses a larger scale") +
                  ", or keep the layer in float (--keep-float " + layer.name + ").");
    }
    values.push_back(static_cast<int32_t>(q));
  }
  out.data.emplace(values.size() * sizeof(int32_t));
  std::memcpy(out.data->data(), values.data(), out.data->size());
  return out;
}

// One NaN or infinity that training left would spoil every result.
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

Status quantize_layer(Graph& graph, Node& layer) {
  auto& a = std::get<ConvAttributes>(layer.attributes);
  const Tensor weight = graph.tensor(layer.inputs[1]);
  const auto channels = static_cast<std::size_t>(weight.shape[0]);
  if (auto ok = check_request(graph, layer, channels); !ok) return ok;
  const float input_scale = graph.tensor(layer.inputs[0]).quantization->scale;
  std::vector<float> bias(channels, 0.0f);
  if (a.has_bias) std::ranges::copy(float_values(graph.tensor(layer.inputs[2])), bias.begin());

  if (weight.type == Type::s8 && !layer.weight_quantization) {
    return fail(graph.name + ": layer '" + layer.name +
                "' has int8 weights without weight_quantization");
  }
  Tensor quantized_weight = weight.type == Type::s8
                                ? adopt(weight, channels, *layer.weight_quantization)
                                : quantize(weight, bias, input_scale, layer.weight_quantization);
  const std::string bias_name =
      a.has_bias ? graph.tensor(layer.inputs[2]).name : layer.name + ".bias";
  auto quantized_bias = quantize_bias(graph, layer, bias_name, bias, quantized_weight, input_scale);
  if (!quantized_bias) return tl::unexpected(quantized_bias.error());

  layer.inputs[1] = graph.add_tensor(std::move(quantized_weight));
  const TensorId bias_id = graph.add_tensor(std::move(*quantized_bias));
  if (a.has_bias) {
    layer.inputs[2] = bias_id;
  } else {
    layer.inputs.insert(layer.inputs.begin() + 2, bias_id);
    a.has_bias = true;
  }
  return {};
}

}  // namespace

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
  for (Node& node : graph.nodes) {
    if (!is_layer(node)) continue;
    if (auto ok = check_finite(graph, node); !ok) return ok;
    auto ok = node.precision == Precision::int8 ? quantize_layer(graph, node)
                                                : dequantize_layer(graph, node);
    if (!ok) return ok;
  }
  return {};
}

}  // namespace octet::graph
