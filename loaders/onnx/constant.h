// Values that are known when a model is loaded: weights, and the arithmetic on shapes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "loaders/layer_weights.h"
#include "loaders/layout.h"
#include "loaders/onnx/model_proto.h"

namespace octet::loaders::onnx {

/// A tensor of numbers, row-major: floats for the types with a fraction, integers for the others.
struct Constant {
  DataType type = DataType::float32;
  std::vector<int64_t> dims;
  std::vector<float> floats;
  std::vector<int64_t> integers;
  std::optional<QuantizedValues> quantized;  ///< Of floats that DequantizeLinear made.

  bool is_float() const;
  std::size_t size() const { return is_float() ? floats.size() : integers.size(); }
};

/// float16, bfloat16, float32 and float64 become float32 here.
bool is_float_type(DataType type);

/// uint8 or int8: what QuantizeLinear gives.
bool is_byte_type(DataType type);

/// The number of elements; throws LoadError, beginning with `where`, for extents below 0 and for
/// more than fit a tensor of octet's.
int64_t count_elements(const std::vector<int64_t>& dims, const std::string& where);

/// Decodes every encoding that onnx.proto has. Throws LoadError: unknown type, values in another
/// file, another number of values than the dims say.
Constant decode_tensor(const TensorProto& tensor);

Constant make_integers(std::vector<int64_t> values);

/// The dims as a shape of octet's; throws LoadError where an extent is below 1 or too large.
Shape shape_of(const std::vector<int64_t>& dims, const std::string& where);

/// A quantized constant's scale and zero point at an element.
std::pair<float, int32_t> scale_of(const Constant& constant, std::size_t element);

/// An element of a constant.
struct ElementSource {
  const Constant* constant = nullptr;
  std::size_t index = 0;
};

/// The quantized form of a tensor that is made of these elements, row-major: where all of them have
/// one, and their scales are one, or one a position along an axis. Weights keep their bytes so,
/// however the file moves them.
std::optional<QuantizedValues> quantized_elements(const std::vector<int64_t>& dims,
                                                  std::span<const ElementSource> source);

/// The constant with its axes permuted: output axis i is input axis order[i]. The quantized form
/// goes with it.
Constant permuted(const Constant& from, const AxisOrder& order);

}  // namespace octet::loaders::onnx
