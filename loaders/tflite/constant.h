// Values that are known when a model is loaded.
#pragma once

#include "loaders/layer_weights.h"
#include "loaders/tflite/model_file.h"

namespace octet::loaders::tflite {

/// A tensor of numbers, row-major: floats, or integers.
struct Constant {
  Shape shape;
  bool is_float = true;
  std::vector<float> floats;  ///< float16 and the like become float32; bytes with a scale, reals.
  std::vector<int64_t> integers;
  std::optional<QuantizedValues> quantized;  ///< Of floats that are bytes in the file.

  std::size_t size() const { return is_float ? floats.size() : integers.size(); }
};

bool is_byte_type(format::TensorType type);  ///< UINT8 or INT8

/// Bytes that the file gives no scale: they are numbers.
bool has_no_scale(const TensorRecord& tensor);

/// What bytes of such a type are as unsigned ones with a scale of 1.
graph::Quantization numbers_of(format::TensorType type);

/// A scale and zero point of an activation, as unsigned bytes: signed ones have 128 added. Throws
/// LoadError for a tensor of bytes whose scale is missing, no positive number, or one a channel.
graph::Quantization quantization_of(const TensorRecord& tensor);

/// The same of a tensor that is computed: a scale that float32 has no normal number for (where
/// training left all channels dead) becomes the smallest that it has. Either way all values are 0.
graph::Quantization quantization_of_result(const TensorRecord& tensor);

/// Has the tensor such a scale?
bool is_dead(const TensorRecord& tensor);

/// The shape as one of octet's; throws LoadError where an extent is below 1 or too large.
Shape shape_of(const TensorRecord& tensor);

/// Throws LoadError for values that do not fill the shape, MissingOperator for types that octet
/// does not decode.
Constant decode(const TensorRecord& tensor);

/// Floats as the bytes that `type` and `quantization` make of them.
Constant quantized(const Constant& from, const graph::Quantization& quantization);

/// The constant with its axes permuted: output axis i is input axis order[i].
Constant permuted(const Constant& from, const std::vector<int32_t>& order);

/// The same values under another shape. The axis of scales has to be kept by who calls.
Constant reshaped(Constant from, Shape shape);

}  // namespace octet::loaders::tflite
