// The largest or smallest values along an axis, in order, and where they were.
#pragma once

#include "kernels/kernels.h"

namespace octet {

/// A tensor as [outer][extent][inner], of which `k` values along the middle axis are wanted.
struct TopKParams {
  std::size_t value_bytes = 1;  ///< 1: u8; 4: float32
  bool largest = true;          ///< Else the smallest.
  std::size_t k = 1;            ///< At most `extent`.
  std::size_t extent = 1;
  std::size_t inner = 1;
};

/// Writes the values and their places along the axis, [outer][k][inner] each, for `rows` of outer *
/// inner. Of equal values the one at the lower place comes first; NaN is above all numbers
/// (docs/quantization.md).
void select_top_k(const TopKParams& params, const void* x, void* values, int32_t* places,
                  kernels::Range rows);

}  // namespace octet
