// Functions that make nodes of the graph from ONNX operators, one for each operator. Operators of a
// kind share a file.
#pragma once

#include <string>

#include "loaders/onnx/builder.h"

namespace octet::loaders::onnx {

/// Adds the node in octet's operators and finishes its outputs. Throws MissingOperator for a form
/// that octet lacks, and LoadError for a node that is wrong.
using Operator = void (*)(Builder& builder, const Node& node);

/// Returns null if octet has no such operator. `domain` is "" for ONNX's own.
Operator find_operator(const std::string& domain, const std::string& op);

// layers.cc: operators with weights.
void load_conv(Builder& builder, const Node& node);
void load_gemm(Builder& builder, const Node& node);
void load_matmul(Builder& builder, const Node& node);
void load_batch_norm(Builder& builder, const Node& node);

// conv_transpose.cc.
void load_conv_transpose(Builder& builder, const Node& node);

// elements.cc: functions of one and of two values.
void load_function(Builder& builder, const Node& node, Op op);
void load_scaled_unary(Builder& builder, const Node& node);
void load_clip(Builder& builder, const Node& node);
void load_hard_sigmoid(Builder& builder, const Node& node);
void load_prelu(Builder& builder, const Node& node);
void load_binary(Builder& builder, const Node& node);
void load_sum(Builder& builder, const Node& node);
void load_min_max(Builder& builder, const Node& node);
void load_pow(Builder& builder, const Node& node);
void load_reciprocal(Builder& builder, const Node& node);
void load_same(Builder& builder, const Node& node);
void load_cast(Builder& builder, const Node& node);

Value emit_binary(Builder& builder, const Node& node, Op op, Value a, Value b,
                  const std::string& suffix = "");

// whole_numbers.cc: arithmetic on indices, and operators that take values at indices.
void load_mod(Builder& builder, const Node& node);
void load_gather_nd(Builder& builder, const Node& node);
bool is_of_whole_numbers(const Builder& builder, const Node& node);
/// Loads the node as `op` of two operands that are whole numbers.
void finish_whole_numbers(Builder& builder, const Node& node, Op op);
/// Returns the parts of `data` along one of its axes that the indices name.
Value gather_along(Builder& builder, const Node& node, const Value& data, int32_t axis,
                   const Value& indices);

// pools.cc: windows and whole axes.
void load_pool(Builder& builder, const Node& node);
void load_global_pool(Builder& builder, const Node& node);
void load_reduction(Builder& builder, const Node& node);
void load_softmax(Builder& builder, const Node& node);
void load_argmax(Builder& builder, const Node& node);
void load_top_k(Builder& builder, const Node& node);

// movement.cc: parts of tensors.
void load_concat(Builder& builder, const Node& node);
void load_split(Builder& builder, const Node& node);
void load_slice(Builder& builder, const Node& node);
void load_gather(Builder& builder, const Node& node);
void load_pad(Builder& builder, const Node& node);

// shapes.cc: the same values in another shape.
void load_reshape(Builder& builder, const Node& node);
void load_transpose(Builder& builder, const Node& node);
void load_depth_to_space(Builder& builder, const Node& node);
void load_space_to_depth(Builder& builder, const Node& node);

// resize.cc.
void load_resize(Builder& builder, const Node& node);

// quantize.cc.
void load_quantize(Builder& builder, const Node& node);
void load_dequantize(Builder& builder, const Node& node);
/// Recognises the operator, to say what to do instead.
void load_dynamic_quantization(Builder& builder, const Node& node);

// qlinear.cc: ONNX Runtime's operators on bytes.
void load_qlinear_conv(Builder& builder, const Node& node);
void load_qlinear_matmul(Builder& builder, const Node& node);
void load_qgemm(Builder& builder, const Node& node);
void load_qlinear_binary(Builder& builder, const Node& node);
void load_qlinear_unary(Builder& builder, const Node& node);
void load_qlinear_concat(Builder& builder, const Node& node);

}  // namespace octet::loaders::onnx
