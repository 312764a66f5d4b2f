#include "loaders/tflite/constant.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "loaders/float16.h"
#include "loaders/layout.h"
#include "loaders/load_error.h"

namespace octet::loaders::tflite {

using format::TensorType;

namespace {

int64_t lowest(TensorType type) { return type == TensorType::INT8 ? -128 : 0; }

bool is_usable(float scale) {
  return scale > 0 && std::isnormal(scale) && std::isnormal(1.0f / scale);
}

// Reports a scale that is refused. A channel of weights that training left dead may have a scale of
// 0 or nearly 0, since its values are 0. An activation may not.
[[noreturn]] void fail_scale(const TensorRecord& tensor, float scale) {
  const bool is_number = scale > 0 && !std::isinf(scale);
  throw LoadError("'" + tensor.name + "' has a scale of " + graph::text_of(scale) +
                  (!is_number ? ", which is no positive number"
                              : std::string(", which is too ") + (scale < 1 ? "small" : "large") +
                                    " for float32 (1.2e-38 to 8.5e37)") +
                  ": quantize the model again");
}

// Checks scales and zero points. A channel of weights that training left dead may have a scale of
// 0, nearly 0 or infinity, since its values are 0 (read_bytes checks that). An activation may not.
void check_scales(const TensorRecord& tensor, bool of_constant) {
  for (const float scale : tensor.scale) {
    if (!is_usable(scale) && !(of_constant && scale >= 0)) fail_scale(tensor, scale);
  }
  for (const int64_t zero_point : tensor.zero_point) {
    const int64_t low = lowest(tensor.type);
    if (zero_point < low || zero_point > low + 255) {
      throw LoadError("'" + tensor.name + "' has a zero point out of range (" +
                      std::to_string(zero_point) + "; " + type_name(tensor.type) + " has " +
                      std::to_string(low) + " to " + std::to_string(low + 255) + ")");
    }
  }
}

// Calls take(value) for each element, read as T.
template <class T, class Take>
void read_elements(const TensorRecord& tensor, std::size_t elements, const Take& take) {
  const std::span<const std::byte> data = *tensor.data;
  if (data.size() != elements * sizeof(T)) {
    throw LoadError("the constant '" + tensor.name + "' has " + std::to_string(data.size()) +
                    " bytes, but its shape " + shape_text(tensor.shape) + " needs " +
                    std::to_string(elements * sizeof(T)) +
                    ": the file is damaged; fetch or convert it again");
  }
  for (std::size_t i = 0; i < elements; ++i) {
    T value;
    std::memcpy(&value, &data[i * sizeof(T)], sizeof(T));
    take(value);
  }
}

template <class T>
void read_integers(const TensorRecord& tensor, std::size_t elements, Constant& out) {
  out.is_float = false;
  read_elements<T>(tensor, elements, [&](T v) { out.integers.push_back(static_cast<int64_t>(v)); });
}

// Reads bytes with one scale for all of the constant, or with scales along one of its axes.
void read_bytes(const TensorRecord& tensor, std::size_t elements, Constant& out) {
  check_scales(tensor, true);
  QuantizedValues kept{.scale = tensor.scale};
  const auto scales = static_cast<int64_t>(tensor.scale.size());
  std::size_t inner = 1;
  if (scales > 1) {
    const auto rank = static_cast<int32_t>(out.shape.size());
    kept.axis = tensor.axis;
    const std::string has = "'" + tensor.name + "' " + shape_text(out.shape) + " has " +
                            std::to_string(scales) + " scales along axis " +
                            std::to_string(tensor.axis);
    if (tensor.axis < 0 || tensor.axis >= rank)
      throw LoadError(has + ", which it has not: the file is damaged");
    if (const int32_t extent = out.shape[static_cast<std::size_t>(tensor.axis)]; extent != scales) {
      throw LoadError(has + ", whose extent is " + std::to_string(extent) +
                      ": the file is damaged, or its weights were changed after it was quantized");
    }
    for (int32_t i = tensor.axis + 1; i < rank; ++i)
      inner *= static_cast<std::size_t>(out.shape[static_cast<std::size_t>(i)]);
  }
  // Unsigned bytes are stored less 128, signed ones as they are.
  const int64_t to_signed = tensor.type == TensorType::UINT8 ? 128 : 0;
  for (const int64_t z : tensor.zero_point)
    kept.zero_point.push_back(static_cast<int32_t>(z - to_signed));
  const auto take = [&](int64_t q) {
    const std::size_t s = kept.values.size() / inner % static_cast<std::size_t>(scales);
    const auto value = static_cast<int32_t>(q - to_signed);
    const float scale = is_usable(kept.scale[s]) ? kept.scale[s] : 0;
    if (scale == 0 && kept.scale[s] >= 1 && value != kept.zero_point[s])
      fail_scale(tensor, kept.scale[s]);
    out.floats.push_back(scale * static_cast<float>(value - kept.zero_point[s]));
    kept.values.push_back(static_cast<int8_t>(value));
  };
  if (tensor.type == TensorType::UINT8) {
    read_elements<uint8_t>(tensor, elements, take);
  } else {
    read_elements<int8_t>(tensor, elements, take);
  }
  out.quantized = std::move(kept);
}

}  // namespace

bool is_byte_type(TensorType type) { return type == TensorType::UINT8 || type == TensorType::INT8; }

bool has_no_scale(const TensorRecord& tensor) {
  return is_byte_type(tensor.type) && tensor.scale.empty() && !tensor.custom_quantization;
}

graph::Quantization numbers_of(TensorType type) {
  return {.scale = 1, .zero_point = static_cast<int32_t>(-lowest(type))};
}

Shape shape_of(const TensorRecord& tensor) {
  if (auto ok = check_shape(tensor.shape); !ok)
    throw LoadError("'" + tensor.name + "' " + ok.error().message);
  return tensor.shape;
}

graph::Quantization quantization_of(const TensorRecord& tensor) {
  if (tensor.custom_quantization || tensor.scale.empty()) {
    throw LoadError("'" + tensor.name + "' is " + type_name(tensor.type) +
                    " without a scale: convert the model again, with full integer quantization");
  }
  if (tensor.scale.size() != 1)
    throw LoadError("'" + tensor.name + "' is computed, but has a scale a channel");
  check_scales(tensor, false);
  return {.scale = tensor.scale[0],
          .zero_point = static_cast<int32_t>(tensor.zero_point[0] - lowest(tensor.type))};
}

bool is_dead(const TensorRecord& tensor) {
  return tensor.scale.size() == 1 && tensor.scale[0] > 0 &&
         tensor.scale[0] < std::numeric_limits<float>::min();
}

graph::Quantization quantization_of_result(const TensorRecord& tensor) {
  if (!is_dead(tensor)) return quantization_of(tensor);
  TensorRecord zeros = tensor;
  zeros.scale[0] = std::numeric_limits<float>::min();
  return quantization_of(zeros);
}

Constant decode(const TensorRecord& tensor) {
  if (tensor.sparse)
    throw MissingOperator("with the sparse weights '" + tensor.name +
                          "'; convert the model with dense ones");
  Constant out{.shape = shape_of(tensor)};
  const auto elements = static_cast<std::size_t>(element_count(out.shape));
  const auto take_float = [&](auto v) { out.floats.push_back(static_cast<float>(v)); };
  switch (tensor.type) {
    case TensorType::FLOAT32:
      read_elements<float>(tensor, elements, take_float);
      break;
    case TensorType::FLOAT64:
      read_elements<double>(tensor, elements, take_float);
      break;
    case TensorType::FLOAT16:
      read_elements<uint16_t>(tensor, elements,
                              [&](uint16_t v) { out.floats.push_back(float16_to_float(v)); });
      break;
    case TensorType::BFLOAT16:
      read_elements<uint16_t>(tensor, elements,
                              [&](uint16_t v) { out.floats.push_back(bfloat16_to_float(v)); });
      break;
    case TensorType::UINT8:
    case TensorType::INT8:
      if (!tensor.scale.empty() && !tensor.custom_quantization) {
        read_bytes(tensor, elements, out);
      } else if (tensor.type == TensorType::UINT8) {
        read_integers<uint8_t>(tensor, elements, out);
      } else {
        read_integers<int8_t>(tensor, elements, out);
      }
      break;
    case TensorType::INT16:
      read_integers<int16_t>(tensor, elements, out);
      break;
    case TensorType::INT32:
      read_integers<int32_t>(tensor, elements, out);
      break;
    case TensorType::INT64:
      read_integers<int64_t>(tensor, elements, out);
      break;
    case TensorType::BOOL:
      read_integers<uint8_t>(tensor, elements, out);
      break;
    default:
      throw MissingOperator("with the constant '" + tensor.name + "' of " + type_name(tensor.type) +
                            "; octet's weights are floats or 8 bits");
  }
  return out;
}

Constant quantized(const Constant& from, const graph::Quantization& q) {
  Constant out{.shape = from.shape};
  QuantizedValues kept{.scale = {q.scale}, .zero_point = {q.zero_point - 128}};
  for (const float value : from.floats) {
    const float rounded = std::nearbyint(value / q.scale) + static_cast<float>(q.zero_point);
    const auto byte = std::isnan(rounded) ? q.zero_point
                                          : static_cast<int32_t>(std::clamp(rounded, 0.0f, 255.0f));
    kept.values.push_back(static_cast<int8_t>(byte - 128));
    out.floats.push_back(q.scale * static_cast<float>(byte - q.zero_point));
  }
  out.quantized = std::move(kept);
  return out;
}

namespace {

template <class T>
std::vector<T> permute_values(const std::vector<T>& from, const Shape& shape,
                              const std::vector<int32_t>& order) {
  if (from.empty()) return from;
  const auto bytes = permute(std::as_bytes(std::span(from)), shape, order, sizeof(T));
  std::vector<T> out(from.size());
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

}  // namespace

Constant permuted(const Constant& from, const std::vector<int32_t>& order) {
  Constant out{.shape = stored_shape(from.shape, order),
               .is_float = from.is_float,
               .floats = permute_values(from.floats, from.shape, order),
               .integers = permute_values(from.integers, from.shape, order)};
  if (from.quantized) {
    out.quantized = QuantizedValues{
        .values = permute_values(from.quantized->values, from.shape, order),
        .scale = from.quantized->scale,
        .zero_point = from.quantized->zero_point,
        .axis = from.quantized->scale.size() > 1 ? stored_axis(order, from.quantized->axis) : 0};
  }
  return out;
}

Constant reshaped(Constant from, Shape shape) {
  from.shape = std::move(shape);
  return from;
}

}  // namespace octet::loaders::tflite
