// The inner loops of dense layers with sdot, 16 bytes of each pixel at a time: sdot takes four of
// them, by their position in the register.
#pragma once

#include "kernels/arm/tile_loop.h"

// Products of one dot, four bytes, with a tile's vectors of weights.
#define OCTET_DOT(i, v, w) "sdot %[s" #i #v "].4s, v" #w ".16b, v" #i ".4b[\\dot]\n\t"
#define OCTET_DOTS_0(i) OCTET_DOT(i, 0, 30)
#define OCTET_DOTS_01(i) OCTET_DOTS_0(i) OCTET_DOT(i, 1, 31)
#define OCTET_DOTS_2(i) OCTET_DOT(i, 2, 30)
#define OCTET_DOTS_23(i) OCTET_DOTS_2(i) OCTET_DOT(i, 3, 31)
#define OCTET_TWO_WEIGHTS "ldp q30, q31, [x12], #32\n\t"
#define OCTET_ONE_WEIGHT "ldr q30, [x12], #16\n\t"
#define OCTET_PRODUCTS_1(pixels) OCTET_ONE_WEIGHT OCTET_EACH_##pixels(OCTET_DOTS_0)
#define OCTET_PRODUCTS_2(pixels) OCTET_TWO_WEIGHTS OCTET_EACH_##pixels(OCTET_DOTS_01)
#define OCTET_PRODUCTS_3(pixels) \
  OCTET_PRODUCTS_2(pixels) OCTET_ONE_WEIGHT OCTET_EACH_##pixels(OCTET_DOTS_2)
#define OCTET_PRODUCTS_4(pixels) \
  OCTET_PRODUCTS_2(pixels) OCTET_TWO_WEIGHTS OCTET_EACH_##pixels(OCTET_DOTS_23)

// x13 runs through a segment; x14 is where its last whole 16 bytes end.
// clang-format off
#define OCTET_TILE_TEXT(pixels, vectors)                                 \
  OCTET_BEGIN(pixels, vectors)                                           \
  "and x15, x11, #-16\n\t"                                               \
  "1:\n\t"                                                               \
  "ldr x13, [x9], #8\n\t"                                                \
  "add x14, x13, x15\n\t"                                                \
  "cbz x15, 3f\n\t"                                                      \
  "2:\n\t"                                                               \
  OCTET_EACH_##pixels(OCTET_LOAD_16)                                     \
  ".irp dot,  0, 1, 2, 3\n\t"                                            \
  OCTET_PRODUCTS_##vectors(pixels)                                           \
  ".endr\n\t"                                                            \
  "add x13, x13, #16\n\t"                                                \
  "cmp x13, x14\n\t"                                                     \
  "b.ne 2b\n\t"                                                          \
  "3:\n\t"                                                               \
  "tbz x11, #3, 4f\n\t"                                                  \
  OCTET_EACH_##pixels(OCTET_LOAD_8)                                      \
  ".irp dot,  0, 1\n\t"                                                  \
  OCTET_PRODUCTS_##vectors(pixels)                                           \
  ".endr\n\t"                                                            \
  "add x13, x13, #8\n\t"                                                 \
  "4:\n\t"                                                               \
  "tbz x11, #2, 5f\n\t"                                                  \
  OCTET_EACH_##pixels(OCTET_LOAD_4)                                      \
  ".irp dot,  0\n\t"                                                     \
  OCTET_PRODUCTS_##vectors(pixels)                                           \
  ".endr\n\t"                                                            \
  "5:\n\t"                                                               \
  "cmp x9, x10\n\t"                                                      \
  "b.ne 1b\n\t"
// clang-format on

#define OCTET_TILE_LOOP(pixels, vectors, ...)                                   \
  template <>                                                                   \
  struct TileLoop<pixels, vectors> {                                            \
    [[gnu::always_inline]] static void run(const arm::TileCall& call,           \
                                           const uint8_t* const* windows,       \
                                           int32x4_t (&sum)[pixels][vectors]) { \
      asm volatile(OCTET_TILE_TEXT(pixels, vectors)                             \
                   : OCTET_LIST_##pixels(OCTET_SUMS_##vectors)                  \
                   : [call] "r"(&call), [windows] "r"(windows)                  \
                   : OCTET_REGISTERS, "v30", "v31", __VA_ARGS__);               \
    }                                                                           \
  };

namespace octet::kernels {
namespace {

OCTET_TILE_LOOP(6, 4, "v0", "v1", "v2", "v3", "v4", "v5")
OCTET_TILE_LOOP(5, 4, "v0", "v1", "v2", "v3", "v4")
OCTET_TILE_LOOP(3, 4, "v0", "v1", "v2")
OCTET_TILE_LOOP(1, 4, "v0")
OCTET_TILE_LOOP(7, 3, "v0", "v1", "v2", "v3", "v4", "v5", "v6")
OCTET_TILE_LOOP(1, 3, "v0")
OCTET_TILE_LOOP(8, 2, "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7")
OCTET_TILE_LOOP(1, 2, "v0")
OCTET_TILE_LOOP(8, 1, "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7")
OCTET_TILE_LOOP(1, 1, "v0")

}  // namespace
}  // namespace octet::kernels
