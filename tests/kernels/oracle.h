// The arithmetic of docs/quantization.md a second time, for the tests. float32 operations are done
// in double and rounded once, and rounding to integers is spelled out. It shares no code with the
// kernels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace octet::test {

/// Returns the nearest integer; of two equally near ones, the even one.
inline double nearest_even(double value) {
  const double below = std::floor(value);
  const double fraction = value - below;
  const bool odd = std::fmod(below, 2.0) != 0;
  return fraction > 0.5 || (fraction == 0.5 && odd) ? below + 1 : below;
}

// The exact product of two float32 values fits a double, and a double's sum of two is close enough
// that rounding it to float32 gives what one rounding would: these are the float32 operations.
inline float multiply32(float a, float b) {
  return static_cast<float>(static_cast<double>(a) * static_cast<double>(b));
}
inline float add32(float a, float b) {
  return static_cast<float>(static_cast<double>(a) + static_cast<double>(b));
}

/// a * b + c, rounded once. The product fits a double; where the sum does not, long double's 64
/// bits leave a wrong second rounding to about one in 2^40 random values.
inline float fused32(float a, float b, float c) {
  const double product = static_cast<double>(a) * static_cast<double>(b);
  return static_cast<float>(static_cast<long double>(product) + static_cast<long double>(c));
}

/// Returns clamp(rne(value) + zero_point), in that order. A NaN gives the lower bound.
inline uint8_t to_u8(float value, int32_t zero_point, int32_t min, int32_t max) {
  if (std::isnan(value)) return static_cast<uint8_t>(min);
  const double shifted = nearest_even(static_cast<double>(value)) + zero_point;
  return static_cast<uint8_t>(
      std::clamp(shifted, static_cast<double>(min), static_cast<double>(max)));
}

}  // namespace octet::test
