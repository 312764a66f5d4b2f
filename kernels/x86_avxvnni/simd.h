// 256-bit vectors with the VEX form of vpdpbusd, which CPUs without AVX-512 have.
#pragma once

#include "kernels/x86_256/simd256.h"

namespace octet::kernels {
namespace {

struct Simd : Simd256 {
  using Stacks = Int;
  using Weights = Int;
  static constexpr int weight_bytes = bytes;
  static Stacks load_stacks(const void* from) { return load(from); }
  static Weights load_stack_weights(const std::byte* from) { return load(from); }
  static Int dot(Int sum, Stacks x, Weights w) { return add_dot(sum, x, w); }
  static Int dot(Int sum, Stacks x, const std::byte* w) {
    asm("%{vex%} vpdpbusd %2, %1, %0"
        : "+x"(sum)
        : "x"(x), "m"(*reinterpret_cast<const __m256i_u*>(w)));
    return sum;
  }

  static constexpr int dot_values = 4;
  static Int add_dot(Int sum, Int x, Int w) {
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(x), "x"(w));
    return sum;
  }
  static constexpr vector::GemmTraits gemm_traits() {
    return {.lanes = lanes,
            .wide = false,
            .pairs = false,
            .shallow_dots = 96,
            .max_vectors = max_vectors,
            .tile_pixels = {0, tile_pixels(1), tile_pixels(2), tile_pixels(3)}};
  }
  static constexpr vector::DepthwiseTraits depthwise_traits() {
    return Simd256::depthwise_traits(false);
  }
};

}  // namespace
}  // namespace octet::kernels
