// 256-bit vectors without a dot product of bytes: they are widened to s16, and vpmaddwd multiplies
// and adds pairs. vpmaddubsw would take bytes, but its s16 sums saturate.
#pragma once

#include "kernels/x86/simd256.h"

namespace octet::kernels {
namespace {

struct Simd : Simd256 {
  /// Four bytes a lane as two vectors of s16 pairs: bytes 0 and 2, and bytes 1 and 3.
  struct Quads {
    Int even;
    Int odd;
  };
  using Weights = const std::byte*;
  static constexpr int weight_bytes = 2 * bytes;
  static Weights load_weights(const std::byte* from) { return from; }
  static Quads load_quads(const void* from) { return widen(load(from)); }
  static Quads broadcast_quad(const uint8_t* from) { return widen(broadcast_dword(from)); }
  static Int dot(Int sum, Quads x, const std::byte* w) {
    const Int even = _mm256_madd_epi16(x.even, load(w));
    const Int odd = _mm256_madd_epi16(x.odd, load(w + bytes));
    return add_s32(sum, add_s32(even, odd));
  }
  static constexpr x86::GemmTraits gemm_traits() { return Simd256::gemm_traits(true); }
  static constexpr x86::DepthwiseTraits depthwise_traits() {
    return Simd256::depthwise_traits(true);
  }

 private:
  static Quads widen(Int quads) {
    return {.even = _mm256_and_si256(quads, _mm256_set1_epi16(0xFF)),
            .odd = _mm256_srli_epi16(quads, 8)};
  }
};

}  // namespace
}  // namespace octet::kernels
