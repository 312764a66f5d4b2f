// Functions that make nodes of the graph from TFLite operators, one for each operator. Operators of
// a kind share a file.
#pragma once

#include "loaders/tflite/builder.h"

namespace octet::loaders::tflite {

/// Adds the operator in octet's operators and finishes its outputs. Throws MissingOperator for a
/// form that octet lacks, and LoadError for an operator that is wrong.
using Operator = void (*)(Builder& builder, const Node& node);

/// Returns null if octet has no such operator.
Operator find_operator(format::BuiltinOperator code);

// layers.cc: operators with weights.
void load_conv(Builder& builder, const Node& node);
void load_depthwise_conv(Builder& builder, const Node& node);
void load_fully_connected(Builder& builder, const Node& node);

// transpose_conv.cc.
void load_transpose_conv(Builder& builder, const Node& node);

// elements.cc: functions of one and of two values.
void load_function(Builder& builder, const Node& node, Op op);
void load_clip(Builder& builder, const Node& node, Bounds bounds);
void load_leaky_relu(Builder& builder, const Node& node);
void load_prelu(Builder& builder, const Node& node);
void load_arithmetic(Builder& builder, const Node& node, Op op, format::Activation activation);
void load_min_max(Builder& builder, const Node& node);

// pools.cc: windows and whole axes.
void load_pool(Builder& builder, const Node& node);
void load_mean(Builder& builder, const Node& node);
void load_reduce_max(Builder& builder, const Node& node);
void load_softmax(Builder& builder, const Node& node);
void load_argmax(Builder& builder, const Node& node);
void load_top_k(Builder& builder, const Node& node);

// movement.cc: parts of tensors.
void load_concatenation(Builder& builder, const Node& node);
void load_pack(Builder& builder, const Node& node);
void load_pad(Builder& builder, const Node& node);
void load_mirror_pad(Builder& builder, const Node& node);
void load_split(Builder& builder, const Node& node);
void load_split_v(Builder& builder, const Node& node);
void load_unpack(Builder& builder, const Node& node);

// whole_numbers.cc: arithmetic on indices, and operators that take values at indices.
void load_floor_div(Builder& builder, const Node& node);
void load_floor_mod(Builder& builder, const Node& node);
void load_gather_nd(Builder& builder, const Node& node);
void load_gather(Builder& builder, const Node& node);
/// Loads the operator as `op` of two operands that are whole numbers.
void finish_whole_numbers(Builder& builder, const Node& node, Op op);

// slice.cc.
void load_slice(Builder& builder, const Node& node);
void load_strided_slice(Builder& builder, const Node& node);

// shapes.cc: the same values in another shape or in another order of axes.
void load_reshape(Builder& builder, const Node& node);
void load_squeeze(Builder& builder, const Node& node);
void load_expand_dims(Builder& builder, const Node& node);
void load_transpose(Builder& builder, const Node& node);
void load_depth_to_space(Builder& builder, const Node& node);
void load_space_to_depth(Builder& builder, const Node& node);

// resize.cc.
void load_resize(Builder& builder, const Node& node);

// quantize.cc.
void load_quantize(Builder& builder, const Node& node);
void load_dequantize(Builder& builder, const Node& node);
void load_cast(Builder& builder, const Node& node);

}  // namespace octet::loaders::tflite
