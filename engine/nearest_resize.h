// Nearest resizing by any ratio, one pixel at a time. Strided copies would not do: if the two sizes
// have no common divisor, each pixel would need a copy of its own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace octet {

/// Position i along an axis of the output reads position floor(i * in / out) of the input.
struct NearestResize {
  int64_t images = 1;
  int64_t input_h = 1;
  int64_t input_w = 1;
  int64_t output_h = 1;
  int64_t output_w = 1;
  std::size_t pixel_bytes = 1;  ///< The bytes of all channels of a pixel.

  std::size_t rows() const { return static_cast<std::size_t>(images * output_h); }
  std::size_t output_bytes() const {
    return rows() * static_cast<std::size_t>(output_w) * pixel_bytes;
  }
};

/// Writes rows [begin, end) of the images * output_h rows of the output. Allocates nothing.
void resize_nearest(const NearestResize& resize, const std::byte* input, std::byte* output,
                    kernels::Range rows);

}  // namespace octet
