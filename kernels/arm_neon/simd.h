// 128-bit vectors of any 64-bit Arm CPU. Pixels have their sign bit flipped, since products of s8
// widen to s16.
#pragma once

#include "kernels/arm/simd128.h"

namespace octet::kernels {
namespace {

struct Simd : Simd128 {
  using Quads = Int;
  using Weights = Int;
  static constexpr int weight_bytes = bytes;
  static Quads load_quads(const void* from) { return load(from); }
  static Weights load_quad_weights(const std::byte* from) { return load(from); }
  /// Pairs of products are added up in s32, where they cannot overflow, so that a lane's sum is
  /// that of two neighbours here: of lanes 0 and 1, and of 2 and 3.
  struct Sum {
    Int low;
    Int high;
  };
  static Sum begin_sum(Int bias) {
    return {.low = vzip1q_s32(bias, zero()), .high = vzip2q_s32(bias, zero())};
  }
  static Int total(const Sum& sum) { return vpaddq_s32(sum.low, sum.high); }
  static Sum dot(const Sum& sum, Quads x, Weights w) {
    const int16x8_t low = vmull_s8(vget_low_s8(as_s8(x)), vget_low_s8(as_s8(w)));
    const int16x8_t high = vmull_high_s8(as_s8(x), as_s8(w));
    return {.low = vpadalq_s16(sum.low, low), .high = vpadalq_s16(sum.high, high)};
  }
  static Sum dot(const Sum& sum, Quads x, const std::byte* w) { return dot(sum, x, load(w)); }
  /// Two dot products, whose sums of two products fit s16 where not both weights are -128.
  static Sum dot_two(const Sum& sum, Quads x0, Weights w0, Quads x1, Weights w1) {
    const int16x8_t low = vmull_s8(vget_low_s8(as_s8(x0)), vget_low_s8(as_s8(w0)));
    const int16x8_t high = vmull_high_s8(as_s8(x0), as_s8(w0));
    return {
        .low = vpadalq_s16(sum.low, vmlal_s8(low, vget_low_s8(as_s8(x1)), vget_low_s8(as_s8(w1)))),
        .high = vpadalq_s16(sum.high, vmlal_high_s8(high, as_s8(x1), as_s8(w1)))};
  }
  using QuadsOfRows = InterleavedRows<0x80>;

  static constexpr int step_values = 4;
  static Int load_weights(const void* from) { return load(from); }
  static Int broadcast_step(const uint8_t* from) {
    int32_t step;
    __builtin_memcpy(&step, from, sizeof(step));
    return vdupq_n_s32(step);
  }
  /// As the matrix product does it: 16 products, four of which are summed up in a lane.
  static Int dot_step(Int sum, Int x, Int w) {
    const int16x8_t low = vmull_s8(vget_low_s8(as_s8(x)), vget_low_s8(as_s8(w)));
    return vpadalq_s16(sum, vmlal_high_s8(low, as_s8(x), as_s8(w)));
  }

  /// Heights of tiles that there are loops for, by width in vectors.
  static constexpr int tile_heights[max_vectors + 1][4] = {{}, {7, 1}, {6, 1}, {5, 1}, {4, 2, 1}};
  static constexpr shared::GemmTraits gemm_traits() {
    return {.lanes = lanes,
            .wide = false,
            .pairs = false,
            .flips = true,
            .step_bytes = 8,
            .rotated = true,
            .shallow_steps = 0,
            .max_vectors = max_vectors,
            .tile_pixels = {0, 7, 6, 5, 4}};
  }
  static constexpr shared::DepthwiseTraits depthwise_traits() {
    return {.lanes = lanes, .wide_weights = false, .blocks = 1, .max_rows = 4, .flips = true};
  }
};

}  // namespace
}  // namespace octet::kernels
