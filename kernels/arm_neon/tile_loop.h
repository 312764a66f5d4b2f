// The inner loops of dense layers with products of s8 that are summed up in pairs as s16, then
// pairwise to s32: smull, smlal2, sadalp. How weights are packed for it: GemmTraits::rotated.
#pragma once

#include "kernels/arm/tile_loop.h"

// The products of pixel i with the weights in v31 go to v(16 + i), and are added up.
#define OCTET_TERM_0 "v16"
#define OCTET_TERM_1 "v17"
#define OCTET_TERM_2 "v18"
#define OCTET_TERM_3 "v19"
#define OCTET_TERM_4 "v20"
#define OCTET_TERM_5 "v21"
#define OCTET_TERM_6 "v22"
#define OCTET_TERM_7 "v23"
#define OCTET_LOWER(i) "smull " OCTET_TERM_##i ".8h, v31.8b, v" #i ".8b\n\t"
#define OCTET_UPPER(i) "smlal2 " OCTET_TERM_##i ".8h, v31.16b, v" #i ".16b\n\t"
// Where a sum of two could overflow, each is added by itself.
#define OCTET_UPPER_ALONE(i) "smull2 " OCTET_TERM_##i ".8h, v31.16b, v" #i ".16b\n\t"
#define OCTET_ADD_UP(i, v) "sadalp %[s" #i #v "].4s, " OCTET_TERM_##i ".8h\n\t"
#define OCTET_ADD_UP_0(i) OCTET_ADD_UP(i, 0)
#define OCTET_ADD_UP_1(i) OCTET_ADD_UP(i, 1)
#define OCTET_ADD_UP_2(i) OCTET_ADD_UP(i, 2)
#define OCTET_ADD_UP_3(i) OCTET_ADD_UP(i, 3)
#define OCTET_VECTOR_usual(pixels, v)                                                         \
  "ldr q31, [x12], #16\n\t" OCTET_EACH_##pixels(OCTET_LOWER) OCTET_EACH_##pixels(OCTET_UPPER) \
      OCTET_EACH_##pixels(OCTET_ADD_UP_##v)
#define OCTET_VECTOR_extreme(pixels, v)                                                            \
  "ldr q31, [x12], #16\n\t" OCTET_EACH_##pixels(OCTET_LOWER) OCTET_EACH_##pixels(OCTET_ADD_UP_##v) \
      OCTET_EACH_##pixels(OCTET_UPPER_ALONE) OCTET_EACH_##pixels(OCTET_ADD_UP_##v)
#define OCTET_ROTATION_1(pixels, how) OCTET_VECTOR_##how(pixels, 0)
#define OCTET_ROTATION_2(pixels, how) OCTET_ROTATION_1(pixels, how) OCTET_VECTOR_##how(pixels, 1)
#define OCTET_ROTATION_3(pixels, how) OCTET_ROTATION_2(pixels, how) OCTET_VECTOR_##how(pixels, 2)
#define OCTET_ROTATION_4(pixels, how) OCTET_ROTATION_3(pixels, how) OCTET_VECTOR_##how(pixels, 3)

#define OCTET_ROTATE(i) "ext v" #i ".16b, v" #i ".16b, v" #i ".16b, #2\n\t"
// 8 bytes: in the lower half as they are, in the upper half rotated by 4. Rotating both by two.
#define OCTET_SPREAD(i)               \
  "rev64 " OCTET_TERM_##i ".2s, v" #i \
                          ".2s\n\t"   \
                          "zip1 v" #i ".2d, v" #i ".2d, " OCTET_TERM_##i ".2d\n\t"
#define OCTET_ROTATE_HALVES(i)                  \
  "ushr " OCTET_TERM_##i ".2d, v" #i            \
                         ".2d, #16\n\t"         \
                         "shl v" #i ".2d, v" #i \
                         ".2d, #48\n\t"         \
                         "orr v" #i ".16b, v" #i ".16b, " OCTET_TERM_##i ".16b\n\t"

