// Functions that libm computes a little differently on each machine, here with one result
// everywhere.
//
// Only IEEE 754 additions and multiplications in a fixed order (-ffp-contract=off keeps the order),
// so that the bits are the same on every CPU.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace octet::kernels {
namespace {

/// -> 2^exponent, for exponents of normal numbers: -1022 to 1023.
inline double power_of_two(int64_t exponent) {
  return std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52);
}

/// -> e^x with a relative error below 1e-15 where the result is a normal number.
///
/// Range reduction by Cody and Waite (Software Manual for the Elementary Functions, 1980, chapter
/// 6): x = k ln 2 + r with |r| <= ln(2) / 2, where ln 2 is split into a head of 33 bits, whose
/// product with k is exact, and a tail. Then e^x = 2^k e^r, and e^r is its Taylor series up to r^13
/// / 13!, whose remainder is below 5e-18.
inline double exp_float64(double x) {
  if (!(x <= 709.78)) {  // the largest result, just under 2^1024; NaN stays NaN
    return x > 0 ? std::numeric_limits<double>::infinity() : x;
  }
  if (x < -745.2) return 0;  // below half the smallest denormal number

  constexpr double log2_e = 0x1.71547652b82fep+0;
  constexpr double ln2_head = 0x1.62e42feep-1;
  constexpr double ln2_tail = 0x1.a39ef35793c76p-33;
  // Adding 1.5 * 2^52 leaves no bits for a fraction: the sum is rounded to an integer.
  constexpr double rounder = 0x1.8p52;
  const double k = (x * log2_e + rounder) - rounder;
  const double r = (x - k * ln2_head) - k * ln2_tail;

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
  for (const double coefficient : inverse_factorials) series = series * r + coefficient;

  // In two steps, since 2^k itself need not be a normal number: k is -1075 to 1024.
  const int64_t exponent = static_cast<int64_t>(k);
  const int64_t half = exponent / 2;
  return series * power_of_two(half) * power_of_two(exponent - half);
}

}  // namespace
}  // namespace octet::kernels
