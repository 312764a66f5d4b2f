// 128-bit vectors: the Simd of the templates in kernels/vector, without the dot products, which
// each instruction set adds.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/vector/depthwise_plan.h"
#include "kernels/vector/gemm_plan.h"

namespace octet::kernels {
namespace {

struct Simd128 {
  using Int = int32x4_t;
  using Float = float32x4_t;
  static constexpr int lanes = 4;
  static constexpr int bytes = 16;

  static constexpr int max_vectors = 4;

  /// Fetches a line into the second-level cache. Any address is allowed.
  static void prefetch(const std::byte* from) { __builtin_prefetch(from, 0, 2); }

  // ---- functions of one u8 value as tables of 256 bytes

  /// Every byte is looked up in the four quarters of the table. Where it is beyond a quarter's
  /// range, tbx leaves what was found before.
  static void look_up(const uint8_t* table, const uint8_t* input, uint8_t* output,
                      std::size_t count) {
    uint8x16x4_t quarters[4];
    for (int q = 0; q < 4; ++q) {
      for (int i = 0; i < 4; ++i) quarters[q].val[i] = vld1q_u8(table + q * 64 + i * 16);
    }
    const uint8x16_t quarter = vdupq_n_u8(64);
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16) {
      uint8x16_t index = vld1q_u8(input + i);
      uint8x16_t found = vqtbl4q_u8(quarters[0], index);
      for (int q = 1; q < 4; ++q) {
        index = vsubq_u8(index, quarter);
        found = vqtbx4q_u8(found, quarters[q], index);
      }
      vst1q_u8(output + i, found);
    }
    for (; i < count; ++i) output[i] = table[input[i]];
  }

  // ---- whole vectors

  /// Returns `x`, of which the compiler then knows nothing. Otherwise it would compute what several
  /// cases have in common before the case is known, and have no registers for it.
  static Int opaque(Int x) {
    asm volatile("" : "+w"(x));
    return x;
  }
  static Int zero() { return vdupq_n_s32(0); }
  static Int load(const void* from) { return from_u8(vld1q_u8(static_cast<const uint8_t*>(from))); }
  static void store(void* to, Int x) { vst1q_u8(static_cast<uint8_t*>(to), as_u8(x)); }
  /// Writes the first `count` bytes, at most 16.
  static void store_first(void* to, Int x, std::size_t count) {
    if (count >= bytes) return store(to, x);
    auto* at = static_cast<uint8_t*>(to);
    uint64_t rest = vgetq_lane_u64(vreinterpretq_u64_s32(x), 0);
    if ((count & 8) != 0) {
      __builtin_memcpy(at, &rest, 8);
      at += 8;
      rest = vgetq_lane_u64(vreinterpretq_u64_s32(x), 1);
    }
    if ((count & 4) != 0) {
      const auto four = static_cast<uint32_t>(rest);
      __builtin_memcpy(at, &four, 4);
      at += 4;
      rest >>= 32;
    }
    for (std::size_t i = 0; i < count % 4; ++i, rest >>= 8) at[i] = static_cast<uint8_t>(rest);
  }
  static Float load_float(const float* from) { return vld1q_f32(from); }
  static void store_float(float* to, Float x) { vst1q_f32(to, x); }
  static Float set(float x) { return vdupq_n_f32(x); }
  static Int set_s32(int32_t x) { return vdupq_n_s32(x); }
  static Int set_s16(int32_t x) { return from_s16(vdupq_n_s16(static_cast<int16_t>(x))); }
  static Int set_u8(int32_t x) { return from_u8(vdupq_n_u8(static_cast<uint8_t>(x))); }

  static Float to_float(Int x) { return vcvtq_f32_s32(x); }
  static Int round(Float x) { return vcvtnq_s32_f32(x); }
  static Float as_float(Int x) { return vreinterpretq_f32_s32(x); }
  static Int as_int(Float x) { return vreinterpretq_s32_f32(x); }
  static Float multiply(Float a, Float b) { return vmulq_f32(a, b); }
  static Float add(Float a, Float b) { return vaddq_f32(a, b); }
  static Float subtract(Float a, Float b) { return vsubq_f32(a, b); }
  // These return the second operand where neither is larger, as on x86. fmin and fmax would order
  // -0 and 0, and would return a NaN of either operand.
  static Float min(Float a, Float b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
  static Float max(Float a, Float b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
  /// For operands that are no NaN, where it does not matter which zero is the larger.
  static Float max_finite(Float a, Float b) { return vmaxq_f32(a, b); }
  static Float min_finite(Float a, Float b) { return vminq_f32(a, b); }
  static Float absolute(Float x) { return vabsq_f32(x); }
  static Float flip_sign(Float x, Float sign) {
    const Int bit = vandq_s32(as_int(sign), vdupq_n_s32(INT32_MIN));
    return as_float(veorq_s32(as_int(x), bit));
  }
  static Float fused_multiply_add(Float a, Float b, Float c) { return vfmaq_f32(c, a, b); }

  // ---- the pieces of a function: see LayerFunction. An index has four bytes for each value.

  using Pieces = uint8x16x2_t;
  using PieceIndex = uint8x16_t;
  static PieceIndex piece_index(Float t) {
    return as_u8(vmlaq_n_s32(vdupq_n_s32(0x03020100), round(t), 0x04040404));
  }
  static Pieces load_pieces(const float* of_pieces) {
    const auto* from = reinterpret_cast<const uint8_t*>(of_pieces);
    return {vld1q_u8(from), vld1q_u8(from + 16)};
  }
  static Float pick(Pieces of_pieces, PieceIndex index) {
    return vreinterpretq_f32_u8(vqtbl2q_u8(of_pieces, index));
  }
  static Float nan_to_zero(Float x) {
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), vceqq_f32(x, x)));
  }
  static Int add_s16(Int a, Int b) { return from_s16(vaddq_s16(as_s16(a), as_s16(b))); }
  static Int add_s32(Int a, Int b) { return vaddq_s32(a, b); }
  static Int subtract_s32(Int a, Int b) { return vsubq_s32(a, b); }

