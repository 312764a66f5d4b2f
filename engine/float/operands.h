// The loops behind loops.h, grouped by what they walk over: windows, rows or elements.
#pragma once

#include "engine/float/step.h"
#include "engine/threads.h"

namespace octet {

/// A node with the memory of its operands. infer_shape has accepted the shapes.
struct FloatOperands {
  Op op = Op::identity;
  Attributes attributes;
  std::vector<const float*> inputs;
  std::vector<Shape> input_shapes;
  float* output = nullptr;         ///< The first result, which nearly all operators have alone.
  float* second_output = nullptr;  ///< top_k
  Shape output_shape;
  pthreadpool_t pool = nullptr;         ///< For convolutions.
  const ThreadPool* threads = nullptr;  ///< For all other loops; null: run on one thread.
  const kernels::KernelTable* table = nullptr;

  std::size_t count() const { return static_cast<std::size_t>(element_count(output_shape)); }
};

/// Calls function(begin, size) for parts of [0, items), each part on one thread. `cost` is about
/// how many nanoseconds all items take one thread.
template <class Function>
void share_out(const FloatOperands& operands, std::size_t items, double cost,
               const Function& function) {
  if (operands.threads == nullptr) return function(std::size_t{0}, items);
  operands.threads->share_out(items, cost, [&](kernels::Range range, std::size_t) {
    function(range.begin, range.end - range.begin);
  });
}

/// The same, but calls function(item) for each item.
template <class Function>
void share_out_each(const FloatOperands& operands, std::size_t items, double cost,
                    const Function& function) {
  // Not inlined: share_out calls it in two places, and one copy of the code is enough.
  share_out(operands, items, cost,
            [&](std::size_t begin, std::size_t size) __attribute__((noinline)) {
              for (std::size_t item = begin; item < begin + size; ++item) function(item);
            });
}

/// The cost of `values` values that take `each` nanoseconds each.
inline double cost_of(std::size_t values, double each) {
  return static_cast<double>(values) * each;
}

inline float clip(float x, const Bounds& bounds) {
  const float above = x < bounds.min ? bounds.min : x;  // NaN stays NaN
  return above > bounds.max ? bounds.max : above;
}

/// For conv2d and linear. Packs the weights.
std::unique_ptr<FloatStep> make_float_conv(const FloatOperands& operands);

/// Bilinear resize of [N, H, W, C], with half-pixel centres or with align_corners.
void run_resize(const FloatOperands& operands);
/// For max_pool and average_pool.
void run_pool(const FloatOperands& operands);
/// Over any axes.
void run_mean(const FloatOperands& operands);
/// Over any axis.
void run_softmax(const FloatOperands& operands);
/// Over any axis.
void run_log_softmax(const FloatOperands& operands);
/// Writes s32 indices to the output.
void run_argmax(const FloatOperands& operands);
/// Writes the values to the first output and their indices, s32, to the second.
void run_top_k(const FloatOperands& operands);
/// add, sub, mul and div, with broadcasting.
void run_binary(const FloatOperands& operands);
/// For rows of C values. The slope is [C] or [1].
void run_prelu(const FloatOperands& operands);
/// For rows of C values.
void run_batch_norm(const FloatOperands& operands);
void run_clip(const FloatOperands& operands);
/// All functions of one value.
void run_function(const FloatOperands& operands);

}  // namespace octet
