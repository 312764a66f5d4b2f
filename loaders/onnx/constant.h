// Values that are known when a model is loaded: weights, and the results of arithmetic on shapes.
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

/// A tensor of numbers, row-major: floats for types with fractions, integers for all others.
struct Constant {
  DataType type = DataType::float32;
  std::vector<int64_t> dims;
  std::vector<float> floats;
  std::vector<int64_t> integers;
  std::optional<QuantizedValues> quantized;  ///< The bytes of floats that DequantizeLinear made.

  bool is_float() const;
  std::size_t size() const { return is_float() ? floats.size() : integers.size(); }
};

/// True for float16, bfloat16, float32 and float64, which all become float32 here.
bool is_float_type(DataType type);

/// True for uint8 and int8, the results of QuantizeLinear.
bool is_byte_type(DataType type);

/// Returns the number of elements. Throws LoadError, with a message that begins with `where`, if an
/// extent is below 0 or a tensor of octet cannot have so many elements.
int64_t count_elements(const std::vector<int64_t>& dims, const std::string& where);

/// Decodes a tensor in any encoding of onnx.proto. Throws LoadError if the type is unknown, the
/// values are in another file, or their number differs from the dims.
Constant decode_tensor(const TensorProto& tensor);

Constant make_integers(std::vector<int64_t> values);

/// Returns the dims as a shape of octet. Throws LoadError if an extent is below 1 or too large.
Shape shape_of(const std::vector<int64_t>& dims, const std::string& where);

/// Returns the scale and zero point of an element of a quantized constant.
std::pair<float, int32_t> scale_of(const Constant& constant, std::size_t element);

/// One element of a constant.
struct ElementSource {
  const Constant* constant = nullptr;
  std::size_t index = 0;
};

/// Returns the quantized form of a row-major tensor with these elements: if all of them have one,
/// and together they have one scale, or one for each position along an axis. So weights keep their
/// bytes, however the file moves them.
std::optional<QuantizedValues> quantized_elements(const std::vector<int64_t>& dims,
                                                  std::span<const ElementSource> source);

/// Returns the constant with its axes permuted: output axis i is input axis order[i]. The quantized
/// form is permuted, too.
Constant permuted(const Constant& from, const AxisOrder& order);

}  // namespace octet::loaders::onnx
