// The inner loops of dense layers with usmmla, which multiplies 8 bytes of two pixels by 8 bytes of
// two channels: an accumulator holds two channels of one pixel, then of the other.
#pragma once

#include "kernels/arm/tile_loop.h"

// The accumulators of the i-th pair of pixels: two for each of a tile's vectors of four channels.
#define OCTET_PAIR_SUM(i, c) [s##i##c] "=&w"(product[i][c])
#define OCTET_PAIR_SUMS_1(i) OCTET_PAIR_SUM(i, 0), OCTET_PAIR_SUM(i, 1)
#define OCTET_PAIR_SUMS_2(i) OCTET_PAIR_SUMS_1(i), OCTET_PAIR_SUM(i, 2), OCTET_PAIR_SUM(i, 3)
#define OCTET_PAIR_SUMS_3(i) OCTET_PAIR_SUMS_2(i), OCTET_PAIR_SUM(i, 4), OCTET_PAIR_SUM(i, 5)
#define OCTET_PAIR_SUMS_4(i) OCTET_PAIR_SUMS_3(i), OCTET_PAIR_SUM(i, 6), OCTET_PAIR_SUM(i, 7)

// The accumulators begin as the bias, once for each pixel of the pair.
#define OCTET_PAIR_BIAS(i, c) "ld1r {%[s" #i #c "].2d}, [x14], #8\n\t"
#define OCTET_PAIR_BIAS_1(i) OCTET_PAIR_BIAS(i, 0) OCTET_PAIR_BIAS(i, 1)
#define OCTET_PAIR_BIAS_2(i) OCTET_PAIR_BIAS_1(i) OCTET_PAIR_BIAS(i, 2) OCTET_PAIR_BIAS(i, 3)
#define OCTET_PAIR_BIAS_3(i) OCTET_PAIR_BIAS_2(i) OCTET_PAIR_BIAS(i, 4) OCTET_PAIR_BIAS(i, 5)
#define OCTET_PAIR_BIAS_4(i) OCTET_PAIR_BIAS_3(i) OCTET_PAIR_BIAS(i, 6) OCTET_PAIR_BIAS(i, 7)
#define OCTET_PAIR_BEGIN_1(i) "mov x14, x12\n\t" OCTET_PAIR_BIAS_1(i)
#define OCTET_PAIR_BEGIN_2(i) "mov x14, x12\n\t" OCTET_PAIR_BIAS_2(i)
#define OCTET_PAIR_BEGIN_3(i) "mov x14, x12\n\t" OCTET_PAIR_BIAS_3(i)
#define OCTET_PAIR_BEGIN_4(i) "mov x14, x12\n\t" OCTET_PAIR_BIAS_4(i)

// Puts the bytes of two pixels side by side: the first 8 of each, and the last 8 of each. Pixels
// are loaded to v0 to v7. The first bytes of pair i go to v28 or to a register that the pair before
// no longer needs, the last ones to the pair's own second register.
#define OCTET_FIRST_0 "28"
#define OCTET_FIRST_1 "0"
#define OCTET_FIRST_2 "2"
#define OCTET_FIRST_3 "4"
#define OCTET_LAST_0 "1"
#define OCTET_LAST_1 "3"
#define OCTET_LAST_2 "5"
#define OCTET_LAST_3 "7"
#define OCTET_JOIN_FIRST(i, a, b) "zip1 v" OCTET_FIRST_##i ".2d, v" #a ".2d, v" #b ".2d\n\t"
#define OCTET_JOIN(i, a, b) OCTET_JOIN_FIRST(i, a, b) "zip2 v" #b ".2d, v" #a ".2d, v" #b ".2d\n\t"
#define OCTET_JOIN_8_1 OCTET_JOIN_FIRST(0, 0, 1)
#define OCTET_JOIN_8_2 OCTET_JOIN_8_1 OCTET_JOIN_FIRST(1, 2, 3)
#define OCTET_JOIN_8_3 OCTET_JOIN_8_2 OCTET_JOIN_FIRST(2, 4, 5)
#define OCTET_JOIN_8_4 OCTET_JOIN_8_3 OCTET_JOIN_FIRST(3, 6, 7)
#define OCTET_JOIN_16_1 OCTET_JOIN(0, 0, 1)
#define OCTET_JOIN_16_2 OCTET_JOIN_16_1 OCTET_JOIN(1, 2, 3)
#define OCTET_JOIN_16_3 OCTET_JOIN_16_2 OCTET_JOIN(2, 4, 5)
#define OCTET_JOIN_16_4 OCTET_JOIN_16_3 OCTET_JOIN(3, 6, 7)