// clang-format off
#define OCTET_TILE_TEXT(pixels, vectors, how)                            \
  OCTET_BEGIN(pixels, vectors)                                           \
  "and x15, x11, #-16\n\t"                                               \
  "1:\n\t"                                                               \
  "ldr x13, [x9], #8\n\t"                                                \
  "add x14, x13, x15\n\t"                                                \
  "cbz x15, 3f\n\t"                                                      \
  "2:\n\t"                                                               \
  OCTET_EACH_##pixels(OCTET_LOAD_16)                                     \
  ".irp rotation, 0, 1, 2\n\t"                                           \
  OCTET_ROTATION_##vectors(pixels, how)                                  \
  OCTET_EACH_##pixels(OCTET_ROTATE)                                      \
  ".endr\n\t"                                                            \
  OCTET_ROTATION_##vectors(pixels, how)                                  \
  "add x13, x13, #16\n\t"                                                \
  "cmp x13, x14\n\t"                                                     \
  "b.ne 2b\n\t"                                                          \
  "3:\n\t"                                                               \
  "tbz x11, #3, 4f\n\t"                                                  \
  OCTET_EACH_##pixels(OCTET_LOAD_8)                                      \
  OCTET_EACH_##pixels(OCTET_SPREAD)                                      \
  OCTET_ROTATION_##vectors(pixels, how)                                  \
  OCTET_EACH_##pixels(OCTET_ROTATE_HALVES)                               \
  OCTET_ROTATION_##vectors(pixels, how)                                  \
  "4:\n\t"                                                               \
  "cmp x9, x10\n\t"                                                      \
  "b.ne 1b\n\t"
// clang-format on

#define OCTET_TILE_ASM(pixels, vectors, how, ...)          \
  asm volatile(OCTET_TILE_TEXT(pixels, vectors, how)       \
               : OCTET_LIST_##pixels(OCTET_SUMS_##vectors) \
               : [call] "r"(&call), [windows] "r"(windows) \
               : OCTET_REGISTERS, "v31", __VA_ARGS__)
#define OCTET_TILE_LOOP(pixels, vectors, ...)                                             \
  template <>                                                                             \
  struct TileLoop<pixels, vectors> {                                                      \
    using Sums = int32x4_t[pixels][vectors];                                              \
    [[gnu::always_inline]] static void run(const arm::TileCall& call,                     \
                                           const uint8_t* const* windows, Sums& sum) {    \
      if (call.extreme) return run_extreme(call, windows, sum);                           \
      OCTET_TILE_ASM(pixels, vectors, usual, __VA_ARGS__);                                \
    }                                                                                     \
    /* Rare: once, for all that end differently. */                                       \
    [[gnu::noinline]] static void run_extreme(const arm::TileCall& call,                  \
                                              const uint8_t* const* windows, Sums& sum) { \
      OCTET_TILE_ASM(pixels, vectors, extreme, __VA_ARGS__);                              \
    }                                                                                     \
  };

namespace octet::kernels {
namespace {

OCTET_TILE_LOOP(4, 4, "v0", "v1", "v2", "v3", "v16", "v17", "v18", "v19")
OCTET_TILE_LOOP(2, 4, "v0", "v1", "v16", "v17")
OCTET_TILE_LOOP(1, 4, "v0", "v16")
OCTET_TILE_LOOP(5, 3, "v0", "v1", "v2", "v3", "v4", "v16", "v17", "v18", "v19", "v20")
OCTET_TILE_LOOP(1, 3, "v0", "v16")
OCTET_TILE_LOOP(6, 2, "v0", "v1", "v2", "v3", "v4", "v5", "v16", "v17", "v18", "v19", "v20", "v21")
OCTET_TILE_LOOP(1, 2, "v0", "v16")
OCTET_TILE_LOOP(8, 1, "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19",
                "v20", "v21", "v22", "v23")
OCTET_TILE_LOOP(1, 1, "v0", "v16")

}  // namespace
}  // namespace octet::kernels
