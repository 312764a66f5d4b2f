// Float loops that compute each output value on its own: functions of one and of two values. They
// use IEEE arithmetic in the order that is written here, so the bytes are the same on every CPU.
#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/broadcast.h"
#include "engine/float/operands.h"
#include "engine/operator_table.h"

namespace octet {
namespace {

using kernels::FloatFunction;

constexpr std::size_t repeated_values = 256;
// Nanoseconds for each value.
constexpr double arithmetic_ns = 0.4;
constexpr double function_ns = 2;

/// y[i] = function(a[i], b[i])
using BinaryLoop = void (*)(const float* a, const float* b, float* y, std::size_t count);

template <class Function>
void binary_loop(const float* __restrict a, const float* __restrict b, float* __restrict y,
                 std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = Function{}(a[i], b[i]);
}

BinaryLoop choose_binary(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::add:
      return binary_loop<std::plus<>>;
    case Arithmetic::sub:
      return binary_loop<std::minus<>>;
    case Arithmetic::mul:
      return binary_loop<std::multiplies<>>;
    case Arithmetic::div:
      return binary_loop<std::divides<>>;
    case Arithmetic::floor_div:  // for whole numbers only
      break;
  }
  return nullptr;
}

/// y = function(x) for all values.
template <class Function>
void each(const FloatOperands& operands, const Function& function) {
  // Not inlined: share_out calls it in two places, and one copy of the code is enough.
  share_out(operands, operands.count(), cost_of(operands.count(), arithmetic_ns),
            [&](std::size_t begin, std::size_t count) __attribute__((noinline)) {
              const float* __restrict x = operands.inputs[0] + begin;
              float* __restrict y = operands.output + begin;
              for (std::size_t i = 0; i < count; ++i) y[i] = function(x[i]);
            });
}

/// Calls function(x, y) for each row of `channels` values.
template <class Function>
void each_row(const FloatOperands& operands, std::size_t channels, const Function& function) {
  share_out_each(operands, operands.count() / channels, cost_of(operands.count(), arithmetic_ns),
                 [&](std::size_t row) {
                   function(operands.inputs[0] + row * channels, operands.output + row * channels);
                 });
}

void run_kernel(const FloatOperands& operands, const kernels::FloatFunctionParams& params) {
  share_out(operands, operands.count(), cost_of(operands.count(), function_ns),
            [&](std::size_t begin, std::size_t count) {
              operands.table->function_float(params, operands.inputs[0] + begin,
                                             operands.output + begin, count);
            });
}

}  // namespace

void run_binary(const FloatOperands& operands) {
  const BinaryLoop function = choose_binary(row_of(operands.op).arithmetic);
  const Bounds& bounds = std::get<BinaryAttributes>(operands.attributes).bounds;
  const BroadcastPlan plan =
      plan_broadcast(operands.input_shapes[0], operands.input_shapes[1], operands.output_shape);
  // If an operand is a single value in each row, it is repeated into a small buffer, some values at
  // a time.
  const bool repeats = plan.stride[0] == 0 || plan.stride[1] == 0;
  const auto run_part = [&](std::size_t row, std::size_t begin, std::size_t end) {
    const std::size_t at_once = repeats ? std::min(end - begin, repeated_values) : end - begin;
    float repeated[2][repeated_values];
    const float* x[2];
    for (const int operand : {0, 1}) {
      const auto k = static_cast<std::size_t>(operand);
      x[k] = operands.inputs[k] + plan.offset(operand, row);
      if (plan.stride[k] != 0) continue;
      std::fill_n(repeated[k], at_once, *x[k]);
      x[k] = repeated[k];
    }
    float* y = operands.output + row * plan.row_size;
    for (; begin < end; begin += at_once) {
      const std::size_t count = std::min(at_once, end - begin);
      function(x[0] + begin * plan.stride[0], x[1] + begin * plan.stride[1], y + begin, count);
      if (!bounds.bounded()) continue;
      for (std::size_t i = begin; i < begin + count; ++i) y[i] = clip(y[i], bounds);
    }
  };
  if (plan.rows == 1) {
    return share_out(
        operands, plan.row_size, cost_of(plan.row_size, arithmetic_ns),
        [&](std::size_t begin, std::size_t count) { run_part(0, begin, begin + count); });
  }
  share_out_each(operands, plan.rows,
                 cost_of(plan.rows * plan.row_size, arithmetic_ns) + cost_of(plan.rows, 10),
                 [&](std::size_t row) { run_part(row, 0, plan.row_size); });
}

