// 256-bit vectors with the VEX form of vpdpbusd, which CPUs without AVX-512 have.
#pragma once

#include "kernels/x86/simd256.h"

namespace octet::kernels {
namespace {

struct Simd : Simd256 {
  using Weights = Int;
  using Quads = Int;
  static constexpr int weight_bytes = bytes;
  static Weights load_weights(const void* from) { return load(from); }
  static Quads load_quads(const void* from) { return load(from); }
  static Quads broadcast_quad(const uint8_t* from) { return broadcast_dword(from); }
  static Int dot(Int sum, Quads x, Weights w) {
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(x), "x"(w));
    return sum;
  }
  static Int dot(Int sum, Quads x, const std::byte* w) {
    asm("%{vex%} vpdpbusd %2, %1, %0"
        : "+x"(sum)
        : "x"(x), "m"(*reinterpret_cast<const __m256i_u*>(w)));
    return sum;
  }
  static constexpr x86::GemmTraits gemm_traits() { return Simd256::gemm_traits(false); }
  static constexpr x86::DepthwiseTraits depthwise_traits() {
    return Simd256::depthwise_traits(false);
  }
};

}  // namespace
}  // namespace octet::kernels
