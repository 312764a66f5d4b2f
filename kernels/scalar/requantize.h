// Rounding and clamping as docs/quantization.md wants them, for every kernel's scalar code.
//
// The names live in an unnamed namespace: each instruction set's files are compiled with flags of
// their own, and the linker must not share one copy among CPUs that cannot run it.
#pragma once

#include <cmath>
#include <cstdint>

namespace octet::kernels {
namespace {

/// Returns clamp(rne(value) + zero_point) to [min, max], integers within [0, 255]. It clamps before
/// it rounds, which gives the same for integer bounds, so that the conversion cannot overflow. A
/// NaN gives min.
inline uint8_t round_to_u8(float value, int32_t zero_point, int32_t min, int32_t max) {
  const float low = static_cast<float>(min - zero_point);
  const float high = static_cast<float>(max - zero_point);
  const float above = value > low ? value : low;
  const float inside = above < high ? above : high;
  return static_cast<uint8_t>(std::lrintf(inside) + zero_point);
}

/// Returns clamp(rne(value * inverse_scale) + zero_point) to [0, 255]; NaN becomes the zero point.
inline uint8_t quantize_one(float value, float inverse_scale, int32_t zero_point) {
  const float scaled = value * inverse_scale;
  return std::isnan(scaled) ? static_cast<uint8_t>(zero_point)
                            : round_to_u8(scaled, zero_point, 0, 255);
}

}  // namespace
}  // namespace octet::kernels
