// The loops behind float_eigen.h, by what they walk over: windows, rows, elements.
#pragma once

#include "engine/float_step.h"

namespace octet {

/// A node on its memory. Shapes are those that infer_shape accepted.
struct FloatOperands {
  Op op = Op::identity;
  Attributes attributes;
  std::vector<const float*> inputs;
  std::vector<Shape> input_shapes;
  float* output = nullptr;
  Shape output_shape;
  pthreadpool_t pool = nullptr;

  std::size_t count() const { return static_cast<std::size_t>(element_count(output_shape)); }
};

/// conv2d and linear: packs the weights.
std::unique_ptr<FloatStep> make_eigen_conv(const FloatOperands& operands);

/// Bilinear, on [N, H, W, C]; half-pixel centres, or with align_corners.
void run_resize(const FloatOperands& operands);
/// max_pool, average_pool
void run_pool(const FloatOperands& operands);
/// Over any axes.
void run_mean(const FloatOperands& operands);
/// Over any axis.
void run_softmax(const FloatOperands& operands);
/// Writes s32 indices to the output.
void run_argmax(const FloatOperands& operands);
/// add, sub, mul, div, with broadcasting.
void run_binary(const FloatOperands& operands);
/// Rows of C: slope is [C] or [1].
void run_prelu(const FloatOperands& operands);
/// Rows of C.
void run_batch_norm(const FloatOperands& operands);
/// Functions of one value, clip among them.
void run_unary(const FloatOperands& operands);

}  // namespace octet
