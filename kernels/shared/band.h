// Part of an image with its padding written out.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/kernels.h"

namespace octet::kernels::shared {

/// Rows of an image, from pad_left columns before its first column on.
struct BandRows {
  int32_t first;  ///< Of the image; may lie outside of it.
  int32_t count;
  std::size_t values;  ///< A row's, padding included.
};

/// Writes the rows one after the other, with z_x where the image has none, as u8 or widened, and
/// with the bits of `flip` flipped.
template <class Value, uint8_t flip>
void copy_band(const ConvParams& params, const uint8_t* image, const BandRows& rows, Value* band) {
  const ConvGeometry& g = params.geometry;
  const auto channels = static_cast<std::size_t>(g.input_channels);
  const std::size_t left =
      std::min(static_cast<std::size_t>(g.window.pad_left) * channels, rows.values);
  const std::size_t image_values = static_cast<std::size_t>(g.input_w) * channels;
  const std::size_t inside = std::min(image_values, rows.values - left);
  const std::size_t right = rows.values - left - inside;
  const auto zero_point = static_cast<Value>(params.input_zero_point ^ flip);
  for (int32_t row = rows.first; row < rows.first + rows.count; ++row) {
    if (row < 0 || row >= g.input_h) {
      band = std::fill_n(band, rows.values, zero_point);
      continue;
    }
    band = std::fill_n(band, left, zero_point);
    const uint8_t* values = image + static_cast<std::size_t>(row) * image_values;
    if constexpr (flip == 0) {
      band = std::copy(values, values + inside, band);
    } else {
      band = std::transform(values, values + inside, band,
                            [](uint8_t x) { return static_cast<Value>(x ^ flip); });
    }
    band = std::fill_n(band, right, zero_point);
  }
}

}  // namespace octet::kernels::shared
