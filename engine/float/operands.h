// The loops behind float_loops.h, by what they walk over: windows, rows, elements.
#pragma once

#include "engine/float/step.h"
#include "engine/threads.h"

namespace octet {

/// A node on its memory. Shapes are those that infer_shape accepted.
struct FloatOperands {
  Op op = Op::identity;
  Attributes attributes;
  std::vector<const float*> inputs;
  std::vector<Shape> input_shapes;
  float* output = nullptr;         ///< The first result, which nearly all operators have alone.
  float* second_output = nullptr;  ///< top_k
  Shape output_shape;
  pthreadpool_t pool = nullptr;         ///< For convolutions.
  const ThreadPool* threads = nullptr;  ///< For all else; null for one thread.
  const kernels::KernelTable* table = nullptr;

  std::size_t count() const { return static_cast<std::size_t>(element_count(output_shape)); }
};

/// function(begin, size) of parts of [0, items), each by one thread; all of them take one thread
/// about `cost` nanoseconds.
template <class Function>
void share_out(const FloatOperands& operands, std::size_t items, double cost,
               const Function& function) {
  if (operands.threads == nullptr) return function(std::size_t{0}, items);
  operands.threads->share_out(items, cost, [&](kernels::Range range, std::size_t) {
    function(range.begin, range.end - range.begin);
  });
}

/// The same, function(item) of each.
template <class Function>
void share_out_each(const FloatOperands& operands, std::size_t items, double cost,
                    const Function& function) {
  // Once, although share_out calls it in two places.
  share_out(operands, items, cost,
            [&](std::size_t begin, std::size_t size) __attribute__((noinline)) {
              for (std::size_t item = begin; item < begin + size; ++item) function(item);
            });
}

/// What values cost that take so many nanoseconds each.
inline double cost_of(std::size_t values, double each) {
  return static_cast<double>(values) * each;
}

inline float clip(float x, const Bounds& bounds) {
  const float above = x < bounds.min ? bounds.min : x;  // NaN stays what it is
  return above > bounds.max ? bounds.max : above;
}

/// conv2d and linear: packs the weights.
std::unique_ptr<FloatStep> make_float_conv(const FloatOperands& operands);

/// Bilinear, on [N, H, W, C]; half-pixel centres, or with align_corners.
void run_resize(const FloatOperands& operands);
/// max_pool, average_pool
void run_pool(const FloatOperands& operands);
/// Over any axes.
void run_mean(const FloatOperands& operands);
/// Over any axis.
void run_softmax(const FloatOperands& operands);
/// Over any axis.
void run_log_softmax(const FloatOperands& operands);
/// Writes s32 indices to the output.
void run_argmax(const FloatOperands& operands);
/// Writes s32 indices to the second output.
void run_top_k(const FloatOperands& operands);
/// add, sub, mul, div, with broadcasting.
void run_binary(const FloatOperands& operands);
/// Rows of C: slope is [C] or [1].
void run_prelu(const FloatOperands& operands);
/// Rows of C.
void run_batch_norm(const FloatOperands& operands);
void run_clip(const FloatOperands& operands);
/// Functions of one value.
void run_function(const FloatOperands& operands);

}  // namespace octet
