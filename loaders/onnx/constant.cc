#include "loaders/onnx/constant.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "loaders/float16.h"
#include "loaders/load_error.h"

namespace octet::loaders::onnx {
namespace {

constexpr int64_t max_elements = (int64_t{1} << 29) - 1;

std::string name_of(const TensorProto& tensor) { return "the constant '" + tensor.name + "' "; }

// The bytes of one element in raw data; 0 for a type that octet does not read.
std::size_t element_size(DataType type) {
  switch (type) {
    case DataType::uint8:
    case DataType::int8:
    case DataType::boolean:
      return 1;
    case DataType::uint16:
    case DataType::int16:
    case DataType::float16:
    case DataType::bfloat16:
      return 2;
    case DataType::float32:
    case DataType::int32:
    case DataType::uint32:
      return 4;
    case DataType::float64:
    case DataType::int64:
    case DataType::uint64:
      return 8;
    default:
      return 0;
  }
}

template <class Stored>
Stored stored_at(std::string_view raw, std::size_t index) {
  Stored value;
  std::memcpy(&value, raw.data() + index * sizeof(Stored), sizeof(Stored));
  return value;
}

template <class Stored, class Value>
std::vector<Value> all_stored(std::string_view raw) {
  std::vector<Value> values(raw.size() / sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<Value>(stored_at<Stored>(raw, i));
  return values;
}

std::vector<float> raw_floats(DataType type, std::string_view raw) {
  if (type == DataType::float32) return all_stored<float, float>(raw);
  if (type == DataType::float64) return all_stored<double, float>(raw);
  std::vector<float> values(raw.size() / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bits = stored_at<uint16_t>(raw, i);
    values[i] = type == DataType::float16 ? float16_to_float(bits) : bfloat16_to_float(bits);
  }
  return values;
}

std::vector<int64_t> raw_integers(DataType type, std::string_view raw) {
  switch (type) {
    case DataType::uint8:
    case DataType::boolean:
      return all_stored<uint8_t, int64_t>(raw);
    case DataType::int8:
      return all_stored<int8_t, int64_t>(raw);
    case DataType::uint16:
      return all_stored<uint16_t, int64_t>(raw);
    case DataType::int16:
      return all_stored<int16_t, int64_t>(raw);
    case DataType::int32:
      return all_stored<int32_t, int64_t>(raw);
    case DataType::uint32:
      return all_stored<uint32_t, int64_t>(raw);
    default:  // for int64 and uint64
      return all_stored<int64_t, int64_t>(raw);
  }
}

std::vector<float> typed_floats(const TensorProto& tensor) {
  if (tensor.type == DataType::float32) return tensor.floats;
  if (tensor.type == DataType::float64) {
    std::vector<float> values;
    for (const double value : tensor.doubles) values.push_back(static_cast<float>(value));
    return values;
  }
  // The int32_data of half floats has their bits.
  std::vector<float> values;
  for (const int64_t bits : tensor.integers) {
    const auto b = static_cast<uint16_t>(bits);
    values.push_back(tensor.type == DataType::float16 ? float16_to_float(b) : bfloat16_to_float(b));
  }
  return values;
}

}  // namespace

bool is_float_type(DataType type) {
  return type == DataType::float32 || type == DataType::float64 || type == DataType::float16 ||
         type == DataType::bfloat16;
}

bool is_byte_type(DataType type) { return type == DataType::uint8 || type == DataType::int8; }

bool Constant::is_float() const { return is_float_type(type); }

int64_t count_elements(const std::vector<int64_t>& dims, const std::string& where) {
  // A tensor with an extent of 0 is empty. The other extents are bounded as well, so that every
  // product of extents fits.
  int64_t count = 1;
  bool empty = false;
  for (const int64_t extent : dims) {
    if (extent < 0) throw LoadError(where + "has an extent below 0");
    empty = empty || extent == 0;
    if (extent > max_elements / count) throw LoadError(where + "is too large");
    count *= std::max<int64_t>(extent, 1);
  }
  return empty ? 0 : count;
}

Constant decode_tensor(const TensorProto& tensor) {
  const std::string where = name_of(tensor);
  if (tensor.external) {
    throw LoadError(where +
                    "has its values in another file. Save the model as one file: "
                    "onnx.save_model(onnx.load('model.onnx'), 'one_file.onnx')");
  }
  const std::size_t size = element_size(tensor.type);
  if (size == 0) {
    throw LoadError(where + "has the type " + data_type_name(tensor.type) +
                    ", which octet does not read");
  }
  if (tensor.raw && !(tensor.floats.empty() && tensor.doubles.empty() && tensor.integers.empty()))
    throw LoadError(where + "has its values twice, as bytes and by type: the file is invalid");
  const int64_t count = count_elements(tensor.dims, where);
  Constant out{.type = tensor.type, .dims = tensor.dims};
  if (tensor.raw && tensor.raw->size() % size != 0) throw LoadError(where + "is cut off");
  if (out.is_float()) {
    out.floats = tensor.raw ? raw_floats(tensor.type, *tensor.raw) : typed_floats(tensor);
  } else {
    out.integers = tensor.raw ? raw_integers(tensor.type, *tensor.raw) : tensor.integers;
  }
  if (out.size() != static_cast<std::size_t>(count)) {
    throw LoadError(where + "has " + std::to_string(out.size()) + " values where its shape has " +
                    std::to_string(count));
  }
  return out;
}

Constant make_integers(std::vector<int64_t> values) {
  return {.type = DataType::int64,
          .dims = {static_cast<int64_t>(values.size())},
          .integers = std::move(values)};
}

Shape shape_of(const std::vector<int64_t>& dims, const std::string& where) {
  Shape shape;
  for (const int64_t extent : dims) {
    if (extent < 1 || extent > max_elements) {
      throw LoadError(where + "has an extent of " + std::to_string(extent) +
                      "; octet's tensors have 1 or more");
    }
    shape.push_back(static_cast<int32_t>(extent));
  }
  if (auto ok = check_shape(shape); !ok) throw LoadError(where + ok.error().message);
  return shape;
}

namespace {

/// Which of the scales of a quantized constant an element has, by its place in the constant.
class ScaleOfElement {
 public:
  explicit ScaleOfElement(const Constant& constant) : quantized_(*constant.quantized) {
    if (quantized_.scale.size() == 1) return;
    const auto axis = static_cast<std::size_t>(quantized_.axis);
    extent_ = static_cast<std::size_t>(constant.dims[axis]);
    for (std::size_t i = axis + 1; i < constant.dims.size(); ++i)
      inner_ *= static_cast<std::size_t>(constant.dims[i]);
  }
  std::pair<float, int32_t> operator()(std::size_t element) const {
    const std::size_t s = element / inner_ % extent_;
    return {quantized_.scale[s], quantized_.zero_point[quantized_.zero_point.size() == 1 ? 0 : s]};
  }

