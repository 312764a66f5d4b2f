// 128-bit vectors with the dot products and matrix products of u8 by s8.
#pragma once

#include "kernels/arm/simd128.h"

namespace octet::kernels {
namespace {

struct Simd : Simd128 {
  using Stacks = Int;
  static Stacks load_stacks(const void* from) { return load(from); }
  /// Written as assembly: with the intrinsic g++ 12 copies sums from register to register.
  static Int dot(Int sum, Int x, Int w) {
    asm("usdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(x), "w"(w));
    return sum;
  }
  static Int dot(Int sum, Int x, const std::byte* w) { return dot(sum, x, load(w)); }
  using StacksOfRows = InterleavedRows<0>;

  /// A dot is 8 bytes of two pixels by 8 of two channels: 8 products in each lane.
  static constexpr int dot_values = 8;
  static Int load_weights(const void* from) { return load(from); }
  static Int broadcast_dot(const uint8_t* from) {
    int32_t four_bytes;
    __builtin_memcpy(&four_bytes, from, sizeof(four_bytes));
    return vdupq_n_s32(four_bytes);
  }
  static Int add_dot(Int sum, Int x, Int w) { return vusmmlaq_s32(sum, as_u8(x), as_s8(w)); }

  /// Heights in pixels of the tiles that have a loop, by width in vectors.
  static constexpr int tile_heights[max_vectors + 1][4] = {{}, {8, 2}, {8, 2}, {6, 2}, {6, 4, 2}};
  static constexpr vector::GemmTraits gemm_traits() {
    return {.lanes = lanes,
            .wide = false,
            .pairs = false,
            .flips = false,
            .dot_bytes = dot_values,
            .shallow_dots = 0,
            .max_vectors = max_vectors,
            .tile_pixels = {0, 8, 8, 6, 6}};
  }
  static constexpr vector::DepthwiseTraits depthwise_traits() {
    return {.lanes = lanes, .wide_weights = false, .periods = 1, .max_rows = 4, .flips = false};
  }
};

}  // namespace
}  // namespace octet::kernels
