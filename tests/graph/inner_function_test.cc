// Functions inside layers, in the form that kernels compute, against the functions in double.
#include "graph/inner_function.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "engine/operator_table.h"
#include "graph/function_group.h"

namespace octet::graph {
namespace {

using kernels::FunctionForm;
using kernels::Symmetry;

/// docs/quantization.md, 'A function inside a layer', in double: with results in real units.
double value_of(const InnerFunction& f, double r) {
  if (f.form == FunctionForm::hard_swish) return r * std::clamp(r + 3, 0.0, 6.0) / 6;
  if (f.form == FunctionForm::slopes) return r < 0 ? r * double{f.numbers[0]} : r;
  const double t = r * double{f.numbers[0]} + double{f.numbers[1]};
  const double x = f.symmetry == Symmetry::none ? t : std::abs(t);
  const auto piece = static_cast<std::size_t>(std::nearbyint(std::clamp(x, 0.0, 7.0)));
  double v = 0;
  for (std::size_t k = 5; k-- > 0;)
    v = v * x + double{f.numbers[numbers_before_coefficients + k * 8 + piece]};
  if (f.symmetry == Symmetry::even) v += std::max(t, 0.0) * double{f.numbers[2]};
  if (f.symmetry == Symmetry::odd) v = (t < 0 ? -v : v) + double{f.numbers[2]};
  return v;
}

/// The largest difference between the form and the function, both clipped to the range.
double error_of(const InnerFunction& f, Op op, float value, ResultRange range) {
  double largest = 0;
  for (double r = -300; r <= 300; r += 1.0 / 128) {
    const double exact =
        std::clamp(evaluate(row_of(op).function, double{value}, r), range.low, range.high);
    largest =
        std::max(largest, std::abs(std::clamp(value_of(f, r), range.low, range.high) - exact));
  }
  return largest;
}

float parameter_of(Op op) { return op == Op::leaky_relu ? 0.1F : op == Op::elu ? 1.0F : 0.0F; }

}  // namespace

TEST_CASE("a function inside a layer is within a tenth of a step, or has no form") {
  for (int i = 0; i < op_count; ++i) {
    const Op op = static_cast<Op>(i);
    if (!is_function_of_one_value(op)) continue;
    for (const double high : {0.1, 0.7, 1.0, 6.0, 30.0, 200.0}) {
      for (const double low : {0.0, -0.3, -1.0, -7.0}) {
        const ResultRange range = {.low = low, .high = high};
        const double step = (high - low) / 255;
        const auto form = fit_inner_function(op, parameter_of(op), range, step);
        if (!form) continue;
        INFO(op_name(op) << " to [" << low << ", " << high << "]");
        CHECK(form->function == op);
        CHECK(error_of(*form, op, parameter_of(op), range) <= 0.1001 * step);
      }
    }
  }
}

TEST_CASE("the functions of common networks have a form at all usual ranges") {
  struct Usual {
    Op op;
    double low;
    double least_high;
    double most_high;
  };
  const Usual all[] = {
      {Op::silu, -0.2785, 0.5, 300},
      {Op::gelu, -0.17, 0.5, 300},
      {Op::gelu_tanh, -0.17, 0.5, 300},
      {Op::mish, -0.309, 1.5, 300},
      {Op::hard_swish, -0.375, 0.5, 300},
      {Op::leaky_relu, -3, 0.5, 300},
      {Op::elu, -1, 1, 300},
      {Op::softplus, 0, 1, 300},
      {Op::sigmoid, 0, 1, 1},
      {Op::hard_sigmoid, 0, 1, 1},
      {Op::tanh, -1, 1, 1},
      {Op::erf, -1, 1, 1},
  };
  for (const Usual& usual : all) {
    for (double high = usual.least_high; high <= usual.most_high; high *= 1.5) {
      const ResultRange range = {.low = usual.low, .high = high};
      INFO(op_name(usual.op) << " to " << high);
      CHECK(fit_inner_function(usual.op, parameter_of(usual.op), range, (high - usual.low) / 255));
    }
  }
}

TEST_CASE("functions without a value for half of all operands have no form") {
  const ResultRange range = {.low = -3, .high = 3};
  CHECK_FALSE(fit_inner_function(Op::log, 0, range, 0.02));
  CHECK_FALSE(fit_inner_function(Op::sqrt, 0, range, 0.02));
}

}  // namespace octet::graph
