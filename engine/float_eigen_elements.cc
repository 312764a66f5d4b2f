// Float loops that compute each output value on its own: functions of one and of two values.
#include <Eigen/Core>
#include <cmath>
#include <functional>

#include "engine/broadcast.h"
#include "engine/float_eigen_ops.h"

namespace octet {
namespace {

using Row = Eigen::Map<Eigen::ArrayXf>;
using ConstRow = Eigen::Map<const Eigen::ArrayXf>;

/// y = function(a, b) of one row, in which either operand may be a single value.
using BinaryRow = void (*)(const float* a, bool a_repeats, const float* b, bool b_repeats, Row y);

template <class Function>
void binary_row(const float* a, bool a_repeats, const float* b, bool b_repeats, Row y) {
  constexpr Function function{};
  const Eigen::Index count = y.size();
  if (a_repeats && b_repeats) {
    y = Eigen::ArrayXf::Constant(count, function(*a, *b));
  } else if (a_repeats) {
    y = function(Eigen::ArrayXf::Constant(count, *a), ConstRow(b, count));
  } else if (b_repeats) {
    y = function(ConstRow(a, count), Eigen::ArrayXf::Constant(count, *b));
  } else {
    y = function(ConstRow(a, count), ConstRow(b, count));
  }
}

BinaryRow choose_binary(Op op) {
  switch (op) {
    case Op::add:
      return binary_row<std::plus<>>;
    case Op::sub:
      return binary_row<std::minus<>>;
    case Op::mul:
      return binary_row<std::multiplies<>>;
    default:  // div
      return binary_row<std::divides<>>;
  }
}

}  // namespace

void run_binary(const FloatOperands& operands) {
  const BinaryRow function = choose_binary(operands.op);
  const Bounds& bounds = std::get<BinaryAttributes>(operands.attributes).bounds;
  const BroadcastPlan plan =
      plan_broadcast(operands.input_shapes[0], operands.input_shapes[1], operands.output_shape);
  for (std::size_t row = 0; row < plan.rows; ++row) {
    Row y(operands.output + row * plan.row_size, static_cast<Eigen::Index>(plan.row_size));
    function(operands.inputs[0] + plan.offset(0, row), plan.step[0] == 0,
             operands.inputs[1] + plan.offset(1, row), plan.step[1] == 0, y);
    if (bounds.bounded()) y = y.max(bounds.min).min(bounds.max);
  }
}

void run_unary(const FloatOperands& operands) {
  const auto count = static_cast<Eigen::Index>(operands.count());
  const ConstRow x(operands.inputs[0], count);
  Row y(operands.output, count);
  switch (operands.op) {
    case Op::clip: {
      const Bounds& bounds = std::get<ClipAttributes>(operands.attributes).bounds;
      y = x.max(bounds.min).min(bounds.max);
      return;
    }
    case Op::leaky_relu:
      y = (x >= 0).select(x, std::get<ScalarAttributes>(operands.attributes).value * x);
      return;
    case Op::elu: {
      const float alpha = std::get<ScalarAttributes>(operands.attributes).value;
      y = x.unaryExpr([alpha](float v) { return v >= 0 ? v : alpha * std::expm1(v); });
      return;
    }
    case Op::sigmoid:
      y = 1 / (1 + (-x).exp());
      return;
    case Op::tanh:
      y = x.unaryExpr([](float v) { return std::tanh(v); });
      return;
    case Op::hard_sigmoid:
      y = (x + 3).max(0.0F).min(6.0F) / 6;
      return;
    case Op::hard_swish:
      y = x * (x + 3).max(0.0F).min(6.0F) / 6;
      return;
    case Op::silu:
      y = x / (1 + (-x).exp());
      return;
    case Op::gelu:  // x times the normal distribution's share below x; erfc keeps the small shares
      y = x.unaryExpr([](float v) { return 0.5F * v * std::erfc(-v * 0.70710678F); });
      return;
    case Op::exp:
      y = x.exp();
      return;
    case Op::log:
      y = x.log();
      return;
    case Op::sqrt:
      y = x.sqrt();
      return;
    case Op::abs:
      y = x.abs();
      return;
    default:  // neg
      y = -x;
      return;
  }
}

void run_prelu(const FloatOperands& operands) {
  const Eigen::Index channels = operands.output_shape.back();
  const bool one_slope = element_count(operands.input_shapes[1]) == 1;
  const float* slope = operands.inputs[1];
  const std::size_t rows = operands.count() / static_cast<std::size_t>(channels);
  for (std::size_t row = 0; row < rows; ++row) {
    const ConstRow x(operands.inputs[0] + row * static_cast<std::size_t>(channels), channels);
    Row y(operands.output + row * static_cast<std::size_t>(channels), channels);
    if (one_slope) {
      y = (x >= 0).select(x, *slope * x);
    } else {
      y = (x >= 0).select(x, ConstRow(slope, channels) * x);
    }
  }
}

void run_batch_norm(const FloatOperands& operands) {
  const float epsilon = std::get<ScalarAttributes>(operands.attributes).value;
  const Eigen::Index channels = operands.output_shape.back();
  const auto parameter = [&](std::size_t i) { return ConstRow(operands.inputs[i], channels); };
  const std::size_t rows = operands.count() / static_cast<std::size_t>(channels);
  for (std::size_t row = 0; row < rows; ++row) {
    const ConstRow x(operands.inputs[0] + row * static_cast<std::size_t>(channels), channels);
    Row(operands.output + row * static_cast<std::size_t>(channels), channels) =
        (x - parameter(3)) * parameter(1) / (parameter(4) + epsilon).sqrt() + parameter(2);
  }
}

}  // namespace octet
