// 256-bit vectors: all that AVX2 and AVX-VNNI have in common, which is everything but the dot
// product. Same names as in x86_avx512vnni/simd.h, which explains them.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/vector/depthwise_plan.h"
#include "kernels/vector/gemm_plan.h"

namespace octet::kernels {
namespace {

struct Simd256 {
  using Int = __m256i;
  using Float = __m256;
  static constexpr int lanes = 8;
  static constexpr int bytes = 32;

  static Int broadcast_dot(const uint8_t* from) {
    int32_t four_bytes;
    __builtin_memcpy(&four_bytes, from, sizeof(four_bytes));
    return _mm256_set1_epi32(four_bytes);
  }
  static Int load_weights(const void* from) { return load(from); }

  // ---- tiles of the matrix product: 8 to 12 accumulators of 16 registers

  static constexpr int max_vectors = 3;
  static constexpr int max_tile_pixels = 10;
  static constexpr int max_tile_sums = 12;
  static constexpr int tile_pixels(int vectors) { return vectors == 3 ? 4 : vectors == 2 ? 6 : 10; }
  static constexpr int shallow_pairs = 0;  ///< None: 24 channels are three whole vectors.
  /// The pixels of a shallow tile.
  static constexpr int shallow_pixels(int vectors) {
    return vectors == 3 ? 3 : vectors == 2 ? 4 : 8;
  }
  static constexpr vector::DepthwiseTraits depthwise_traits(bool wide_weights) {
    return {.lanes = lanes, .wide_weights = wide_weights, .periods = 2, .max_rows = 2};
  }

  /// Fetches a line into the second-level cache. Any address is allowed.
  static void prefetch(std::uintptr_t address) {
    _mm_prefetch(reinterpret_cast<const char*>(address), _MM_HINT_T1);
  }

  // ---- whole vectors

  static Int zero() { return _mm256_setzero_si256(); }
  static Int load(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
  }
  static void store(void* to, Int x) { _mm256_storeu_si256(static_cast<__m256i*>(to), x); }
  /// Writes the first `count` bytes, at most 32, in pieces, since AVX2 has no masks for bytes.
  static void store_first(void* to, Int x, std::size_t count) {
    auto* at = static_cast<uint8_t*>(to);
    if (count >= bytes) return store(to, x);
    __m128i half = _mm256_castsi256_si128(x);
    if ((count & 16) != 0) {
      store_128(at, half);
      at += 16;
      half = _mm256_extracti128_si256(x, 1);
    }
    if ((count & 8) != 0) {
      store_64(at, half);
      at += 8;
      half = _mm_unpackhi_epi64(half, half);
    }
    uint64_t rest = static_cast<uint64_t>(_mm_cvtsi128_si64(half));
    for (std::size_t i = 0; i < count % 8; ++i, rest >>= 8) at[i] = static_cast<uint8_t>(rest);
  }
  static Float load_float(const float* from) { return _mm256_loadu_ps(from); }
  static void store_float(float* to, Float x) { _mm256_storeu_ps(to, x); }
  static Float set(float x) { return _mm256_set1_ps(x); }
  static Int set_s32(int32_t x) { return _mm256_set1_epi32(x); }
  static Int set_s16(int32_t x) { return _mm256_set1_epi16(static_cast<int16_t>(x)); }
  static Int set_u8(int32_t x) { return _mm256_set1_epi8(static_cast<int8_t>(x)); }

  static Float to_float(Int x) { return _mm256_cvtepi32_ps(x); }
  static Int round(Float x) { return _mm256_cvtps_epi32(x); }
  static Float as_float(Int x) { return _mm256_castsi256_ps(x); }
  static Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float subtract(Float a, Float b) { return _mm256_sub_ps(a, b); }
  static Float min(Float a, Float b) { return _mm256_min_ps(a, b); }
  static Float max(Float a, Float b) { return _mm256_max_ps(a, b); }
  static Float max_finite(Float a, Float b) { return max(a, b); }
  static Float min_finite(Float a, Float b) { return min(a, b); }
  static Float absolute(Float x) { return _mm256_andnot_ps(set(-0.0F), x); }
  /// `x`, with its sign flipped where `sign` has its sign bit set.
  static Float flip_sign(Float x, Float sign) {
    return _mm256_xor_ps(x, _mm256_and_ps(sign, set(-0.0F)));
  }
  static Float fused_multiply_add(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }

  // ---- the pieces of a function: see LayerFunction

  using Pieces = Float;
  using PieceIndex = Int;
  /// The piece of each t within [0, 7]. Added to 2^23, t is rounded to an integer, in the lowest
  /// bits; the others are ignored.
  static PieceIndex piece_index(Float t) { return _mm256_castps_si256(add(t, set(0x1p23F))); }
  static Pieces load_pieces(const float* of_pieces) { return _mm256_loadu_ps(of_pieces); }
  static Float pick(Pieces of_pieces, PieceIndex index) {
    return _mm256_permutevar8x32_ps(of_pieces, index);
  }
  static Float nan_to_zero(Float x) { return _mm256_and_ps(x, _mm256_cmp_ps(x, x, _CMP_ORD_Q)); }
  static Int add_s16(Int a, Int b) { return _mm256_add_epi16(a, b); }
  static Int add_s32(Int a, Int b) { return _mm256_add_epi32(a, b); }
  static Int subtract_s32(Int a, Int b) { return _mm256_sub_epi32(a, b); }

