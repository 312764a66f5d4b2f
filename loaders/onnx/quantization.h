// Scales and zero points of ONNX's quantized operators.
#pragma once

#include "loaders/onnx/builder.h"

namespace octet::loaders::onnx {

/// The numbers of the inputs that are the scale and the zero point of one of a node's tensors.
struct QuantizationInputs {
  std::size_t scale = 1;
  std::size_t zero_point = 2;
};

/// The type of a QuantizeLinear's result: that of its zero point, or without one that of its
/// attribute.
DataType quantized_type(const Builder& builder, const Node& node);

/// Reads the single scale of an activation. Signed bytes become unsigned ones by adding 128.
/// `bytes` is the type if there is no zero point to tell it. Throws MissingOperator for other types
/// than bytes, and for scales along an axis.
graph::Quantization read_quantization(const Builder& builder, const Node& node,
                                      QuantizationInputs at, DataType bytes);

/// Dequantizes a constant of bytes or s32 (a bias): real = scale * (q - zero_point). The result
/// remembers its bytes, so that weights keep them.
Constant dequantized(const Builder& builder, const Node& node, const Constant& from,
                     QuantizationInputs at, int64_t axis);

/// Quantizes a constant of floats to bytes.
Constant quantized(const Builder& builder, const Node& node, const Constant& from,
                   QuantizationInputs at, int64_t axis);

}  // namespace octet::loaders::onnx
