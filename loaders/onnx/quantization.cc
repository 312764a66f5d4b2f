#include "loaders/onnx/quantization.h"

#include <algorithm>
#include <cmath>

namespace octet::loaders::onnx {
namespace {

/// Scales and zero points of one type, as in the file: one of each, or one for each position along
/// an axis.
struct Parameters {
  std::vector<float> scale;
  std::vector<int64_t> zero_point;
  DataType type = DataType::uint8;
};

// Checks a scale. A channel of weights that training left dead has a scale of 0 or nearly 0, and
// its values are 0. An activation must not have such a scale.
void check_scale(const Node& node, float scale, bool of_constant) {
  if (!(scale >= 0) || std::isinf(scale) || (scale == 0 && !of_constant))
    node.fail("has a scale of " + graph::text_of(scale) + ", which is no positive number");
  if (of_constant || (std::isnormal(scale) && std::isnormal(1.0f / scale))) return;
  node.fail("has a scale of " + graph::text_of(scale) + ", which is too " +
            (scale < 1 ? "small" : "large") +
            " for float32 (1.2e-38 to 8.5e37): quantize the model again");
}

// Reads scale and zero point. `bytes` is the type if there is no zero point to tell it.
Parameters read_parameters(const Builder& builder, const Node& node, QuantizationInputs at,
                           DataType bytes, bool of_constant) {
  const Constant& scale = builder.required_constant(node, at.scale, "its scale");
  if (!scale.is_float()) node.fail("has a scale that is no float");
  if (scale.dims.size() > 1 || node.integer("block_size", 0) != 0)
    node.missing("with scales in blocks; octet's are one a tensor or one a channel");
  Parameters out{.scale = scale.floats, .type = bytes};
  if (node.has_input(at.zero_point)) {
    const Constant& zero_point = builder.required_constant(node, at.zero_point, "its zero point");
    if (zero_point.is_float()) node.missing("to " + data_type_name(zero_point.type));
    out.type = zero_point.type;
    out.zero_point = zero_point.integers;
  } else {
    out.zero_point.assign(out.scale.size(), 0);
  }
  if (out.scale.empty() || out.zero_point.size() != out.scale.size())
    node.fail("has another number of zero points than of scales");
  for (const float value : out.scale) check_scale(node, value, of_constant);
  return out;
}

int64_t lowest(DataType type) { return type == DataType::int8 ? -128 : 0; }

void check_bytes(const Node& node, const Parameters& parameters) {
  if (parameters.type != DataType::uint8 && parameters.type != DataType::int8)
    node.missing("with " + data_type_name(parameters.type) + "; octet quantizes to 8 bits");
  for (const int64_t zero_point : parameters.zero_point) {
    const int64_t low = lowest(parameters.type);
    if (zero_point < low || zero_point > low + 255) node.fail("has a zero point out of range");
  }
}

/// Finds which of the scales an element has.
struct AxisOfScales {
  std::size_t inner = 1;
  std::size_t extent = 1;
  int32_t axis = 0;

  std::size_t operator()(std::size_t element) const { return element / inner % extent; }
};

AxisOfScales axis_of_scales(const Node& node, const Constant& values, std::size_t scales,
                            int64_t axis) {
  AxisOfScales out;
  if (scales == 1) return out;
  out.axis = node.axis(axis, values.dims.size());
  out.extent = scales;
  if (values.dims[static_cast<std::size_t>(out.axis)] != static_cast<int64_t>(scales))
    node.fail("has " + std::to_string(scales) + " scales along axis " + std::to_string(out.axis) +
              ", whose extent is " +
              std::to_string(values.dims[static_cast<std::size_t>(out.axis)]));
  for (std::size_t i = static_cast<std::size_t>(out.axis) + 1; i < values.dims.size(); ++i)
    out.inner *= static_cast<std::size_t>(values.dims[i]);
  return out;
}

}  // namespace

DataType quantized_type(const Builder& builder, const Node& node) {
  const std::size_t zero_point = QuantizationInputs{}.zero_point;
  if (node.has_input(zero_point))
    return builder.required_constant(node, zero_point, "its zero point").type;
  const int64_t type = node.integer("output_dtype", 0);
  return type == 0 ? DataType::uint8 : static_cast<DataType>(node.to_int32(type, "its type"));
}

graph::Quantization read_quantization(const Builder& builder, const Node& node,
                                      QuantizationInputs at, DataType bytes) {
  const Parameters parameters = read_parameters(builder, node, at, bytes, false);
  check_bytes(node, parameters);
  if (parameters.type != bytes) {
    node.fail("has a zero point of " + data_type_name(parameters.type) + " for bytes that are " +
              data_type_name(bytes));
  }
  if (parameters.scale.size() != 1) node.missing("with a scale a channel on an activation");
  return {.scale = parameters.scale[0],
          .zero_point = static_cast<int32_t>(parameters.zero_point[0] - lowest(parameters.type))};
}

Constant dequantized(const Builder& builder, const Node& node, const Constant& from,
                     QuantizationInputs at, int64_t axis) {
  const Parameters parameters = read_parameters(builder, node, at, from.type, true);
  if (from.is_float() || from.type != parameters.type)
    node.fail("dequantizes " + data_type_name(from.type) + " with a zero point of " +
              data_type_name(parameters.type));
  const AxisOfScales scale_of = axis_of_scales(node, from, parameters.scale.size(), axis);
  Constant out{.dims = from.dims};
  for (std::size_t i = 0; i < from.integers.size(); ++i) {
    const std::size_t s = scale_of(i);
    out.floats.push_back(parameters.scale[s] *
                         static_cast<float>(from.integers[i] - parameters.zero_point[s]));
  }
  if (from.type == DataType::int32) return out;

  check_bytes(node, parameters);
  const int64_t to_signed = from.type == DataType::uint8 ? 128 : 0;
  QuantizedValues kept{.scale = parameters.scale, .axis = scale_of.axis};
  for (const int64_t value : from.integers)
    kept.values.push_back(static_cast<int8_t>(value - to_signed));
  for (const int64_t value : parameters.zero_point)
    kept.zero_point.push_back(static_cast<int32_t>(value - to_signed));
  out.quantized = std::move(kept);
  return out;
}

Constant quantized(const Builder& builder, const Node& node, const Constant& from,
                   QuantizationInputs at, int64_t axis) {
  const Parameters parameters =
      read_parameters(builder, node, at, quantized_type(builder, node), true);
  check_bytes(node, parameters);
  if (!from.is_float()) node.fail("quantizes integers");
  const AxisOfScales scale_of = axis_of_scales(node, from, parameters.scale.size(), axis);
  Constant out{.type = parameters.type, .dims = from.dims};
  const auto low = static_cast<float>(lowest(parameters.type));
  for (std::size_t i = 0; i < from.floats.size(); ++i) {
    const std::size_t s = scale_of(i);
    // In a dead channel this is 0 / 0, a NaN, which becomes the zero point below.
    const float q = std::nearbyint(from.floats[i] / parameters.scale[s]) +
                    static_cast<float>(parameters.zero_point[s]);
    out.integers.push_back(std::isnan(q) ? parameters.zero_point[s]
                                         : static_cast<int64_t>(std::clamp(q, low, low + 255)));
  }
  return out;
}

}  // namespace octet::loaders::onnx
