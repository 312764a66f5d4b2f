// Shallow tiles in zmm registers: 12 accumulators, or 8 where a tile is one vector wide.
#pragma once

#include <immintrin.h>

#define OCTET_BYTES 64
#define OCTET_MOVE "vmovdqu64"
#define OCTET_ACCUMULATOR "=&v"
#define OCTET_REGISTER(n) "%%zmm" #n
#define OCTET_W0 26
#define OCTET_W1 27
#define OCTET_W2 28
#define OCTET_W3 29
#define OCTET_CLOBBERS "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "cc", "memory"
#define OCTET_DOT(w, x, sum) \
  "vpdpbusd " OCTET_REGISTER(w) ", " OCTET_REGISTER(x) ", %[" #sum "]\n\t"

#include "kernels/x86/shallow_tile.h"

namespace octet::kernels {
namespace {

template <>
struct ShallowTile<3, 4> {
  [[gnu::always_inline]] static void run(const x86::TileCall& call,
                                         const uint8_t* const (&window)[3], __m512i (&sum)[3][4]) {
    ShallowWalk walk(call, 4);
    asm(OCTET_BEGIN_4(0) OCTET_BEGIN_4(1) OCTET_BEGIN_4(2)
            OCTET_LOOP(4, OCTET_WEIGHTS_4 OCTET_PRODUCTS_4(0, 30) OCTET_PRODUCTS_4(1, 31)
                              OCTET_PRODUCTS_4(2, 30))
        : OCTET_SUMS_4(0), OCTET_SUMS_4(1), OCTET_SUMS_4(2), OCTET_WALK
        : OCTET_WINDOW(0), OCTET_WINDOW(1), OCTET_WINDOW(2), OCTET_CALL
        : OCTET_CLOBBERS);
  }
};

template <>
struct ShallowTile<4, 3> {
  [[gnu::always_inline]] static void run(const x86::TileCall& call,
                                         const uint8_t* const (&window)[4], __m512i (&sum)[4][3]) {
    ShallowWalk walk(call, 3);
    asm(OCTET_BEGIN_3(0) OCTET_BEGIN_3(1) OCTET_BEGIN_3(2) OCTET_BEGIN_3(3)
            OCTET_LOOP(3, OCTET_WEIGHTS_3 OCTET_PRODUCTS_3(0, 30) OCTET_PRODUCTS_3(1, 31)
                              OCTET_PRODUCTS_3(2, 30) OCTET_PRODUCTS_3(3, 31))
        : OCTET_SUMS_3(0), OCTET_SUMS_3(1), OCTET_SUMS_3(2), OCTET_SUMS_3(3), OCTET_WALK
        : OCTET_WINDOW(0), OCTET_WINDOW(1), OCTET_WINDOW(2), OCTET_WINDOW(3), OCTET_CALL
        : OCTET_CLOBBERS);
  }
};

template <>
struct ShallowTile<6, 2> {
  [[gnu::always_inline]] static void run(const x86::TileCall& call,
                                         const uint8_t* const (&window)[6], __m512i (&sum)[6][2]) {
    ShallowWalk walk(call, 2);
    asm(OCTET_BEGIN_2(0) OCTET_BEGIN_2(1) OCTET_BEGIN_2(2) OCTET_BEGIN_2(3) OCTET_BEGIN_2(4)
            OCTET_BEGIN_2(5)
                OCTET_LOOP(2, OCTET_WEIGHTS_2 OCTET_PRODUCTS_2(0, 30) OCTET_PRODUCTS_2(1, 31)
                                  OCTET_PRODUCTS_2(2, 30) OCTET_PRODUCTS_2(3, 31)
                                      OCTET_PRODUCTS_2(4, 30) OCTET_PRODUCTS_2(5, 31))
        : OCTET_SUMS_2(0), OCTET_SUMS_2(1), OCTET_SUMS_2(2), OCTET_SUMS_2(3), OCTET_SUMS_2(4),
          OCTET_SUMS_2(5), OCTET_WALK
        : OCTET_WINDOW(0), OCTET_WINDOW(1), OCTET_WINDOW(2), OCTET_WINDOW(3), OCTET_WINDOW(4),
          OCTET_WINDOW(5), OCTET_CALL
        : OCTET_CLOBBERS);
  }
};

template <>
struct ShallowTile<8, 1> {
  [[gnu::always_inline]] static void run(const x86::TileCall& call,
                                         const uint8_t* const (&window)[8], __m512i (&sum)[8][1]) {
    ShallowWalk walk(call, 1);
    asm(OCTET_BEGIN_1(0) OCTET_BEGIN_1(1) OCTET_BEGIN_1(2) OCTET_BEGIN_1(3) OCTET_BEGIN_1(4)
            OCTET_BEGIN_1(5) OCTET_BEGIN_1(6) OCTET_BEGIN_1(7) OCTET_LOOP(
                1, OCTET_WEIGHTS_1 OCTET_PRODUCTS_1(0, 30) OCTET_PRODUCTS_1(1, 31)
                       OCTET_PRODUCTS_1(2, 30) OCTET_PRODUCTS_1(3, 31) OCTET_PRODUCTS_1(4, 30)
                           OCTET_PRODUCTS_1(5, 31) OCTET_PRODUCTS_1(6, 30) OCTET_PRODUCTS_1(7, 31))
        : OCTET_SUMS_1(0), OCTET_SUMS_1(1), OCTET_SUMS_1(2), OCTET_SUMS_1(3), OCTET_SUMS_1(4),
          OCTET_SUMS_1(5), OCTET_SUMS_1(6), OCTET_SUMS_1(7), OCTET_WALK
        : OCTET_WINDOW(0), OCTET_WINDOW(1), OCTET_WINDOW(2), OCTET_WINDOW(3), OCTET_WINDOW(4),
          OCTET_WINDOW(5), OCTET_WINDOW(6), OCTET_WINDOW(7), OCTET_CALL
        : OCTET_CLOBBERS);
  }
};

template <>
struct ShallowPairs<4> {
// The third vector's pixels: the first of the pair in the lower half, the second in the upper.
#define OCTET_PAIR(i, first, second) \
  OCTET_LOAD_X(first, 30)            \
  OCTET_DOT(OCTET_W0, 30, s##i##0)   \
  OCTET_LOAD_X(second, 31)           \
  OCTET_DOT(OCTET_W0, 31, s##i##1)   \
  "vmovdqa32 %%zmm30, %%zmm31%{%[lower]%}\n\t" OCTET_DOT(OCTET_W1, 31, s##i##2)
#define OCTET_BEGIN_PAIR(i) \
  OCTET_BIAS(2, 0, s##i##0) OCTET_BIAS(2, 0, s##i##1) OCTET_BIAS(2, 1, s##i##2)

  [[gnu::always_inline]] static void run(const x86::TileCall& call,
                                         const uint8_t* const (&window)[8], __m512i (&sum)[4][3]) {
    ShallowWalk walk(call, 2);
    const __mmask16 lower = 0x00FF;
    asm(OCTET_BEGIN_PAIR(0) OCTET_BEGIN_PAIR(1) OCTET_BEGIN_PAIR(2) OCTET_BEGIN_PAIR(3)
            OCTET_LOOP(2, OCTET_WEIGHTS_2 OCTET_PAIR(0, 0, 1) OCTET_PAIR(1, 2, 3)
                              OCTET_PAIR(2, 4, 5) OCTET_PAIR(3, 6, 7))
        : OCTET_SUMS_3(0), OCTET_SUMS_3(1), OCTET_SUMS_3(2), OCTET_SUMS_3(3), OCTET_WALK
        : OCTET_WINDOW(0), OCTET_WINDOW(1), OCTET_WINDOW(2), OCTET_WINDOW(3), OCTET_WINDOW(4),
          OCTET_WINDOW(5), OCTET_WINDOW(6), OCTET_WINDOW(7), [lower] "Yk"(lower), OCTET_CALL
        : OCTET_CLOBBERS);
  }

#undef OCTET_PAIR
#undef OCTET_BEGIN_PAIR
};

}  // namespace
}  // namespace octet::kernels
