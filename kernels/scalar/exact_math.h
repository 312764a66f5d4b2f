// Functions that libm computes a little differently on each machine. These have the same result
// everywhere.
//
// They use only IEEE 754 additions, multiplications and divisions in a fixed order
// (-ffp-contract=off keeps it), so that the bits are the same on every CPU.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {
namespace {

// ln 2: a head of 33 bits, whose product with a small integer is exact, and the rest.
constexpr double ln2_head = 0x1.62e42feep-1;
constexpr double ln2_rest = 0x1.a39ef35793c76p-33;

/// Horner's scheme. The coefficient of the highest power comes first.
template <std::size_t count>
inline double polynomial(const double (&coefficients)[count], double x) {
  double sum = coefficients[0];
#pragma GCC unroll 20
  for (std::size_t i = 1; i < count; ++i) sum = sum * x + coefficients[i];
  return sum;
}

/// x = k ln 2 + r with |r| <= ln(2) / 2, so that e^x = 2^k e^r.
struct ReducedExponent {
  int64_t k;
  double r;
};

/// The method of Cody and Waite (Software Manual for the Elementary Functions, 1980, chapter 6),
/// for k of about 11 bits.
inline ReducedExponent reduce_exponent(double x) {
  constexpr double log2_e = 0x1.71547652b82fep+0;
  // Adding 1.5 * 2^52 leaves no bits for a fraction: the sum is rounded to an integer, which its
  // lowest bits then hold.
  constexpr double rounder = 0x1.8p52;
  const double rounded = x * log2_e + rounder;
  const double k = rounded - rounder;
  return {.k = __builtin_bit_cast(int64_t, rounded) - __builtin_bit_cast(int64_t, rounder),
          .r = (x - k * ln2_head) - k * ln2_rest};
}

/// Returns e^x, with a relative error below 1e-15 where the result is a normal number. The result
/// is 0 where e^x is less than half of the smallest denormal number, and infinity where it is
/// larger than the largest number; NaN stays what it is. There is no branch, so that a loop over it
/// is vectorised.
///
/// e^r is its Taylor series up to r^13 / 13!, whose remainder is below 5e-18.
inline double exp_float64(double x) {
  constexpr double least = -745.2;
  constexpr double most = 709.79;
  const double above = x < least ? least : x;
  const auto [k, r] = reduce_exponent(above > most ? most : above);
  constexpr double inverse_factorials[] = {1.0 / 6227020800,
                                           1.0 / 479001600,
                                           1.0 / 39916800,
                                           1.0 / 3628800,
                                           1.0 / 362880,
                                           1.0 / 40320,
                                           1.0 / 5040,
                                           1.0 / 720,
                                           1.0 / 120,
                                           1.0 / 24,
                                           1.0 / 6,
                                           1.0 / 2,
                                           1.0,
                                           1.0};
  // 2^k is multiplied as two factors, since it need not be a normal number itself: k is -1075 to
  // 1024. The number that is halved is not negative, since its shift is then the same instruction
  // everywhere.
  constexpr int64_t lift = 2048;
  const auto exponent = static_cast<uint64_t>(k + lift);
  const uint64_t half = exponent >> 1;
  const uint64_t other = exponent - half;
  constexpr uint64_t bias = 1023 - static_cast<uint64_t>(lift) / 2;
  const double scaled = polynomial(inverse_factorials, r) *
                        __builtin_bit_cast(double, (half + bias) << 52) *
                        __builtin_bit_cast(double, (other + bias) << 52);
  const double result = x < least ? 0.0 : scaled;
  return x != x ? x : result;
}

/// Returns e^x for results that are rounded to float32, with a relative error below 1e-12. The
/// result is 0 where x is below -700, and e^700 where x is above 700; NaN stays what it is. The
/// method is that of exp_float64, up to r^10 / 10!.
inline double exp_for_float32(double x) {
  constexpr double most = 700;
  const double above = x < -most ? -most : x;
  const auto [k, r] = reduce_exponent(above > most ? most : above);
  constexpr double inverse_factorials[] = {1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                                           1.0 / 720,     1.0 / 120,    1.0 / 24,    1.0 / 6,
                                           1.0 / 2,       1.0,          1.0};
  constexpr int64_t bias = 1023;
  const double power = __builtin_bit_cast(double, static_cast<uint64_t>(k + bias) << 52);
  return x < -most ? 0.0 : polynomial(inverse_factorials, r) * power;
}

/// Returns the natural logarithm of a number that is not denormal as a double (no float32 number
/// is), with a relative error below 1e-14. The result is -infinity for 0 and NaN below 0. There is
/// no branch.
///
/// x = 2^k m with m within sqrt(1/2) and sqrt(2), and log m = 2 artanh((m - 1) / (m + 1)), whose
/// series is taken up to s^21 / 21: what is left is below 1e-17.
inline double log_float64(double x) {
  constexpr double infinity = __builtin_inf();
  constexpr uint64_t root_half = 0x3fe6a09e667f3bcd;  // the bits of sqrt(1/2)
  constexpr uint64_t fraction = (uint64_t{1} << 52) - 1;
  constexpr uint64_t lift = 1024;
  const uint64_t lifted = __builtin_bit_cast(uint64_t, x) - root_half + (lift << 52);
  const double m = __builtin_bit_cast(double, (lifted & fraction) + root_half);
  // An integer below 2^52 is converted as the fraction of a number whose last bit counts 1.
  constexpr uint64_t two_to_52 = uint64_t{1023 + 52} << 52;
  const double k = __builtin_bit_cast(double, (lifted >> 52) | two_to_52) - (0x1p52 + lift);
  const double s = (m - 1) / (m + 1);
  constexpr double inverse_odds[] = {1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11,
                                     1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0};
  const double series = polynomial(inverse_odds, s * s);
  const double result = k * ln2_head + (k * ln2_rest + 2 * s * series);
  const double positive = x < infinity ? result : x;  // infinity and NaN stay what they are
  return x > 0 ? positive : x < 0 ? __builtin_nan("") : x == 0 ? -infinity : x;
}

/// Returns erfc(z) e^(z^2) for z >= 0, with a relative error below 1e-12. There is no branch.
///
/// (1 + 2 z) erfc(z) e^(z^2) is smooth in s = (z - 3) / (z + 3), which is within -1 and 1
/// (Shepherd and Laframboise 1981, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x"): its
/// Chebyshev approximation of degree 17, whose coefficients are computed with 40 digits.
inline double scaled_erfc_float64(double z) {
  constexpr double most = 1e8;  // beyond it float32 results do not change
  const double inside = z < most ? z : most;
  const double s = (inside - 3) / (inside + 3);
  constexpr double coefficients[] = {
      -0x1.39c087aa181dcp-22, 0x1.99d28a2e5862ap-25, 0x1.8a8d0c6efd429p-19, -0x1.4d53e9af81e93p-22,
      -0x1.48c8fddb24aaap-16, 0x1.3411143e56cb2p-18, 0x1.05c11e34b6ed4p-13, -0x1.b8454295d6070p-14,
      -0x1.98ce64cd52d7bp-11, 0x1.ef17b3060ab1fp-10, 0x1.4b87afff87b05p-9,  -0x1.8574b79b994dap-6,
      0x1.17ca28f20dabdp-4,   -0x1.e88b8085e2a3cp-4, 0x1.098366a36d50ep-3,  -0x1.85a15c531202fp-5,
      -0x1.15c084bb9af6bp-3,  0x1.40c522d7e451ep+0};
  return polynomial(coefficients, s) / (1 + 2 * inside);
}

}  // namespace
}  // namespace octet::kernels
