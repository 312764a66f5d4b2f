// Building blocks for the inner loops of dense layers, each of which is one piece of assembly: g++
// 12 keeps the accumulators of a wide tile in memory, whatever form the loop has, and there are
// exactly as many registers as a tile needs. The sums leave in registers, where they are
// requantized. They are macros, since the text of an asm statement has to be a literal. .irp is the
// assembler's own loop.
//
// Registers: x0 to x7 are the pixels' windows, and x9 to x15 are for the walk. v0 to v7 are pixels,
// and v28 to v31 weights; a tile uses only as many of them as leave room for its accumulators.
#pragma once

#include <arm_neon.h>

#include "kernels/arm/tile_call.h"

// M(i) for each of the pixels, as text or as a list of operands.
#define OCTET_EACH_1(M) M(0)
#define OCTET_EACH_2(M) OCTET_EACH_1(M) M(1)
#define OCTET_EACH_3(M) OCTET_EACH_2(M) M(2)
#define OCTET_EACH_4(M) OCTET_EACH_3(M) M(3)
#define OCTET_EACH_5(M) OCTET_EACH_4(M) M(4)
#define OCTET_EACH_6(M) OCTET_EACH_5(M) M(5)
#define OCTET_EACH_7(M) OCTET_EACH_6(M) M(6)
#define OCTET_EACH_8(M) OCTET_EACH_7(M) M(7)
#define OCTET_LIST_1(M) M(0)
#define OCTET_LIST_2(M) OCTET_LIST_1(M), M(1)
#define OCTET_LIST_3(M) OCTET_LIST_2(M), M(2)
#define OCTET_LIST_4(M) OCTET_LIST_3(M), M(3)
#define OCTET_LIST_5(M) OCTET_LIST_4(M), M(4)
#define OCTET_LIST_6(M) OCTET_LIST_5(M), M(5)
#define OCTET_LIST_7(M) OCTET_LIST_6(M), M(6)
#define OCTET_LIST_8(M) OCTET_LIST_7(M), M(7)

// The accumulators of pixel i as operands, for a tile 1 to 4 vectors wide.
#define OCTET_SUM(i, v) [s##i##v] "=&w"(sum[i][v])
#define OCTET_SUMS_1(i) OCTET_SUM(i, 0)
#define OCTET_SUMS_2(i) OCTET_SUMS_1(i), OCTET_SUM(i, 1)
#define OCTET_SUMS_3(i) OCTET_SUMS_2(i), OCTET_SUM(i, 2)
#define OCTET_SUMS_4(i) OCTET_SUMS_3(i), OCTET_SUM(i, 3)

// The accumulators begin as the bias.
#define OCTET_BIAS_1(i) "ldr %q[s" #i "0], [x12]\n\t"
#define OCTET_BIAS_2(i) "ldp %q[s" #i "0], %q[s" #i "1], [x12]\n\t"
#define OCTET_BIAS_3(i) OCTET_BIAS_2(i) "ldr %q[s" #i "2], [x12, #32]\n\t"
#define OCTET_BIAS_4(i) OCTET_BIAS_2(i) "ldp %q[s" #i "2], %q[s" #i "3], [x12, #32]\n\t"

#define OCTET_WINDOWS_1 "ldr x0, [%[windows]]\n\t"
#define OCTET_WINDOWS_2 "ldp x0, x1, [%[windows]]\n\t"
#define OCTET_WINDOWS_3 OCTET_WINDOWS_2 "ldr x2, [%[windows], #16]\n\t"
#define OCTET_WINDOWS_4 OCTET_WINDOWS_2 "ldp x2, x3, [%[windows], #16]\n\t"
#define OCTET_WINDOWS_5 OCTET_WINDOWS_4 "ldr x4, [%[windows], #32]\n\t"
#define OCTET_WINDOWS_6 OCTET_WINDOWS_4 "ldp x4, x5, [%[windows], #32]\n\t"
#define OCTET_WINDOWS_7 OCTET_WINDOWS_6 "ldr x6, [%[windows], #48]\n\t"
#define OCTET_WINDOWS_8 OCTET_WINDOWS_6 "ldp x6, x7, [%[windows], #48]\n\t"
// Loads segments and their end, length and packed from the call, then windows and biases.
#define OCTET_BEGIN(pixels, vectors)                                             \
  "ldp x9, x10, [%[call]]\n\t"                                                   \
  "ldp x11, x12, [%[call], #16]\n\t" OCTET_WINDOWS_##pixels OCTET_EACH_##pixels( \
      OCTET_BIAS_##vectors) "add x12, x12, #32*" #vectors "\n\t"

// Pixel i's next bytes.
#define OCTET_LOAD_16(i) "ldr q" #i ", [x" #i ", x13]\n\t"
#define OCTET_LOAD_8(i) "ldr d" #i ", [x" #i ", x13]\n\t"
#define OCTET_LOAD_4(i) "ldr s" #i ", [x" #i ", x13]\n\t"

#define OCTET_REGISTERS                                                                           \
  "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x9", "x10", "x11", "x12", "x13", "x14", "x15", \
      "cc", "memory"
