// 512-bit vectors with vpdpbusd: the Simd of the templates in kernels/vector and kernels/x86.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/vector/depthwise_plan.h"
#include "kernels/vector/gemm_plan.h"

namespace octet::kernels {
namespace {

struct Simd {
  using Int = __m512i;
  using Float = __m512;
  static constexpr int lanes = 16;
  static constexpr int bytes = 64;

  // ---- dot products of four bytes

  using Stacks = Int;
  using Weights = Int;
  static constexpr int weight_bytes = bytes;
  static Stacks load_stacks(const void* from) { return _mm512_loadu_si512(from); }
  static Weights load_stack_weights(const std::byte* from) { return load(from); }
  static Int dot(Int sum, Stacks x, Weights w) { return add_dot(sum, x, w); }
  static Int dot(Int sum, Stacks x, const std::byte* w) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "m"(*reinterpret_cast<const Int*>(w)));
    return sum;
  }

  // ---- a dot: four bytes of a pixel, for all lanes

  static constexpr int dot_values = 4;
  static Int load_weights(const void* from) { return _mm512_load_si512(from); }
  static Int broadcast_dot(const uint8_t* from) {
    int32_t four_bytes;
    __builtin_memcpy(&four_bytes, from, sizeof(four_bytes));
    return _mm512_set1_epi32(four_bytes);
  }
  /// Written as assembly: with _mm512_dpbusd_epi32, g++ 12 keeps an array of accumulators in
  /// memory.
  static Int add_dot(Int sum, Int x, Int w) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
    return sum;
  }

  // ---- tiles of the matrix product: 32 registers hold the accumulators, a vector of weights for
  // each vector of a tile's width, and one of pixels. The pointers to the pixels fit the integer
  // registers.

  static constexpr int max_vectors = 4;
  static constexpr int max_tile_pixels = 10;
  static constexpr int max_tile_sums = 24;
  static constexpr int tile_pixels(int vectors) { return vectors == 4 ? 6 : vectors == 3 ? 8 : 10; }
  /// The pixels of a shallow tile.
  static constexpr int shallow_pixels(int vectors) {
    return vectors == 4 ? 3 : vectors == 3 ? 4 : vectors == 2 ? 6 : 8;
  }
  static constexpr int shallow_pairs = 4;
  static constexpr vector::GemmTraits gemm_traits() {
    return {.lanes = lanes,
            .wide = false,
            .pairs = true,
            .shallow_dots = 96,
            .max_vectors = max_vectors,
            .tile_pixels = {0, tile_pixels(1), tile_pixels(2), tile_pixels(3), tile_pixels(4)}};
  }

  static constexpr vector::DepthwiseTraits depthwise_traits() {
    return {.lanes = lanes, .wide_weights = false, .periods = 1, .max_rows = 4};
  }

  /// Fetches a line into the second-level cache. Any address is allowed.
  static void prefetch(std::uintptr_t address) {
    _mm_prefetch(reinterpret_cast<const char*>(address), _MM_HINT_T1);
  }

  // ---- whole vectors

  static Int zero() { return _mm512_setzero_si512(); }
  static Int load(const void* from) { return _mm512_loadu_si512(from); }
  static void store(void* to, Int x) { _mm512_storeu_si512(to, x); }
  /// Writes the first `count` bytes, at most 64.
  static void store_first(void* to, Int x, std::size_t count) {
    _mm512_mask_storeu_epi8(to, count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1, x);
  }
  static Float load_float(const float* from) { return _mm512_loadu_ps(from); }
  static void store_float(float* to, Float x) { _mm512_storeu_ps(to, x); }
  static Float set(float x) { return _mm512_set1_ps(x); }
  static Int set_s32(int32_t x) { return _mm512_set1_epi32(x); }
  static Int set_s16(int32_t x) { return _mm512_set1_epi16(static_cast<int16_t>(x)); }
  static Int set_u8(int32_t x) { return _mm512_set1_epi8(static_cast<int8_t>(x)); }

  static Float to_float(Int x) { return _mm512_cvtepi32_ps(x); }
  static Int round(Float x) { return _mm512_cvtps_epi32(x); }
  static Float as_float(Int x) { return _mm512_castsi512_ps(x); }
  static Float multiply(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float subtract(Float a, Float b) { return _mm512_sub_ps(a, b); }
  static Float min(Float a, Float b) { return _mm512_min_ps(a, b); }
  static Float max(Float a, Float b) { return _mm512_max_ps(a, b); }
  static Float max_finite(Float a, Float b) { return max(a, b); }
  static Float min_finite(Float a, Float b) { return min(a, b); }
  static Float absolute(Float x) { return _mm512_andnot_ps(set(-0.0F), x); }
  static Float flip_sign(Float x, Float sign) {
    return _mm512_xor_ps(x, _mm512_and_ps(sign, set(-0.0F)));
  }
  static Float fused_multiply_add(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }

  // ---- the pieces of a function: see LayerFunction

  using Pieces = Float;
  using PieceIndex = Int;
  static PieceIndex piece_index(Float t) { return _mm512_castps_si512(add(t, set(0x1p23F))); }
  static Pieces load_pieces(const float* of_pieces) {
    return _mm512_broadcast_f32x8(_mm256_loadu_ps(of_pieces));
  }
  static Float pick(Pieces of_pieces, PieceIndex index) {
    return _mm512_permutexvar_ps(index, of_pieces);
  }

  static Float nan_to_zero(Float x) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, x, _CMP_ORD_Q), x);
  }
  static Int add_s16(Int a, Int b) { return _mm512_add_epi16(a, b); }
  static Int add_s32(Int a, Int b) { return _mm512_add_epi32(a, b); }
  static Int subtract_s32(Int a, Int b) { return _mm512_sub_epi32(a, b); }

  static Int pack_s16(Int a, Int b) { return _mm512_packs_epi32(a, b); }
  static Int pack_u8(Int a, Int b) { return _mm512_packus_epi16(a, b); }
  static Int add_saturated_s16(Int a, Int b) { return _mm512_adds_epi16(a, b); }
  static Int min_u8(Int a, Int b) { return _mm512_min_epu8(a, b); }
  static Int max_u8(Int a, Int b) { return _mm512_max_epu8(a, b); }
  static Int add_saturated_u8(Int a, Int b) { return _mm512_adds_epu8(a, b); }
  static Int subtract_u8(Int a, Int b) { return _mm512_sub_epi8(a, b); }
  static Int bit_or(Int a, Int b) { return _mm512_or_si512(a, b); }
  /// 16 bytes, in every 128-bit lane.
  static Int broadcast_128(const void* from) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(static_cast<const __m128i*>(from)));
  }
  /// In each 128-bit lane: bytes of `from` by the low 4 bits of the index, or 0 where it is
  /// negative.
  static Int shuffle_u8(Int from, Int index) { return _mm512_shuffle_epi8(from, index); }
  static Int unpack_low_u8(Int a, Int b) { return _mm512_unpacklo_epi8(a, b); }
  static Int unpack_high_u8(Int a, Int b) { return _mm512_unpackhi_epi8(a, b); }
  static Int unpack_low_s16(Int a, Int b) { return _mm512_unpacklo_epi16(a, b); }
  static Int unpack_high_s16(Int a, Int b) { return _mm512_unpackhi_epi16(a, b); }

  // ---- the order of bytes

  /// Turns the natural order into pack order (see Requantizer::pack), and back: dwords [4 n + L]
  /// <-> [4 L + n].
  static Int pack_order(Int x) {
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), x);
  }
  static Int natural_order(Int x) { return pack_order(x); }

  /// Loads as many pixels of `vectors` vectors each as fill a vector of bytes, in pack order.
  template <int vectors>
  static Int gather_pixels(const uint8_t* const* from) {
    if constexpr (vectors == 4) {
      return load(from[0]);
    } else if constexpr (vectors == 3) {
      return _mm512_permutexvar_epi32(
          _mm512_setr_epi32(0, 1, 2, 15, 3, 4, 5, 15, 6, 7, 8, 15, 9, 10, 11, 15), load(from[0]));
    } else if constexpr (vectors == 2) {
      const __m512i first = _mm512_castsi256_si512(load_256(from[0]));
      return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7),
                                      _mm512_inserti64x4(first, load_256(from[1]), 1));
    } else {
      __m512i x = _mm512_castsi128_si512(load_128(from[0]));
      x = _mm512_inserti32x4(x, load_128(from[1]), 1);
      x = _mm512_inserti32x4(x, load_128(from[2]), 2);
      x = _mm512_inserti32x4(x, load_128(from[3]), 3);
      return pack_order(x);
    }
  }

  /// The reverse of gather_pixels: writes all bytes of the first `pixels` pixels.
  template <int vectors>
  static void scatter_pixels(Int x, uint8_t* const* to, int pixels) {
    if constexpr (vectors == 4) {
      store(to[0], x);
    } else if constexpr (vectors == 3) {
      x = _mm512_permutexvar_epi32(
          _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15), x);
      store_256(to[0], _mm512_castsi512_si256(x));
      store_128(to[0] + 32, _mm512_extracti32x4_epi32(x, 2));
    } else if constexpr (vectors == 2) {
      x = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), x);
      store_256(to[0], _mm512_castsi512_si256(x));
      if (pixels > 1) store_256(to[1], _mm512_extracti64x4_epi64(x, 1));
    } else {
      x = natural_order(x);
      store_128(to[0], _mm512_castsi512_si128(x));
      if (pixels > 1) store_128(to[1], _mm512_extracti32x4_epi32(x, 1));
      if (pixels > 2) store_128(to[2], _mm512_extracti32x4_epi32(x, 2));
      if (pixels > 3) store_128(to[3], _mm512_extracti32x4_epi32(x, 3));
    }
  }

  /// Loads two pixels of up to 24 channels for three vectors: channels 0 to 15 of the first, 0 to
  /// 15 of the second, and 16 to 23 of both.
  static Int gather_pair(const uint8_t* first, const uint8_t* second) {
    const __m512i x =
        _mm512_inserti64x4(_mm512_castsi256_si512(load_256(first)), load_256(second), 1);
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 8, 4, 4, 1, 9, 5, 5, 2, 10, 12, 12, 3, 11, 13, 13), x);
  }
  /// The reverse of gather_pair: writes `channels` bytes of the pixel at `to` and, with
  /// `has_second`, of the one `stride` bytes further.
  static void scatter_pair(Int x, uint8_t* to, std::size_t stride, int channels, bool has_second) {
    x = _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 4, 8, 12, 2, 6, 1, 5, 9, 13, 10, 14, 15, 15, 15, 15), x);
    constexpr int whole = 24;
    if (stride == whole && has_second) {
      store_256(to, _mm512_castsi512_si256(x));
      store_128(to + 32, _mm512_extracti32x4_epi32(x, 2));
      return;
    }
    const __mmask64 bytes = (__mmask64{1} << channels) - 1;
    _mm512_mask_storeu_epi8(to, bytes, x);
    // Only bytes in the mask are written, so the address may be before the output's begin.
    if (has_second) _mm512_mask_storeu_epi8(to + stride - whole, bytes << whole, x);
  }

  /// The same as scatter_pixels, but only the first `channels` bytes of each pixel.
  template <int vectors>
  static void scatter_some(Int x, uint8_t* const* to, int pixels, int channels) {
    const __mmask64 mask = (__mmask64{1} << channels) - 1;
    if constexpr (vectors == 4) {
      _mm512_mask_storeu_epi8(to[0], mask, x);
    } else if constexpr (vectors == 3) {
      x = _mm512_permutexvar_epi32(
          _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15), x);
      _mm512_mask_storeu_epi8(to[0], mask, x);
    } else if constexpr (vectors == 2) {
      x = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), x);
      const auto half = static_cast<__mmask32>(mask);
      _mm256_mask_storeu_epi8(to[0], half, _mm512_castsi512_si256(x));
      if (pixels > 1) _mm256_mask_storeu_epi8(to[1], half, _mm512_extracti64x4_epi64(x, 1));
    } else {
      x = natural_order(x);
      const auto quarter = static_cast<__mmask16>(mask);
      _mm_mask_storeu_epi8(to[0], quarter, _mm512_castsi512_si128(x));
      if (pixels > 1) _mm_mask_storeu_epi8(to[1], quarter, _mm512_extracti32x4_epi32(x, 1));
      if (pixels > 2) _mm_mask_storeu_epi8(to[2], quarter, _mm512_extracti32x4_epi32(x, 2));
      if (pixels > 3) _mm_mask_storeu_epi8(to[3], quarter, _mm512_extracti32x4_epi32(x, 3));
    }
  }

  /// Writes each 128-bit lane L to to[4 * vectors * L].
  template <int vectors>
  static void store_lanes(Float x, float* to) {
    _mm_storeu_ps(to, _mm512_castps512_ps128(x));
    _mm_storeu_ps(to + 4 * vectors, _mm512_extractf32x4_ps(x, 1));
    _mm_storeu_ps(to + 8 * vectors, _mm512_extractf32x4_ps(x, 2));
    _mm_storeu_ps(to + 12 * vectors, _mm512_extractf32x4_ps(x, 3));
  }

 private:
  static __m256i load_256(const uint8_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  }
  static void store_256(uint8_t* to, __m256i x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), x);
  }
  static void store_128(uint8_t* to, __m128i x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), x);
  }
  static __m128i load_128(const uint8_t* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  }
};

}  // namespace
}  // namespace octet::kernels
