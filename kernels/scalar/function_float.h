// Functions of one float32 value: plain loops that compilers turn into vectors. Each table's file
// includes it, compiled with that table's flags; IEEE arithmetic in a fixed order, in double, gives
// the same bytes.
#pragma once

#include <cstddef>

#include "kernels/kernels.h"
#include "kernels/scalar/exact_math.h"

namespace octet::kernels {
namespace {

/// Values are taken in portions of this many, and the last portion is filled up: loops of a fixed
/// length compile to a quarter of the code.
constexpr std::size_t function_portion = 64;

// Each function needs one exponential, that of inside(x), which is at most 0 except for exp itself.
// Near 0, where 1 - e^x would cancel, the Taylor series is used, whose remainder is below 1e-11.

struct Exponential {
  static double inside(double x) { return x; }
  static double result(double, double e, double) { return e; }
};

struct Sigmoid {
  static double inside(double x) { return x < 0 ? x : -x; }
  static double result(double x, double e, double) { return (x < 0 ? e : 1.0) / (1 + e); }
};

struct Silu : Sigmoid {
  static double result(double x, double e, double) { return x * Sigmoid::result(x, e, 0); }
};

struct HyperbolicTangent {
  static double inside(double x) { return 2 * Sigmoid::inside(x); }
  static double result(double x, double e, double) {
    const double positive = (1 - e) / (1 + e);
    const double far = x < 0 ? -positive : positive;
    const double square = x * x;
    const double near = x * (1 - square * (1.0 / 3 - square * (2.0 / 15 - square * (17.0 / 315))));
    return square < 0.05 * 0.05 ? near : far;
  }
};

struct ExponentialUnit {
  static double inside(double x) { return x < 0 ? x : 0 * x; }
  static double result(double x, double e, double alpha) {
    double series = 1;
#pragma GCC unroll 6
    for (int i = 7; i > 1; --i) series = 1 + x * (1.0 / i) * series;
    const double below = alpha * (x > -0.05 ? x * series : e - 1);
    return x >= 0 ? x : below;
  }
};

/// x times the probability that a standard normal value is below x.
struct GaussianUnit {
  static double inside(double x) { return -0.5 * (x * x); }
  static double result(double x, double e, double) {
    const double beyond = 0.5 * e * scaled_erfc_float64((x < 0 ? -x : x) * 0x1.6a09e667f3bcdp-1);
    return x * (x < 0 ? beyond : 1 - beyond);
  }
};

/// x sigmoid(2 u), which is x / 2 (1 + tanh(u)), with u = sqrt(2 / pi) (x + 0.044715 x^3).
struct GaussianUnitByTanh {
  static double twice(double x) { return 0x1.9884533d43651p+0 * (x + 0.044715 * (x * x * x)); }
  static double inside(double x) { return Sigmoid::inside(twice(x)); }
  static double result(double x, double e, double) { return x * Sigmoid::result(twice(x), e, 0); }
};

struct ErrorFunction {
  static double inside(double x) { return -(x * x); }
  static double result(double x, double e, double) {
    const double positive = 1 - e * scaled_erfc_float64(x < 0 ? -x : x);
    const double far = x < 0 ? -positive : positive;
    const double square = x * x;
    const double series = 1 - square * (1.0 / 3 - square * (1.0 / 10 - square * (1.0 / 42)));
    const double near = 0x1.20dd750429b6dp+0 * x * series;  // 2 / sqrt(pi)
    return square < 0.05 * 0.05 ? near : far;
  }
};

/// log(1 + e^x) as max(x, 0) + log(1 + e^-|x|).
struct Softplus {
  static double inside(double x) { return Sigmoid::inside(x); }
  static double result(double x, double e, double) {
    const double series = e * (1 - e * (0.5 - e * (1.0 / 3)));
    return (x > 0 ? x : 0.0) + (e < 1e-4 ? series : log_float64(1 + e));
  }
};

/// x tanh(softplus(x)) = x (n / (n + 2)) with n = e^x (e^x + 2). For x >= 0 all is divided by e^2x.
struct Mish {
  static double inside(double x) { return Sigmoid::inside(x); }
  static double result(double x, double e, double) {
    const double over = x < 0 ? e * (e + 2) : 1 + 2 * e;
    const double rest = x < 0 ? 2.0 : 2 * (e * e);
    return x * (over / (over + rest));
  }
};

/// Replaces each value x of a portion by e^x. A function of its own, since it is long and
/// vectorised.
[[gnu::noinline]] inline void exponentials_of_portion(double* values) {
  for (std::size_t i = 0; i < function_portion; ++i) values[i] = exp_for_float32(values[i]);
}

template <class Function>
inline void apply_to_portion(float* x, float alpha) {
  double values[function_portion];
  for (std::size_t i = 0; i < function_portion; ++i) {
    values[i] = Function::inside(static_cast<double>(x[i]));
  }
  exponentials_of_portion(values);
  for (std::size_t i = 0; i < function_portion; ++i) {
    x[i] = static_cast<float>(
        Function::result(static_cast<double>(x[i]), values[i], static_cast<double>(alpha)));
  }
}

inline void apply_log_to_portion(float* x, float) {
  for (std::size_t i = 0; i < function_portion; ++i) {
    x[i] = static_cast<float>(log_float64(static_cast<double>(x[i])));
  }
}

using ApplyToPortion = void (*)(float* x, float alpha);

inline ApplyToPortion choose_function(FloatFunction function) {
  switch (function) {
    case FloatFunction::exp:
      return apply_to_portion<Exponential>;
    case FloatFunction::log:
      return apply_log_to_portion;
    case FloatFunction::sigmoid:
      return apply_to_portion<Sigmoid>;
    case FloatFunction::tanh:
      return apply_to_portion<HyperbolicTangent>;
    case FloatFunction::silu:
      return apply_to_portion<Silu>;
    case FloatFunction::elu:
      return apply_to_portion<ExponentialUnit>;
    case FloatFunction::gelu:
      return apply_to_portion<GaussianUnit>;
    case FloatFunction::gelu_tanh:
      return apply_to_portion<GaussianUnitByTanh>;
    case FloatFunction::erf:
      return apply_to_portion<ErrorFunction>;
    case FloatFunction::softplus:
      return apply_to_portion<Softplus>;
    case FloatFunction::mish:
      break;
  }
  return apply_to_portion<Mish>;
}

inline void apply_float_function(const FloatFunctionParams& params, const float* input,
                                 float* output, std::size_t count) {
  const ApplyToPortion apply = choose_function(params.function);
  float portion[function_portion] = {};
  while (count > 0) {
    const std::size_t here = count < function_portion ? count : function_portion;
    __builtin_memcpy(portion, input, here * sizeof(float));
    apply(portion, params.alpha);
    __builtin_memcpy(output, portion, here * sizeof(float));
    input += here;
    output += here;
    count -= here;
  }
}

}  // namespace
}  // namespace octet::kernels
