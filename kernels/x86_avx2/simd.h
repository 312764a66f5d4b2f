// 256-bit vectors without a dot product of bytes: bytes are widened to s16, and vpmaddwd multiplies
// and adds pairs. vpmaddubsw would take bytes, but its s16 sums saturate.
#pragma once

#include <limits>

#include "kernels/x86_256/simd256.h"

namespace octet::kernels {
namespace {

struct Simd : Simd256 {
  /// Four bytes a lane as two vectors of s16 pairs: bytes 0 and 2, and bytes 1 and 3.
  struct Stacks {
    Int even;
    Int odd;
  };
  using Weights = Stacks;
  static constexpr int weight_bytes = 2 * bytes;
  static Stacks load_stacks(const void* from) { return widen(load(from)); }
  static Weights load_stack_weights(const std::byte* from) {
    return {.even = load(from), .odd = load(from + bytes)};
  }
  static Int dot(Int sum, Stacks x, Weights w) {
    return add_dot(add_dot(sum, x.even, w.even), x.odd, w.odd);
  }
  static Int dot(Int sum, Stacks x, const std::byte* w) {
    // One piece of assembly: with intrinsics g++ 12 loads the weights early, and then has no
    // registers left.
    Int product;
    asm("vpmaddwd %[even_w], %[even], %[product]\n\t"
        "vpaddd %[product], %[sum], %[sum]\n\t"
        "vpmaddwd %[odd_w], %[odd], %[product]\n\t"
        "vpaddd %[product], %[sum], %[sum]"
        : [sum] "+x"(sum), [product] "=&x"(product)
        : [even] "x"(x.even), [odd] "x"(x.odd), [even_w] "m"(*vector_at(w)),
          [odd_w] "m"(*vector_at(w + bytes)));
    return sum;
  }

  /// A dot is two values of a pixel, which were widened before.
  static constexpr int dot_values = 2;
  static Int add_dot(Int sum, Int x, Int w) {
    Int product;
    asm("vpmaddwd %[w], %[x], %[product]\n\t"
        "vpaddd %[product], %[sum], %[sum]"
        : [sum] "+x"(sum), [product] "=&x"(product)
        : [x] "x"(x), [w] "x"(w));
    return sum;
  }
  /// The product takes a register of its own, so no tile is higher than a shallow one.
  static constexpr int tile_pixels(int vectors) { return shallow_pixels(vectors); }
  static constexpr vector::GemmTraits gemm_traits() {
    return {.lanes = lanes,
            .wide = true,
            .pairs = false,
            .shallow_dots = std::numeric_limits<int32_t>::max(),
            .max_vectors = max_vectors,
            .tile_pixels = {0, tile_pixels(1), tile_pixels(2), tile_pixels(3)}};
  }
  static constexpr vector::DepthwiseTraits depthwise_traits() {
    return Simd256::depthwise_traits(true);
  }

 private:
  static const __m256i_u* vector_at(const std::byte* from) {
    return reinterpret_cast<const __m256i_u*>(from);
  }
  static Stacks widen(Int stacks) {
    return {.even = _mm256_and_si256(stacks, _mm256_set1_epi16(0xFF)),
            .odd = _mm256_srli_epi16(stacks, 8)};
  }
};

}  // namespace
}  // namespace octet::kernels