// Multiplies 8 bytes by the weights of four channels. They take two registers, two channels each:
// v31 and v(w), which is free after the last pair of pixels is joined.
#define OCTET_MULTIPLY(i, c, w, x) "usmmla %[s" #i #c "].4s, v" x ".16b, " w ".16b\n\t"
#define OCTET_FIRSTS_0(i) \
  OCTET_MULTIPLY(i, 0, "v31", OCTET_FIRST_##i) OCTET_MULTIPLY(i, 1, "v\\w\\()", OCTET_FIRST_##i)
#define OCTET_FIRSTS_1(i) \
  OCTET_MULTIPLY(i, 2, "v31", OCTET_FIRST_##i) OCTET_MULTIPLY(i, 3, "v\\w\\()", OCTET_FIRST_##i)
#define OCTET_FIRSTS_2(i) \
  OCTET_MULTIPLY(i, 4, "v31", OCTET_FIRST_##i) OCTET_MULTIPLY(i, 5, "v\\w\\()", OCTET_FIRST_##i)
#define OCTET_FIRSTS_3(i) \
  OCTET_MULTIPLY(i, 6, "v31", OCTET_FIRST_##i) OCTET_MULTIPLY(i, 7, "v\\w\\()", OCTET_FIRST_##i)
#define OCTET_LASTS_0(i) \
  OCTET_MULTIPLY(i, 0, "v31", OCTET_LAST_##i) OCTET_MULTIPLY(i, 1, "v\\w\\()", OCTET_LAST_##i)
#define OCTET_LASTS_1(i) \
  OCTET_MULTIPLY(i, 2, "v31", OCTET_LAST_##i) OCTET_MULTIPLY(i, 3, "v\\w\\()", OCTET_LAST_##i)
#define OCTET_LASTS_2(i) \
  OCTET_MULTIPLY(i, 4, "v31", OCTET_LAST_##i) OCTET_MULTIPLY(i, 5, "v\\w\\()", OCTET_LAST_##i)
#define OCTET_LASTS_3(i) \
  OCTET_MULTIPLY(i, 6, "v31", OCTET_LAST_##i) OCTET_MULTIPLY(i, 7, "v\\w\\()", OCTET_LAST_##i)
#define OCTET_TWO_WEIGHTS "ldp q31, q\\w, [x12], #32\n\t"
#define OCTET_PRODUCTS_1(pairs, which) OCTET_TWO_WEIGHTS OCTET_EACH_##pairs(OCTET_##which##S_0)
#define OCTET_PRODUCTS_2(pairs, which) \
  OCTET_PRODUCTS_1(pairs, which) OCTET_TWO_WEIGHTS OCTET_EACH_##pairs(OCTET_##which##S_1)
#define OCTET_PRODUCTS_3(pairs, which) \
  OCTET_PRODUCTS_2(pairs, which) OCTET_TWO_WEIGHTS OCTET_EACH_##pairs(OCTET_##which##S_2)
#define OCTET_PRODUCTS_4(pairs, which) \
  OCTET_PRODUCTS_3(pairs, which) OCTET_TWO_WEIGHTS OCTET_EACH_##pairs(OCTET_##which##S_3)

// x13 runs through a segment; x14 is where its last whole 16 bytes end.
// clang-format off
#define OCTET_TILE_TEXT(pixels, pairs, vectors, w)                       \
  "ldp x9, x10, [%[call]]\n\t"                                           \
  "ldp x11, x12, [%[call], #16]\n\t"                                     \
  OCTET_WINDOWS_##pixels                                                 \
  OCTET_EACH_##pairs(OCTET_PAIR_BEGIN_##vectors)                         \
  "add x12, x12, #32*" #vectors "\n\t"                                   \
  "and x15, x11, #-16\n\t"                                               \
  "1:\n\t"                                                               \
  "ldr x13, [x9], #8\n\t"                                                \
  "add x14, x13, x15\n\t"                                                \
  "cbz x15, 3f\n\t"                                                      \
  "2:\n\t"                                                               \
  OCTET_EACH_##pixels(OCTET_LOAD_16)                                     \
  OCTET_JOIN_16_##pairs                                                  \
  ".irp w, " #w "\n\t"                                                   \
  OCTET_PRODUCTS_##vectors(pairs, FIRST)                                     \
  OCTET_PRODUCTS_##vectors(pairs, LAST)                                      \
  ".endr\n\t"                                                            \
  "add x13, x13, #16\n\t"                                                \
  "cmp x13, x14\n\t"                                                     \
  "b.ne 2b\n\t"                                                          \
  "3:\n\t"                                                               \
  "tbz x11, #3, 4f\n\t"                                                  \
  OCTET_EACH_##pixels(OCTET_LOAD_8)                                      \
  OCTET_JOIN_8_##pairs                                                   \
  ".irp w, " #w "\n\t"                                                   \
  OCTET_PRODUCTS_##vectors(pairs, FIRST)                                     \
  ".endr\n\t"                                                            \
  "4:\n\t"                                                               \
  "cmp x9, x10\n\t"                                                      \
  "b.ne 1b\n\t"
// clang-format on

#define OCTET_TILE_LOOP(pixels, pairs, vectors, w, ...)                         \
  template <>                                                                   \
  struct TileLoop<pixels, vectors> {                                            \
    [[gnu::always_inline]] static void run(const arm::TileCall& call,           \
                                           const uint8_t* const* windows,       \
                                           int32x4_t (&sum)[pixels][vectors]) { \
      int32x4_t product[pairs][2 * vectors];                                    \
      asm volatile(OCTET_TILE_TEXT(pixels, pairs, vectors, w)                   \
                   : OCTET_LIST_##pairs(OCTET_PAIR_SUMS_##vectors)              \
                   : [call] "r"(&call), [windows] "r"(windows)                  \
                   : OCTET_REGISTERS, "v28", "v31", __VA_ARGS__);               \
      separate_pixels<pixels, vectors>(product, sum);                           \
    }                                                                           \
  };

namespace octet::kernels {
namespace {

template <int pixels, int vectors>
[[gnu::always_inline]] inline void separate_pixels(
    const int32x4_t (&product)[pixels / 2][2 * vectors], int32x4_t (&sum)[pixels][vectors]) {
#pragma GCC unroll 4
  for (int i = 0; i < pixels / 2; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      const int64x2_t low = vreinterpretq_s64_s32(product[i][2 * v]);
      const int64x2_t high = vreinterpretq_s64_s32(product[i][2 * v + 1]);
      sum[2 * i][v] = vreinterpretq_s32_s64(vzip1q_s64(low, high));
      sum[2 * i + 1][v] = vreinterpretq_s32_s64(vzip2q_s64(low, high));
    }
  }
}

OCTET_TILE_LOOP(6, 3, 4, 4, "v0", "v1", "v2", "v3", "v4", "v5")
OCTET_TILE_LOOP(4, 2, 4, 2, "v0", "v1", "v2", "v3")
OCTET_TILE_LOOP(2, 1, 4, 0, "v0", "v1")
OCTET_TILE_LOOP(6, 3, 3, 4, "v0", "v1", "v2", "v3", "v4", "v5")
OCTET_TILE_LOOP(2, 1, 3, 0, "v0", "v1")
OCTET_TILE_LOOP(8, 4, 2, 6, "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7")
OCTET_TILE_LOOP(2, 1, 2, 0, "v0", "v1")
OCTET_TILE_LOOP(8, 4, 1, 6, "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7")
OCTET_TILE_LOOP(2, 1, 1, 0, "v0", "v1")

}  // namespace
}  // namespace octet::kernels
