// Building blocks for the inner loops of shallow tiles (gemm_shallow.h), each of which is one piece
// of assembly: g++ 12 keeps a loop's accumulators in registers only where nothing but stores
// follows it, and a shallow tile's sums are requantized in the registers that they were made in.
// They are macros, since the text of an asm statement has to be a literal.
//
// A file that includes this defines first:
//   OCTET_BYTES              bytes in a vector
//   OCTET_MOVE               the instruction that loads a vector
//   OCTET_ACCUMULATOR        the constraint of an accumulator, an output
//   OCTET_REGISTER(n)        the name of vector register n
//   OCTET_W0, OCTET_W1, ...  the numbers of the registers for weights, as many as a tile is wide
//   OCTET_DOT(w, x, sum)     sum += products of registers w and x
#pragma once

#include "kernels/x86/tile_call.h"

#define OCTET_TEXT(x) #x
#define OCTET_NUMBER(x) OCTET_TEXT(x)

// The accumulators of pixel i as operands of the asm statement, for a tile 1 to 4 vectors wide.
#define OCTET_SUM(i, v) [s##i##v] OCTET_ACCUMULATOR(sum[i][v])
#define OCTET_SUMS_1(i) OCTET_SUM(i, 0)
#define OCTET_SUMS_2(i) OCTET_SUMS_1(i), OCTET_SUM(i, 1)
#define OCTET_SUMS_3(i) OCTET_SUMS_2(i), OCTET_SUM(i, 2)
#define OCTET_SUMS_4(i) OCTET_SUMS_3(i), OCTET_SUM(i, 3)

// The accumulators begin as the bias, which stands before the multiplier and the weights.
#define OCTET_BIAS(vectors, v, sum)                                 \
  OCTET_MOVE " " OCTET_NUMBER(OCTET_BYTES) "*" #v "-" OCTET_NUMBER( \
      OCTET_BYTES) "*2*" #vectors "(%[weights]), %[" #sum "]\n\t"
#define OCTET_BEGIN_1(i) OCTET_BIAS(1, 0, s##i##0)
#define OCTET_BEGIN_2(i) OCTET_BIAS(2, 0, s##i##0) OCTET_BIAS(2, 1, s##i##1)
#define OCTET_BEGIN_3(i) \
  OCTET_BIAS(3, 0, s##i##0) OCTET_BIAS(3, 1, s##i##1) OCTET_BIAS(3, 2, s##i##2)
#define OCTET_BEGIN_4(i)    \
  OCTET_BIAS(4, 0, s##i##0) \
  OCTET_BIAS(4, 1, s##i##1) OCTET_BIAS(4, 2, s##i##2) OCTET_BIAS(4, 3, s##i##3)

// One dot's weights, and the products of pixel i with them; x is the register for the pixel.
#define OCTET_LOAD_W(v, w) \
  OCTET_MOVE " " OCTET_NUMBER(OCTET_BYTES) "*" #v "(%[weights]), " OCTET_REGISTER(w) "\n\t"
#define OCTET_WEIGHTS_1 OCTET_LOAD_W(0, OCTET_W0)
#define OCTET_WEIGHTS_2 OCTET_WEIGHTS_1 OCTET_LOAD_W(1, OCTET_W1)
#define OCTET_WEIGHTS_3 OCTET_WEIGHTS_2 OCTET_LOAD_W(2, OCTET_W2)
#define OCTET_WEIGHTS_4 OCTET_WEIGHTS_3 OCTET_LOAD_W(3, OCTET_W3)
#define OCTET_LOAD_X(i, x) "vpbroadcastd (%[p" #i "],%[offset]), " OCTET_REGISTER(x) "\n\t"
#define OCTET_PRODUCTS_1(i, x) OCTET_LOAD_X(i, x) OCTET_DOT(OCTET_W0, x, s##i##0)
#define OCTET_PRODUCTS_2(i, x) OCTET_PRODUCTS_1(i, x) OCTET_DOT(OCTET_W1, x, s##i##1)
#define OCTET_PRODUCTS_3(i, x) OCTET_PRODUCTS_2(i, x) OCTET_DOT(OCTET_W2, x, s##i##2)
#define OCTET_PRODUCTS_4(i, x) OCTET_PRODUCTS_3(i, x) OCTET_DOT(OCTET_W3, x, s##i##3)

// The loops over segments and over the dots of a segment.
#define OCTET_LOOP(vectors, products)                                                         \
  "1:\n\t"                                                                                    \
  "movq (%[segment]), %[offset]\n\t"                                                          \
  "movq %[length], %[end]\n\t"                                                                \
  "addq %[offset], %[end]\n\t"                                                                \
  "2:\n\t" products "addq $" OCTET_NUMBER(OCTET_BYTES) "*" #vectors ", %[weights]"            \
                                                       "\n\taddq $4, %[offset]\n\t"           \
                                                       "cmpq %[end], %[offset]\n\t"           \
                                                       "jne 2b\n\t"                           \
                                                       "addq $8, %[segment]\n\t"              \
                                                       "cmpq %[segments_end], %[segment]\n\t" \
                                                       "jne 1b\n\t"

// The operands that the loops change, and those that they only read.
#define OCTET_WALK                                                                         \
  [weights] "+r"(walk.weights), [segment] "+r"(walk.segment), [offset] "=&r"(walk.offset), \
      [end] "=&r"(walk.end)
#define OCTET_WINDOW(i) [p##i] "r"(window[i])
#define OCTET_CALL [length] "m"(call.segment_length), [segments_end] "m"(call.segments_end)

namespace octet::kernels {
namespace {

/// The variables of OCTET_LOOP.
struct ShallowWalk {
  ShallowWalk(const x86::TileCall& call, int vectors)
      : weights(call.packed + 2 * vectors * OCTET_BYTES), segment(call.segments) {}
  const std::byte* weights;
  const int64_t* segment;
  int64_t offset;
  int64_t end;
};

}  // namespace
}  // namespace octet::kernels
