// The epilogue for what the loops' own ones leave: parts of dense layers' tiles, results that do
// not fit s16, bounded residuals, float32. Small rather than fast.
#pragma once

#include "kernels/kernels.h"

namespace octet::kernels::arm {

/// Where a tile's results go, and what they are made with.
struct StoreCall {
  int32_t vectors;          ///< A pixel's sums fill so many vectors of four channels each.
  int32_t channels;         ///< So many of those channels exist: 4 * vectors or fewer.
  std::size_t stride;       ///< Values from a pixel to the next, in the output and the residual.
  const float* multiplier;  ///< [4 * vectors]
  uint8_t* output = nullptr;
  float* float_output = nullptr;      ///< Instead, with ConvOutput::float32.
  const uint8_t* residual = nullptr;  ///< Or null. 16 bytes a pixel are read.
};

/// sums: int32_t [pixels][4 * vectors].
void store_sums(const ConvParams& params, const StoreCall& call, const int32_t* sums,
                int32_t pixels);

}  // namespace octet::kernels::arm
