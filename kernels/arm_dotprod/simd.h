// 128-bit vectors with sdot, for which pixels have their sign bit flipped.
#pragma once

#include "kernels/arm/simd128.h"

namespace octet::kernels {
namespace {

struct Simd : Simd128 {
  using Stacks = Int;
  static Stacks load_stacks(const void* from) { return load(from); }
  /// Written as assembly: with the intrinsic g++ 12 copies sums from register to register.
  static Int dot(Int sum, Int x, Int w) {
    asm("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(x), "w"(w));
    return sum;
  }
  static Int dot(Int sum, Int x, const std::byte* w) { return dot(sum, x, load(w)); }
  using StacksOfRows = InterleavedRows<0x80>;

  static constexpr int dot_values = 4;
  static Int load_weights(const void* from) { return load(from); }
  static Int broadcast_dot(const uint8_t* from) {
    int32_t four_bytes;
    __builtin_memcpy(&four_bytes, from, sizeof(four_bytes));
    return vdupq_n_s32(four_bytes);
  }
  static Int add_dot(Int sum, Int x, Int w) { return dot(sum, x, w); }

  /// Heights in pixels of the tiles that have a loop, by width in vectors.
  static constexpr int tile_heights[max_vectors + 1][4] = {
      {}, {8, 1}, {8, 1}, {7, 1}, {6, 5, 3, 1}};
  static constexpr vector::GemmTraits gemm_traits() {
    return {.lanes = lanes,
            .wide = false,
            .pairs = false,
            .flips = true,
            .shallow_dots = 0,
            .max_vectors = max_vectors,
            .tile_pixels = {0, 8, 8, 7, 6}};
  }
  static constexpr vector::DepthwiseTraits depthwise_traits() {
    return {.lanes = lanes, .wide_weights = false, .periods = 1, .max_rows = 4, .flips = true};
  }
};

}  // namespace
}  // namespace octet::kernels
