// Rows of an image with their padding written out.
#pragma once

#if defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernels/kernels.h"

namespace octet::kernels::vector {

/// Some rows of a padded image. Each begins pad_left columns before the image's first column.
struct BandRows {
  int32_t first;  ///< A row of the image; may lie outside of it.
  int32_t count;
  std::size_t values;  ///< Values in a row, padding included.
};

/// Copies `count` bytes with the bits of `flip` flipped. Returns the address behind the copy.
template <uint8_t flip>
inline uint8_t* copy_flipped(const uint8_t* from, std::size_t count, uint8_t* to) {
  const uint8_t* const end = from + count;
#if defined(__ARM_NEON)
  // 64 bytes take one load and one store. Compilers turn a plain loop into as much bookkeeping as
  // copying.
  for (const uint8_t* const last = end - count % 64; from != last; from += 64, to += 64) {
    uint8x16x4_t four = vld1q_u8_x4(from);
#pragma GCC unroll 4
    for (uint8x16_t& bytes : four.val) bytes = veorq_u8(bytes, vdupq_n_u8(flip));
    vst1q_u8_x4(to, four);
  }
#endif
  while (from != end) *to++ = static_cast<uint8_t>(*from++ ^ flip);
  return to;
}

/// Writes padding of `values` values, from the first channel of a pixel on. Returns the address
/// behind it.
template <class Value, uint8_t flip>
inline Value* fill_padding(const ConvParams& params, std::size_t values, Value* to) {
  if (params.input_zero_points == nullptr)
    return std::fill_n(to, values, static_cast<Value>(params.input_zero_point ^ flip));
  const auto channels = static_cast<std::size_t>(params.geometry.input_channels);
  Value* const end = to + values;
  while (to != end) {
    // The last pixel may be cut off.
    const std::size_t count = std::min(channels, static_cast<std::size_t>(end - to));
    for (std::size_t c = 0; c < count; ++c)
      *to++ = static_cast<Value>(params.input_zero_points[c] ^ flip);
  }
  return to;
}

/// Writes the rows one after the other, as u8 or widened, with the bits of `flip` flipped. Padding
/// and rows outside of the image become z_x.
template <class Value, uint8_t flip>
void copy_band(const ConvParams& params, const uint8_t* image, const BandRows& rows, Value* band) {
  const ConvGeometry& g = params.geometry;
  const auto channels = static_cast<std::size_t>(g.input_channels);
  const std::size_t left =
      std::min(static_cast<std::size_t>(g.window.pad_left) * channels, rows.values);
  const std::size_t image_values = static_cast<std::size_t>(g.input_w) * channels;
  const std::size_t inside = std::min(image_values, rows.values - left);
  const std::size_t right = rows.values - left - inside;
  for (int32_t row = rows.first; row < rows.first + rows.count; ++row) {
    if (row < 0 || row >= g.input_h) {
      band = fill_padding<Value, flip>(params, rows.values, band);
      continue;
    }
    band = fill_padding<Value, flip>(params, left, band);
    const uint8_t* values = image + static_cast<std::size_t>(row) * image_values;
    if constexpr (flip == 0) {
      band = std::copy(values, values + inside, band);
    } else {
      band = copy_flipped<flip>(values, inside, band);
    }
    band = fill_padding<Value, flip>(params, right, band);
  }
}

}  // namespace octet::kernels::vector