 private:
  const QuantizedValues& quantized_;
  std::size_t inner_ = 1;
  std::size_t extent_ = 1;
};

}  // namespace

std::pair<float, int32_t> scale_of(const Constant& constant, std::size_t element) {
  return ScaleOfElement(constant)(element);
}

std::optional<QuantizedValues> quantized_elements(const std::vector<int64_t>& dims,
                                                  std::span<const ElementSource> source) {
  using Scale = std::pair<float, int32_t>;
  if (source.empty()) return std::nullopt;
  std::map<const Constant*, ScaleOfElement> scales_of;
  QuantizedValues out;
  std::vector<Scale> scales;
  for (const auto& [constant, index] : source) {
    if (!constant->quantized) return std::nullopt;
    const auto [known, is_new] = scales_of.try_emplace(constant, *constant);
    out.values.push_back(constant->quantized->values[index]);
    scales.push_back(known->second(index));
  }
  const auto set_scales = [&](std::span<const Scale> all) {
    for (const auto& [scale, zero_point] : all) {
      out.scale.push_back(scale);
      out.zero_point.push_back(zero_point);
    }
  };
  if (std::ranges::adjacent_find(scales, std::not_equal_to{}) == scales.end()) {
    set_scales(std::span(scales).first(1));
    return out;
  }
  std::size_t inner = scales.size();
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    const auto extent = static_cast<std::size_t>(dims[axis]);
    inner /= extent;
    std::vector<Scale> along;
    for (std::size_t i = 0; i < extent; ++i) along.push_back(scales[i * inner]);
    bool is_along = true;
    for (std::size_t i = 0; is_along && i < scales.size(); ++i)
      is_along = scales[i] == along[i / inner % extent];
    if (!is_along) continue;
    out.axis = static_cast<int32_t>(axis);
    set_scales(along);
    return out;
  }
  return std::nullopt;
}

namespace {

template <class T>
std::vector<T> permuted_values(const std::vector<T>& values, const std::vector<int64_t>& dims,
                               const AxisOrder& order) {
  if (values.empty()) return {};
  Shape shape;
  for (const int64_t extent : dims) shape.push_back(static_cast<int32_t>(extent));
  const auto bytes = permute(std::as_bytes(std::span(values)), shape, order, sizeof(T));
  std::vector<T> out(values.size());
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

}  // namespace

Constant permuted(const Constant& from, const AxisOrder& order) {
  Constant out{.type = from.type};
  for (const int32_t axis : order) out.dims.push_back(from.dims[static_cast<std::size_t>(axis)]);
  out.floats = permuted_values(from.floats, from.dims, order);
  out.integers = permuted_values(from.integers, from.dims, order);
  if (from.quantized) {
    out.quantized = from.quantized;
    out.quantized->values = permuted_values(from.quantized->values, from.dims, order);
    out.quantized->axis = stored_axis(order, from.quantized->axis);
  }
  return out;
}

}  // namespace octet::loaders::onnx
