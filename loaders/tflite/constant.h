// Values that are known when a model is loaded.
#pragma once

#include "loaders/layer_weights.h"
#include "loaders/tflite/model_file.h"

namespace octet::loaders::tflite {

/// A tensor of numbers, row-major: floats or integers.
struct Constant {
  Shape shape;
  bool is_float = true;
  /// Values of float16 and others become float32; bytes with a scale become reals.
  std::vector<float> floats;
  std::vector<int64_t> integers;
  /// The bytes of floats that are bytes in the file.
  std::optional<QuantizedValues> quantized;

  std::size_t size() const { return is_float ? floats.size() : integers.size(); }
};

bool is_byte_type(format::TensorType type);  ///< true for UINT8 and INT8

/// Whether the tensor has bytes without a scale. They are numbers then.
bool has_no_scale(const TensorRecord& tensor);

/// The quantization of such bytes when they become unsigned: a scale of 1.
graph::Quantization numbers_of(format::TensorType type);

/// Returns an activation's scale and zero point, as unsigned bytes: signed ones get 128 added.
/// Throws LoadError for a tensor of bytes whose scale is missing, is no positive number, or is one
/// of several for channels.
graph::Quantization quantization_of(const TensorRecord& tensor);

/// Does the same for a computed tensor. If training left all channels dead, the scale may be too
/// small for a normal float32. It becomes the smallest normal one then; all values are 0 either
/// way.
graph::Quantization quantization_of_result(const TensorRecord& tensor);

/// Whether the tensor has such a scale.
bool is_dead(const TensorRecord& tensor);

/// Returns the shape as one of octet's. Throws LoadError if an extent is below 1 or too large.
Shape shape_of(const TensorRecord& tensor);

/// Throws LoadError if the values do not fill the shape, and MissingOperator for types that octet
/// does not decode.
Constant decode(const TensorRecord& tensor);

/// Returns floats as bytes with this quantization.
Constant quantized(const Constant& from, const graph::Quantization& quantization);

/// Returns the constant with its axes permuted: output axis i is input axis order[i].
Constant permuted(const Constant& from, const std::vector<int32_t>& order);

/// Returns the same values in another shape. The caller has to keep the axis of the scales.
Constant reshaped(Constant from, Shape shape);

}  // namespace octet::loaders::tflite
