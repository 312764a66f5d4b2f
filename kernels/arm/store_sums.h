// The epilogue for what the loops' own epilogues cannot do: parts of dense layers' tiles, results
// that do not fit s16, bounded residuals, float32. It is small rather than fast.
#pragma once

#include "kernels/kernels.h"

namespace octet::kernels::arm {

/// Where a tile's results go, and what they are computed with.
struct StoreCall {
  int32_t vectors;          ///< Vectors of four channels that a pixel's sums fill.
  int32_t channels;         ///< Channels that exist, at most 4 * vectors.
  std::size_t sums_stride;  ///< Sums from one pixel to the next.
  std::size_t stride;       ///< Values from one pixel to the next, in the output and the residual.
  const float* multiplier;  ///< [4 * vectors]
  const float* rows = nullptr;  ///< Channel rows of the first vector, or null.
  std::size_t rows_stride = 0;  ///< Values from one of these rows to the next.
  uint8_t* output = nullptr;
  float* float_output = nullptr;      ///< Used instead of `output` with ConvOutput::float32.
  const uint8_t* residual = nullptr;  ///< Or null. 16 bytes are read for each pixel.
};

/// Requantizes and stores sums: for each pixel 4 * vectors, call.sums_stride apart.
void store_sums(const ConvParams& params, const StoreCall& call, const int32_t* sums,
                int32_t pixels);

}  // namespace octet::kernels::arm
