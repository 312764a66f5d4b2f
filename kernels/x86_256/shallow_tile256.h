// Shallow tiles in ymm registers: 8 or 9 accumulators. A file that includes this defines OCTET_DOT
// and OCTET_CLOBBERS first.
#pragma once

#include <immintrin.h>

#define OCTET_BYTES 32
#define OCTET_MOVE "vmovdqu"
#define OCTET_ACCUMULATOR "=&x"
#define OCTET_REGISTER(n) "%%ymm" #n
#define OCTET_W0 9
#define OCTET_W1 10
#define OCTET_W2 11

#include "kernels/x86/shallow_tile.h"

namespace octet::kernels {
namespace {

template <>
struct ShallowTile<3, 3> {
  [[gnu::always_inline]] static void run(const x86::TileCall& call,
                                         const uint8_t* const (&window)[3], __m256i (&sum)[3][3]) {
    ShallowWalk walk(call, 3);
    asm(OCTET_BEGIN_3(0) OCTET_BEGIN_3(1) OCTET_BEGIN_3(2)
            OCTET_LOOP(3, OCTET_WEIGHTS_3 OCTET_PRODUCTS_3(0, 12) OCTET_PRODUCTS_3(1, 13)
                              OCTET_PRODUCTS_3(2, 12))
        : OCTET_SUMS_3(0), OCTET_SUMS_3(1), OCTET_SUMS_3(2), OCTET_WALK
        : OCTET_WINDOW(0), OCTET_WINDOW(1), OCTET_WINDOW(2), OCTET_CALL
        : OCTET_CLOBBERS);
  }
};

template <>
struct ShallowTile<4, 2> {
  [[gnu::always_inline]] static void run(const x86::TileCall& call,
                                         const uint8_t* const (&window)[4], __m256i (&sum)[4][2]) {
    ShallowWalk walk(call, 2);
    asm(OCTET_BEGIN_2(0) OCTET_BEGIN_2(1) OCTET_BEGIN_2(2) OCTET_BEGIN_2(3)
            OCTET_LOOP(2, OCTET_WEIGHTS_2 OCTET_PRODUCTS_2(0, 12) OCTET_PRODUCTS_2(1, 13)
                              OCTET_PRODUCTS_2(2, 12) OCTET_PRODUCTS_2(3, 13))
        : OCTET_SUMS_2(0), OCTET_SUMS_2(1), OCTET_SUMS_2(2), OCTET_SUMS_2(3), OCTET_WALK
        : OCTET_WINDOW(0), OCTET_WINDOW(1), OCTET_WINDOW(2), OCTET_WINDOW(3), OCTET_CALL
        : OCTET_CLOBBERS);
  }
};

template <>
struct ShallowTile<8, 1> {
  [[gnu::always_inline]] static void run(const x86::TileCall& call,
                                         const uint8_t* const (&window)[8], __m256i (&sum)[8][1]) {
    ShallowWalk walk(call, 1);
    asm(OCTET_BEGIN_1(0) OCTET_BEGIN_1(1) OCTET_BEGIN_1(2) OCTET_BEGIN_1(3) OCTET_BEGIN_1(4)
            OCTET_BEGIN_1(5) OCTET_BEGIN_1(6) OCTET_BEGIN_1(7) OCTET_LOOP(
                1, OCTET_WEIGHTS_1 OCTET_PRODUCTS_1(0, 12) OCTET_PRODUCTS_1(1, 13)
                       OCTET_PRODUCTS_1(2, 12) OCTET_PRODUCTS_1(3, 13) OCTET_PRODUCTS_1(4, 12)
                           OCTET_PRODUCTS_1(5, 13) OCTET_PRODUCTS_1(6, 12) OCTET_PRODUCTS_1(7, 13))
        : OCTET_SUMS_1(0), OCTET_SUMS_1(1), OCTET_SUMS_1(2), OCTET_SUMS_1(3), OCTET_SUMS_1(4),
          OCTET_SUMS_1(5), OCTET_SUMS_1(6), OCTET_SUMS_1(7), OCTET_WALK
        : OCTET_WINDOW(0), OCTET_WINDOW(1), OCTET_WINDOW(2), OCTET_WINDOW(3), OCTET_WINDOW(4),
          OCTET_WINDOW(5), OCTET_WINDOW(6), OCTET_WINDOW(7), OCTET_CALL
        : OCTET_CLOBBERS);
  }
};

}  // namespace
}  // namespace octet::kernels
