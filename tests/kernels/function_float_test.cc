// Compares functions of float32 with long double, and every table with the reference.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/kernels.h"
#include "kernels/scalar/exact_math.h"
#include "tests/kernels/random.h"

namespace octet {
namespace {

using kernels::FloatFunction;
using kernels::FloatFunctionParams;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

constexpr FloatFunction all_functions[] = {
    FloatFunction::exp,  FloatFunction::log,      FloatFunction::sigmoid, FloatFunction::tanh,
    FloatFunction::silu, FloatFunction::elu,      FloatFunction::gelu,    FloatFunction::gelu_tanh,
    FloatFunction::erf,  FloatFunction::softplus, FloatFunction::mish};

long double evaluate(const FloatFunctionParams& params, long double x) {
  switch (params.function) {
    case FloatFunction::exp:
      return std::exp(x);
    case FloatFunction::log:
      return std::log(x);
    case FloatFunction::sigmoid:
      return 1 / (1 + std::exp(-x));
    case FloatFunction::tanh:
      return std::tanh(x);
    case FloatFunction::silu:
      return x / (1 + std::exp(-x));
    case FloatFunction::elu:
      return x >= 0 ? x : static_cast<long double>(params.alpha) * std::expm1(x);
    case FloatFunction::gelu:
      return x / 2 * std::erfc(-x * std::sqrt(0.5L));
    case FloatFunction::gelu_tanh: {
      // As x sigmoid(2 u), since 1 + tanh(u) cancels where u is far below 0.
      const long double u =
          std::sqrt(2 / std::numbers::pi_v<long double>) * (x + 0.044715L * x * x * x);
      return x / (1 + std::exp(-2 * u));
    }
    case FloatFunction::erf:
      return std::erf(x);
    case FloatFunction::softplus:
      return std::max(x, 0.0L) + std::log1p(std::exp(-std::abs(x)));
    case FloatFunction::mish: {
      const long double e = std::exp(-std::abs(x));
      const long double over = x < 0 ? e * (e + 2) : 1 + 2 * e;
      return x * (over / (over + (x < 0 ? 2 : 2 * e * e)));
    }
  }
  return 0;
}

/// Every magnitude and both signs, many of them around 1.
std::vector<float> values_of_all_sizes(test::Random& random, std::size_t count) {
  std::vector<float> values;
  while (values.size() < count) {
    const auto bits = static_cast<uint32_t>(random.integer(0, std::numeric_limits<int32_t>::max()));
    const float any = std::bit_cast<float>(bits);
    values.push_back(std::isfinite(any) ? any : 0.0F);
    values.push_back(-values.back());
    values.push_back(random.real(-100, 100));
    values.push_back(random.real(-5, 5));
    values.push_back(random.real(-0.1F, 0.1F));
  }
  return values;
}

std::vector<float> apply(const kernels::KernelTable& table, const FloatFunctionParams& params,
                         const std::vector<float>& input) {
  std::vector<float> output(input.size());
  table.function_float(params, input.data(), output.data(), input.size());
  return output;
}

}  // namespace

TEST_CASE("functions of float32 are the nearest float32, or next to it") {
  test::Random random(51);
  for (const FloatFunction function : all_functions) {
    const FloatFunctionParams params{.function = function, .alpha = random.real(0.1F, 2)};
    std::vector<float> input = values_of_all_sizes(random, 20'000);
    if (function == FloatFunction::log) {
      for (float& x : input) x = std::abs(x);
    }
    // Half of a denormal number is a tie, and long double does not decide it, either.
    if (function == FloatFunction::gelu || function == FloatFunction::gelu_tanh) {
      std::erase_if(input, [](float x) { return std::abs(x) < 1e-30F; });
    }
    const std::vector<float> output = apply(kernels::best_table(), params, input);
    std::size_t not_nearest = 0;
    for (std::size_t i = 0; i < input.size(); ++i) {
      const auto nearest = static_cast<float>(evaluate(params, static_cast<long double>(input[i])));
      if (output[i] == nearest) continue;
      ++not_nearest;
      INFO("function " << static_cast<int>(function) << " of " << input[i] << ": " << output[i]
                       << ", not " << nearest << ", seed " << random.seed);
      const bool next = std::nextafter(nearest, -infinity) == output[i] ||
                        std::nextafter(nearest, infinity) == output[i];
      REQUIRE(next);
    }
    INFO("function " << static_cast<int>(function));
    CHECK(not_nearest * 1000 <= input.size());
  }
}

TEST_CASE("functions of float32 at the ends of their range") {
  const std::vector<float> input = {0.0F, -0.0F, infinity, -infinity, nan, 1e-45F, -1e-45F};
  const auto of = [&](FloatFunction function) {
    return apply(kernels::best_table(), {.function = function, .alpha = 0.5F}, input);
  };
  // The results of 0, -0, infinity and -infinity. All functions give NaN for NaN.
  const auto check = [&](FloatFunction function, float zero, float minus_zero, float plus,
                         float minus) {
    const std::vector<float> y = of(function);
    INFO("function " << static_cast<int>(function));
    const float expected[] = {zero, minus_zero, plus, minus};
    for (std::size_t i = 0; i < 4; ++i) {
      INFO("of " << input[i] << ": " << y[i] << ", not " << expected[i]);
      if (std::isnan(expected[i])) {
        CHECK(std::isnan(y[i]));
      } else {
        CHECK(std::bit_cast<uint32_t>(y[i]) == std::bit_cast<uint32_t>(expected[i]));
      }
    }
    CHECK(std::isnan(y[4]));
  };
  check(FloatFunction::exp, 1, 1, infinity, 0);
  check(FloatFunction::log, -infinity, -infinity, infinity, nan);
  check(FloatFunction::sigmoid, 0.5F, 0.5F, 1, 0);
  check(FloatFunction::tanh, 0, -0.0F, 1, -1);
  check(FloatFunction::silu, 0, -0.0F, infinity, nan);
  check(FloatFunction::elu, 0, -0.0F, infinity, -0.5F);
  check(FloatFunction::gelu, 0, -0.0F, infinity, nan);
  check(FloatFunction::gelu_tanh, 0, -0.0F, infinity, nan);
  check(FloatFunction::erf, 0, -0.0F, 1, -1);
  check(FloatFunction::softplus, 0.69314718F, 0.69314718F, infinity, 0);
  check(FloatFunction::mish, 0, -0.0F, infinity, nan);
  CHECK(of(FloatFunction::tanh)[5] == 1e-45F);
  CHECK(of(FloatFunction::tanh)[6] == -1e-45F);
}

TEST_CASE("functions of float32 are the same bytes with every instruction set, and in place") {
  test::Random random(52);
  const kernels::KernelTable& reference = *kernels::find_table(kernels::Isa::reference);
  for (const FloatFunction function : all_functions) {
    const FloatFunctionParams params{.function = function, .alpha = random.real(0.1F, 2)};
    const std::vector<float> input =
        values_of_all_sizes(random, static_cast<std::size_t>(random.integer(1, 3000)));
    const std::vector<float> expected = apply(reference, params, input);
    for (const kernels::KernelTable* table : kernels::available_tables()) {
      INFO(table->name << ", function " << static_cast<int>(function) << ", seed " << random.seed);
      const std::vector<float> output = apply(*table, params, input);
      CHECK(std::memcmp(output.data(), expected.data(), expected.size() * sizeof(float)) == 0);
      std::vector<float> in_place = input;
      table->function_float(params, in_place.data(), in_place.data(), in_place.size());
      CHECK(std::memcmp(in_place.data(), expected.data(), expected.size() * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("log_float64, scaled_erfc_float64 and exp_for_float32 are as exact as they say") {
  test::Random random(53);
  for (int i = 0; i < 20'000; ++i) {
    const double x = std::exp(static_cast<double>(random.real(-100, 88)));
    const long double log = std::log(static_cast<long double>(x));
    CHECK(std::abs(static_cast<long double>(kernels::log_float64(x)) - log) <=
          1e-14L * std::abs(log));
    const double y = static_cast<double>(random.real(-700, 700)) * random.pick({1.0, 0.01, 1e-6});
    const long double exponential = std::exp(static_cast<long double>(y));
    CHECK(std::abs(static_cast<long double>(kernels::exp_for_float32(y)) - exponential) <=
          1e-12L * exponential);
    const long double z = static_cast<long double>(random.real(0, 12));
    const long double scaled = std::erfc(z) * std::exp(z * z);
    CHECK(std::abs(static_cast<long double>(kernels::scaled_erfc_float64(static_cast<double>(z))) -
                   scaled) <= 1e-12L * scaled);
  }
}

}  // namespace octet
