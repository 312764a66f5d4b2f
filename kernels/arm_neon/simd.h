// 128-bit vectors that any 64-bit Arm CPU has. Pixels have their sign bit flipped, since s8 by s8
// gives products in s16.
#pragma once

#include "kernels/arm/simd128.h"

namespace octet::kernels {
namespace {

struct Simd : Simd128 {
  using Stacks = int8x8_t;  // of four channels
  static Stacks load_stacks(const void* from) { return vld1_s8(static_cast<const int8_t*>(from)); }
  static Int dot(Int sum, Stacks x, const std::byte* w) {
    return vpadalq_s16(sum, vmull_s8(x, load_stacks(w)));
  }
  /// Add the products of one tap, or of two, of eight channels: those of the first four channels to
  /// `low`. A sum of two products fits s16 unless both weights are -128.
  static void dot_pairs(Int& low, Int& high, Int x, Int w) {
    low = vpadalq_s16(low, vmull_s8(vget_low_s8(as_s8(x)), vget_low_s8(as_s8(w))));
    high = vpadalq_s16(high, vmull_high_s8(as_s8(x), as_s8(w)));
  }
  static void dot_pairs(Int& low, Int& high, Int x0, Int w0, Int x1, Int w1) {
    const int16x8_t a = vmull_s8(vget_low_s8(as_s8(x0)), vget_low_s8(as_s8(w0)));
    low = vpadalq_s16(low, vmlal_s8(a, vget_low_s8(as_s8(x1)), vget_low_s8(as_s8(w1))));
    const int16x8_t b = vmull_high_s8(as_s8(x0), as_s8(w0));
    high = vpadalq_s16(high, vmlal_high_s8(b, as_s8(x1), as_s8(w1)));
  }
  using StacksOfRows = PairsOfRows<0x80>;

  static constexpr int dot_values = 4;
  static Int load_weights(const void* from) { return load(from); }
  static Int broadcast_dot(const uint8_t* from) {
    int32_t four_bytes;
    __builtin_memcpy(&four_bytes, from, sizeof(four_bytes));
    return vdupq_n_s32(four_bytes);
  }
  /// 16 products, as in the matrix product: four are summed up in each lane.
  static Int add_dot(Int sum, Int x, Int w) {
    const int16x8_t low = vmull_s8(vget_low_s8(as_s8(x)), vget_low_s8(as_s8(w)));
    return vpadalq_s16(sum, vmlal_high_s8(low, as_s8(x), as_s8(w)));
  }

  /// Heights in pixels of the tiles that have a loop, by width in vectors.
  static constexpr int tile_heights[max_vectors + 1][4] = {{}, {7, 1}, {6, 1}, {5, 1}, {4, 2, 1}};
  static constexpr vector::GemmTraits gemm_traits() {
    return {.lanes = lanes,
            .wide = false,
            .pairs = false,
            .flips = true,
            .dot_bytes = 8,
            .rotated = true,
            .shallow_dots = 0,
            .max_vectors = max_vectors,
            .tile_pixels = {0, 7, 6, 5, 4}};
  }
  static constexpr vector::DepthwiseTraits depthwise_traits() {
    return {.lanes = lanes,
            .wide_weights = false,
            .periods = 1,
            .max_rows = 2,
            .flips = true,
            .stack_rows = 2};
  }
};

}  // namespace
}  // namespace octet::kernels