void run_clip(const FloatOperands& operands) {
  const Bounds& bounds = std::get<ClipAttributes>(operands.attributes).bounds;
  each(operands, [=](float x) { return clip(x, bounds); });
}

void run_function(const FloatOperands& operands) {
  const auto value = [&] { return std::get<ScalarAttributes>(operands.attributes).value; };
  switch (row_of(operands.op).function) {
    case Function::leaky_relu:
      return each(operands, [s = value()](float x) { return x >= 0 ? x : s * x; });
    case Function::hard_sigmoid:
      return each(operands, [](float x) { return clip(x + 3, {.min = 0, .max = 6}) / 6; });
    case Function::hard_swish:
      return each(operands, [](float x) { return x * clip(x + 3, {.min = 0, .max = 6}) / 6; });
    case Function::sqrt:
      return each(operands, [](float x) { return std::sqrt(x); });
    case Function::abs:
      return each(operands, [](float x) { return std::abs(x); });
    case Function::neg:
      return each(operands, [](float x) { return -x; });
    case Function::softsign:
      return each(operands, [](float x) { return x / (1 + std::abs(x)); });
    case Function::elu:
      return run_kernel(operands, {.function = FloatFunction::elu, .alpha = value()});
    case Function::sigmoid:
      return run_kernel(operands, {.function = FloatFunction::sigmoid});
    case Function::tanh:
      return run_kernel(operands, {.function = FloatFunction::tanh});
    case Function::silu:
      return run_kernel(operands, {.function = FloatFunction::silu});
    case Function::gelu:
      return run_kernel(operands, {.function = FloatFunction::gelu});
    case Function::gelu_tanh:
      return run_kernel(operands, {.function = FloatFunction::gelu_tanh});
    case Function::erf:
      return run_kernel(operands, {.function = FloatFunction::erf});
    case Function::softplus:
      return run_kernel(operands, {.function = FloatFunction::softplus});
    case Function::mish:
      return run_kernel(operands, {.function = FloatFunction::mish});
    case Function::exp:
      return run_kernel(operands, {.function = FloatFunction::exp});
    case Function::log:
      return run_kernel(operands, {.function = FloatFunction::log});
  }
}

void run_prelu(const FloatOperands& operands) {
  const float* slope = operands.inputs[1];
  if (element_count(operands.input_shapes[1]) == 1) {
    return each(operands, [s = *slope](float x) { return x >= 0 ? x : s * x; });
  }
  const auto channels = static_cast<std::size_t>(operands.output_shape.back());
  each_row(operands, channels, [=](const float* __restrict x, float* __restrict y) {
    for (std::size_t c = 0; c < channels; ++c) {
      const float below = slope[c] * x[c];
      y[c] = x[c] >= 0 ? x[c] : below;
    }
  });
}

void run_batch_norm(const FloatOperands& operands) {
  const float epsilon = std::get<ScalarAttributes>(operands.attributes).value;
  const auto channels = static_cast<std::size_t>(operands.output_shape.back());
  const float* scale = operands.inputs[1];
  const float* shift = operands.inputs[2];
  const float* mean = operands.inputs[3];
  const float* variance = operands.inputs[4];
  each_row(operands, channels, [=](const float* __restrict x, float* __restrict y) {
    for (std::size_t c = 0; c < channels; ++c) {
      y[c] = (x[c] - mean[c]) * scale[c] / std::sqrt(variance[c] + epsilon) + shift[c];
    }
  });
}

}  // namespace octet
