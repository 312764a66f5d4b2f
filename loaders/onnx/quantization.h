// Scales and zero points of ONNX's quantized operators.
#pragma once

#include "loaders/onnx/builder.h"

namespace octet::loaders::onnx {

/// Where a node has the scale and the zero point of one of its tensors.
struct QuantizationInputs {
  std::size_t scale = 1;
  std::size_t zero_point = 2;
};

/// What a QuantizeLinear gives: its zero point's type, or else its attribute's.
DataType quantized_type(const Builder& builder, const Node& node);

/// One scale, for an activation. Signed bytes are unsigned ones with 128 added; `bytes` is the type
/// where no zero point says it. Throws MissingOperator for other types than bytes and for scales
/// along an axis.
graph::Quantization read_quantization(const Builder& builder, const Node& node,
                                      QuantizationInputs at, DataType bytes);

/// real = scale * (q - zero_point) of a constant of bytes, or of s32 (a bias). What it was stays
/// with it, so that weights keep their bytes.
Constant dequantized(const Builder& builder, const Node& node, const Constant& from,
                     QuantizationInputs at, int64_t axis);

/// The bytes of a constant of floats.
Constant quantized(const Builder& builder, const Node& node, const Constant& from,
                   QuantizationInputs at, int64_t axis);

}  // namespace octet::loaders::onnx
