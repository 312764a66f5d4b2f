// Functions that libm computes a little differently on each machine, here with one result
// everywhere.
//
// Only IEEE 754 additions and multiplications in a fixed order (-ffp-contract=off keeps the order),
// so that the bits are the same on every CPU.
#pragma once

#include <cstdint>

namespace octet::kernels {
namespace {

/// -> e^x for x <= 0, with a relative error below 1e-15 where the result is a normal number; 0
/// where x is below half the smallest denormal number's logarithm; NaN stays what it is. Without a
/// branch, so that a loop over it is vectorised.
///
/// Range reduction by Cody and Waite (Software Manual for the Elementary Functions, 1980, chapter
/// 6): x = k ln 2 + r with |r| <= ln(2) / 2, where ln 2 is split into a head of 33 bits, whose
/// product with k is exact, and a tail. Then e^x = 2^k e^r, and e^r is its Taylor series up to r^13
/// / 13!, whose remainder is below 5e-18.
inline double exp_float64(double x) {
  constexpr double least = -745.2;
  constexpr double log2_e = 0x1.71547652b82fep+0;
  constexpr double ln2_head = 0x1.62e42feep-1;
  constexpr double ln2_tail = 0x1.a39ef35793c76p-33;
  // Adding 1.5 * 2^52 leaves no bits for a fraction: the sum is rounded to an integer, which its
  // lowest bits then hold.
  constexpr double rounder = 0x1.8p52;
  const double inside = x < least ? least : x;
  const double rounded = inside * log2_e + rounder;
  const double k = rounded - rounder;
  const double r = (inside - k * ln2_head) - k * ln2_tail;

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
  double series = 0;
#pragma GCC unroll 14
  for (int i = 0; i < 14; ++i) series = series * r + inverse_factorials[i];

  // 2^k in two steps, since it need not be a normal number itself: k is -1075 to 0. Halves are
  // taken of a non-negative number, whose shift is the same instruction everywhere.
  constexpr int64_t lift = 2048;
  const int64_t exponent =
      __builtin_bit_cast(int64_t, rounded) - __builtin_bit_cast(int64_t, rounder) + lift;
  const uint64_t half = static_cast<uint64_t>(exponent) >> 1;
  const uint64_t other = static_cast<uint64_t>(exponent) - half;
  constexpr uint64_t bias = 1023 - static_cast<uint64_t>(lift) / 2;
  const double scaled = series * __builtin_bit_cast(double, (half + bias) << 52) *
                        __builtin_bit_cast(double, (other + bias) << 52);
  const double result = x < least ? 0.0 : scaled;
  return x != x ? x : result;
}

}  // namespace
}  // namespace octet::kernels