  static Int pack_s16(Int a, Int b) { return from_s16(vqmovn_high_s32(vqmovn_s32(a), b)); }
  /// The lower 16 bits of each value.
  static Int truncate_s16(Int a, Int b) { return from_s16(vuzp1q_s16(as_s16(a), as_s16(b))); }
  static Int pack_u8(Int a, Int b) {
    return from_u8(vqmovun_high_s16(vqmovun_s16(as_s16(a)), as_s16(b)));
  }
  static Int add_saturated_s16(Int a, Int b) { return from_s16(vqaddq_s16(as_s16(a), as_s16(b))); }
  static Int min_u8(Int a, Int b) { return from_u8(vminq_u8(as_u8(a), as_u8(b))); }
  static Int max_u8(Int a, Int b) { return from_u8(vmaxq_u8(as_u8(a), as_u8(b))); }
  static Int unpack_low_u8(Int a, Int b) { return from_u8(vzip1q_u8(as_u8(a), as_u8(b))); }
  static Int unpack_high_u8(Int a, Int b) { return from_u8(vzip2q_u8(as_u8(a), as_u8(b))); }
  static Int unpack_low_s16(Int a, Int b) { return from_s16(vzip1q_s16(as_s16(a), as_s16(b))); }
  static Int unpack_high_s16(Int a, Int b) { return from_s16(vzip2q_s16(as_s16(a), as_s16(b))); }

  // ---- the order of bytes: a vector is one lane of 128 bits, so packing keeps the natural order

  static Int pack_order(Int x) { return x; }
  static Int natural_order(Int x) { return x; }

  /// Loads 16 bytes: one pixel, or two pixels of two vectors each.
  template <int vectors>
  static Int gather_pixels(const uint8_t* const* from) {
    static_assert(vectors >= 2);
    if constexpr (vectors >= 3) {
      return load(from[0]);
    } else {
      return from_u8(vcombine_u8(vld1_u8(from[0]), vld1_u8(from[1])));
    }
  }

  template <int vectors>
  static void scatter_pixels(Int x, uint8_t* const* to, int pixels) {
    static_assert(vectors >= 2);
    if constexpr (vectors == 4) {
      store(to[0], x);
    } else if constexpr (vectors == 3) {
      vst1_u8(to[0], vget_low_u8(as_u8(x)));
      const int32_t third = vgetq_lane_s32(x, 2);
      __builtin_memcpy(to[0] + 8, &third, sizeof(third));
    } else {
      vst1_u8(to[0], vget_low_u8(as_u8(x)));
      if (pixels > 1) vst1_u8(to[1], vget_high_u8(as_u8(x)));
    }
  }

  // ---- loads and stores that move their address on: g++ 12 does not make one instruction of two

  /// Loads 16 or 32 bytes. Returns `from` + `stride`, where the next ones are.
  template <int vectors>
  static const std::byte* load_and_move(const std::byte* from, std::ptrdiff_t stride,
                                        Int (&x)[vectors]) {
    using Bytes = const uint8_t[vectors * bytes];
    const auto& memory = *reinterpret_cast<const Bytes*>(from);
    if constexpr (vectors == 1) {
      asm("ld1 {%0.16b}, [%1], %2" : "=w"(x[0]), "+r"(from) : "r"(stride), "m"(memory));
    } else {
#if defined(__clang__)
      const uint8x16x2_t both = vld1q_u8_x2(memory);
      from += stride;
#else
      uint8x16x2_t both;
      asm("ld1 {%S0.16b - %T0.16b}, [%1], %2" : "=w"(both), "+r"(from) : "r"(stride), "m"(memory));
#endif
      x[0] = from_u8(both.val[0]);
      x[1] = from_u8(both.val[1]);
    }
    return from;
  }

  /// Loads two vectors that lie side by side, with one instruction.
  static void load_pair(const std::byte* from, Int& a, Int& b) {
#if defined(__clang__)
    a = load(from);
    b = load(from + bytes);
#else
    asm("ldp %q0, %q1, %2" : "=w"(a), "=w"(b) : "Ump"(*reinterpret_cast<const Int*>(from)));
#endif
  }