  static Int pack_s16(Int a, Int b) { return _mm256_packs_epi32(a, b); }
  static Int pack_u8(Int a, Int b) { return _mm256_packus_epi16(a, b); }
  static Int add_saturated_s16(Int a, Int b) { return _mm256_adds_epi16(a, b); }
  static Int min_u8(Int a, Int b) { return _mm256_min_epu8(a, b); }
  static Int max_u8(Int a, Int b) { return _mm256_max_epu8(a, b); }
  static Int add_saturated_u8(Int a, Int b) { return _mm256_adds_epu8(a, b); }
  static Int subtract_u8(Int a, Int b) { return _mm256_sub_epi8(a, b); }
  static Int bit_or(Int a, Int b) { return _mm256_or_si256(a, b); }
  /// 16 bytes, in every 128-bit lane.
  static Int broadcast_128(const void* from) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(from)));
  }
  /// In each 128-bit lane: bytes of `from` by the low 4 bits of the index, or 0 where it is
  /// negative.
  static Int shuffle_u8(Int from, Int index) { return _mm256_shuffle_epi8(from, index); }
  static Int unpack_low_u8(Int a, Int b) { return _mm256_unpacklo_epi8(a, b); }
  static Int unpack_high_u8(Int a, Int b) { return _mm256_unpackhi_epi8(a, b); }
  static Int unpack_low_s16(Int a, Int b) { return _mm256_unpacklo_epi16(a, b); }
  static Int unpack_high_s16(Int a, Int b) { return _mm256_unpackhi_epi16(a, b); }

  // ---- the order of bytes

  /// Dwords [2 n + L] -> [4 L + n], and back.
  static Int pack_order(Int x) {
    return _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
  }
  static Int natural_order(Int x) {
    return _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }

  template <int vectors>
  static Int gather_pixels(const uint8_t* const* from) {
    if constexpr (vectors == 3) {
      return _mm256_permutevar8x32_epi32(load(from[0]), _mm256_setr_epi32(0, 1, 2, 7, 3, 4, 5, 7));
    } else if constexpr (vectors == 2) {
      const __m256i x = _mm256_set_m128i(load_128(from[1]), load_128(from[0]));
      return _mm256_permute4x64_epi64(x, 0xD8);
    } else {
      const __m128i low = _mm_unpacklo_epi64(load_64(from[0]), load_64(from[1]));
      const __m128i high = _mm_unpacklo_epi64(load_64(from[2]), load_64(from[3]));
      return pack_order(_mm256_set_m128i(high, low));
    }
  }

  template <int vectors>
  static void scatter_pixels(Int x, uint8_t* const* to, int pixels) {
    if constexpr (vectors == 3) {
      x = _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
      store_128(to[0], _mm256_castsi256_si128(x));
      store_64(to[0] + 16, _mm256_extracti128_si256(x, 1));
    } else if constexpr (vectors == 2) {
      x = _mm256_permute4x64_epi64(x, 0xD8);
      store_128(to[0], _mm256_castsi256_si128(x));
      if (pixels > 1) store_128(to[1], _mm256_extracti128_si256(x, 1));
    } else {
      x = natural_order(x);
      const __m128i low = _mm256_castsi256_si128(x);
      const __m128i high = _mm256_extracti128_si256(x, 1);
      store_64(to[0], low);
      if (pixels > 1) store_64(to[1], _mm_unpackhi_epi64(low, low));
      if (pixels > 2) store_64(to[2], high);
      if (pixels > 3) store_64(to[3], _mm_unpackhi_epi64(high, high));
    }
  }

  /// The bytes go through memory, since AVX2 has no masks for them.
  template <int vectors>
  static void scatter_some(Int x, uint8_t* const* to, int pixels, int channels) {
    constexpr int together = vectors == 1 ? 4 : vectors == 2 ? 2 : 1;
    alignas(32) uint8_t whole[together][vectors * lanes];
    uint8_t* rows[together];
    for (int p = 0; p < together; ++p) rows[p] = whole[p];
    scatter_pixels<vectors>(x, rows, together);
    for (int p = 0; p < pixels; ++p) {
      __builtin_memcpy(to[p], whole[p], static_cast<std::size_t>(channels));
    }
  }

  template <int vectors>
  static void store_lanes(Float x, float* to) {
    _mm_storeu_ps(to, _mm256_castps256_ps128(x));
    _mm_storeu_ps(to + 4 * vectors, _mm256_extractf128_ps(x, 1));
  }

 private:
  static __m128i load_128(const uint8_t* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  }
  static __m128i load_64(const uint8_t* from) {
    return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  }
  static void store_128(uint8_t* to, __m128i x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), x);
  }
  static void store_64(uint8_t* to, __m128i x) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), x);
  }
};

}  // namespace
}  // namespace octet::kernels
