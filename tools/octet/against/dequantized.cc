#include "tools/octet/against/dequantized.h"

#include <algorithm>
#include <cmath>

namespace octet::tool {
namespace {

TableFunction with_parameter(Op op, float value) {
  TableFunction function{.op = op, .attributes = default_attributes(op)};
  if (auto* parameter = std::get_if<ScalarAttributes>(&function.attributes))
    parameter->value = value;
  return function;
}

// Whether the layer sums channels that have scales of their own, which its weights have in them.
bool has_scales_in_weights(const Model::Data& model, const NodeRecord& node) {
  const TensorRecord& input = model.tensor(node.inputs[0]);
  return input.has_channel_scales() &&
         !is_depthwise(node.op, std::get<ConvAttributes>(node.attributes), input.info.shape.back(),
                       model.tensor(node.output()).info.shape.back());
}

}  // namespace

DequantizedLayer dequantize_layer(const Model::Data& model, const NodeRecord& node) {
  const TensorRecord& weight = model.tensor(node.inputs[1]);
  const TensorRecord& bias = model.tensor(node.inputs[2]);
  const TensorRecord& input = model.tensor(node.inputs[0]);
  const std::size_t channels = weight.channel_scales.size();
  const auto depth = static_cast<std::size_t>(element_count(weight.info.shape)) / channels;
  const bool scaled = has_scales_in_weights(model, node);
  const auto in_group = static_cast<std::size_t>(weight.info.shape.back());
  const std::size_t groups = static_cast<std::size_t>(input.info.shape.back()) / in_group;
  DequantizedLayer out;
  out.weights.reserve(channels * depth);
  for (std::size_t c = 0; c < channels; ++c) {
    const int32_t zero = weight.channel_zero_points.empty() ? 0 : weight.channel_zero_points[c];
    const std::size_t first_input = c / (channels / groups) * in_group;
    for (std::size_t k = 0; k < depth; ++k) {
      const int32_t q = weight.values<int8_t>()[c * depth + k] - zero;
      const float real = weight.channel_scales[c] * static_cast<float>(q);
      out.weights.push_back(scaled ? real / input.scale_of(first_input + k % in_group) : real);
    }
    out.bias.push_back((scaled ? 1.0F : input.scale_of(c)) * weight.channel_scales[c] *
                       static_cast<float>(bias.values<int32_t>()[c]));
  }
  return out;
}

ScaleOfAll scale_of_all(const TensorRecord& tensor) {
  if (!tensor.has_channel_scales())
    return {.scale = tensor.info.scale, .zero_point = tensor.info.zero_point};
  float low = 0;
  float high = 0;
  for (std::size_t c = 0; c < tensor.channel_scales.size(); ++c) {
    const float scale = tensor.channel_scales[c];
    low = std::min(low, scale * static_cast<float>(0 - tensor.channel_zero_points[c]));
    high = std::max(high, scale * static_cast<float>(255 - tensor.channel_zero_points[c]));
  }
  const float scale = (high - low) / 255;
  return {.scale = scale, .zero_point = static_cast<int32_t>(std::nearbyint(-low / scale))};
}

QuantizedLayer layer_at(const Model::Data& model, const NodeRecord& node, float input_scale) {
  const TensorRecord& weight = model.tensor(node.inputs[1]);
  const TensorRecord& bias = model.tensor(node.inputs[2]);
  const TensorRecord& input = model.tensor(node.inputs[0]);
  const auto* values = weight.values<int8_t>();
  QuantizedLayer out{.weights = {values, values + weight.data.size()},
                     .scales = {weight.channel_scales.begin(), weight.channel_scales.end()},
                     .bias = {}};
  if (has_scales_in_weights(model, node)) {
    const DequantizedLayer real = dequantize_layer(model, node);
    const std::size_t depth = out.weights.size() / out.scales.size();
    for (std::size_t c = 0; c < out.scales.size(); ++c) {
      float largest = 0;
      for (std::size_t k = c * depth; k < (c + 1) * depth; ++k)
        largest = std::max(largest, std::abs(real.weights[k]));
      if (largest > 0) out.scales[c] = largest / 127;
      for (std::size_t k = c * depth; k < (c + 1) * depth; ++k)
        out.weights[k] = static_cast<int8_t>(std::nearbyint(real.weights[k] / out.scales[c]));
      out.bias.push_back(static_cast<int32_t>(
          std::nearbyint(double{real.bias[c]} / (out.scales[c] * input_scale))));
    }
    return out;
  }
  for (std::size_t c = 0; c < out.scales.size(); ++c) {
    out.bias.push_back(
        static_cast<int32_t>(std::nearbyint(static_cast<double>(bias.values<int32_t>()[c]) *
                                            static_cast<double>(input.scale_of(c) / input_scale))));
  }
  return out;
}

std::vector<float> dequantize_operand(const TensorRecord& tensor) {
  std::vector<float> out;
  for (std::size_t i = 0; i < tensor.data.size(); ++i) {
    const int32_t q = tensor.values<uint8_t>()[i] - tensor.info.zero_point;
    out.push_back(tensor.info.scale * static_cast<float>(q));
  }
  return out;
}

Expected<TableFunction> function_of_table(const Model::Data& model, const NodeRecord& node) {
  const auto& table = std::get<LookupAttributes>(node.attributes);
  if (table.function == Op::identity) {
    return fail(model.path + ": node '" + node.name +
                "' is a table in int8, and the file does not say of which function: convert the "
                "model again, which this octet writes down");
  }
  return with_parameter(table.function, table.value);
}

TableFunction function_of_layer(const ConvAttributes& layer) {
  return with_parameter(layer.function.function, layer.function.value);
}

void keep_within(Attributes& attributes, float min, float max) {
  std::visit(
      [&](auto& a) {
        if constexpr (requires { a.bounds; }) {
          const Bounds within{.min = std::max(a.bounds.min, min),
                              .max = std::min(a.bounds.max, max)};
          if (within.min < within.max) a.bounds = within;
        }
      },
      attributes);
}

}  // namespace octet::tool