  /// Stores 4 or 8 bytes: pixel `pixel` of a vector that has 4 or 2 pixels. Returns `to` +
  /// `stride`, where the next ones go.
  template <int vectors, int pixel>
  static uint8_t* store_and_move(Int x, uint8_t* to, std::ptrdiff_t stride) {
    using Bytes = uint8_t[vectors * lanes];
    auto& memory = *reinterpret_cast<Bytes*>(to);
    if constexpr (vectors == 2) {
      asm("st1 {%2.d}[%3], [%0], %4" : "+r"(to), "=m"(memory) : "w"(x), "i"(pixel), "r"(stride));
    } else {
      asm("st1 {%2.s}[%3], [%0], %4" : "+r"(to), "=m"(memory) : "w"(x), "i"(pixel), "r"(stride));
    }
    return to;
  }
  template <int vectors, int count>
  static uint8_t* scatter_and_move(Int x, uint8_t* to, std::ptrdiff_t stride) {
    to = store_and_move<vectors, 0>(x, to, stride);
    if constexpr (count > 1) to = store_and_move<vectors, 1>(x, to, stride);
    if constexpr (count > 2) to = store_and_move<vectors, 2>(x, to, stride);
    if constexpr (count > 3) to = store_and_move<vectors, 3>(x, to, stride);
    return to;
  }

 protected:
  static uint8x16_t as_u8(Int x) { return vreinterpretq_u8_s32(x); }
  static int8x16_t as_s8(Int x) { return vreinterpretq_s8_s32(x); }
  static int16x8_t as_s16(Int x) { return vreinterpretq_s16_s32(x); }
  static Int from_u8(uint8x16_t x) { return vreinterpretq_s32_u8(x); }
  static Int from_s16(int16x8_t x) { return vreinterpretq_s32_s16(x); }

  /// Writes the next 16 bytes of four rows as 16 stacks, with the bits of `flip` flipped. Returns
  /// the address behind them.
  ///
  /// It is assembly, since in some loops g++ 12 builds the four vectors for st4 in memory.
  template <uint8_t flip>
  class InterleavedRows {
   public:
    explicit InterleavedRows(const uint8_t* const (&rows)[4])
        : a_(rows[0]), b_(rows[1]), c_(rows[2]), d_(rows[3]), flip_(bits()) {}
    [[gnu::always_inline]] std::byte* operator()(std::byte* to, std::size_t at) const {
      if constexpr (flip == 0) {
        asm volatile(
            "ldr q16, [%1, %5]\n\t"
            "ldr q17, [%2, %5]\n\t"
            "ldr q18, [%3, %5]\n\t"
            "ldr q19, [%4, %5]\n\t"
            "st4 {v16.16b - v19.16b}, [%0], #64"
            : "+r"(to)
            : "r"(a_), "r"(b_), "r"(c_), "r"(d_), "r"(at)
            : "v16", "v17", "v18", "v19", "memory");
      } else {
        asm volatile(
            "ldr q16, [%1, %5]\n\t"
            "ldr q17, [%2, %5]\n\t"
            "ldr q18, [%3, %5]\n\t"
            "ldr q19, [%4, %5]\n\t"
            "eor v16.16b, v16.16b, %6.16b\n\t"
            "eor v17.16b, v17.16b, %6.16b\n\t"
            "eor v18.16b, v18.16b, %6.16b\n\t"
            "eor v19.16b, v19.16b, %6.16b\n\t"
            "st4 {v16.16b - v19.16b}, [%0], #64"
            : "+r"(to)
            : "r"(a_), "r"(b_), "r"(c_), "r"(d_), "r"(at), "w"(flip_)
            : "v16", "v17", "v18", "v19", "memory");
      }
      return to;
    }

   private:
    /// Hidden from the compiler, which would make them anew for each 16 bytes.
    static uint8x16_t bits() {
      uint8x16_t x = vdupq_n_u8(flip);
      asm volatile("" : "+w"(x));
      return x;
    }

    const uint8_t* a_;
    const uint8_t* b_;
    const uint8_t* c_;
    const uint8_t* d_;
    uint8x16_t flip_;
  };

  /// The same with two rows.
  template <uint8_t flip>
  class PairsOfRows {
   public:
    explicit PairsOfRows(const uint8_t* const (&rows)[2])
        : a_(rows[0]), b_(rows[1]), flip_(vdupq_n_u8(flip)) {
      asm volatile("" : "+w"(flip_));
    }
    [[gnu::always_inline]] std::byte* operator()(std::byte* to, std::size_t at) const {
      asm volatile(
          "ldr q16, [%1, %3]\n\t"
          "ldr q17, [%2, %3]\n\t"
          "eor v16.16b, v16.16b, %4.16b\n\t"
          "eor v17.16b, v17.16b, %4.16b\n\t"
          "st2 {v16.16b - v17.16b}, [%0], #32"
          : "+r"(to)
          : "r"(a_), "r"(b_), "r"(at), "w"(flip_)
          : "v16", "v17", "memory");
      return to;
    }

   private:
    const uint8_t* a_;
    const uint8_t* b_;
    uint8x16_t flip_;
  };
};

}  // namespace
}  // namespace octet::kernels
