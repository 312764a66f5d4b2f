// The inner loops of dense layers with products of s8. Four products are summed up as s16, then
// pairwise to s32: smull, smlal2, smlal, smlal2, sadalp. Where four products might not fit an s16,
// two are summed up; where two might not, one. A flag byte for each bundle of weights says which.
// One product at a time is rare: only low tiles have a loop for it. GemmTraits::rotated says how
// weights are packed.
#pragma once

#include "kernels/arm/tile_loop.h"

// v(i) is pixel i, v(8 + i) is pixel i rotated by two bytes more, and v(16 + i) is the sum of its
// products. v30 has the weights for v(i), v31 those for v(8 + i).
#define OCTET_TURNED_0 "v8"
#define OCTET_TURNED_1 "v9"
#define OCTET_TURNED_2 "v10"
#define OCTET_TURNED_3 "v11"
#define OCTET_TURNED_4 "v12"
#define OCTET_TURNED_5 "v13"
#define OCTET_TURNED_6 "v14"
#define OCTET_TERM_0 "v16"
#define OCTET_TERM_1 "v17"
#define OCTET_TERM_2 "v18"
#define OCTET_TERM_3 "v19"
#define OCTET_TERM_4 "v20"
#define OCTET_TERM_5 "v21"
#define OCTET_TERM_6 "v22"
#define OCTET_FIRST(i) "smull " OCTET_TERM_##i ".8h, v30.8b, v" #i ".8b\n\t"
#define OCTET_SECOND(i) "smlal2 " OCTET_TERM_##i ".8h, v30.16b, v" #i ".16b\n\t"
#define OCTET_THIRD(i) "smlal " OCTET_TERM_##i ".8h, v31.8b, " OCTET_TURNED_##i ".8b\n\t"
#define OCTET_FOURTH(i) "smlal2 " OCTET_TERM_##i ".8h, v31.16b, " OCTET_TURNED_##i ".16b\n\t"
#define OCTET_SECOND_ALONE(i) "smull2 " OCTET_TERM_##i ".8h, v30.16b, v" #i ".16b\n\t"
#define OCTET_THIRD_ALONE(i) "smull " OCTET_TERM_##i ".8h, v31.8b, " OCTET_TURNED_##i ".8b\n\t"
#define OCTET_FOURTH_ALONE(i) "smull2 " OCTET_TERM_##i ".8h, v31.16b, " OCTET_TURNED_##i ".16b\n\t"
#define OCTET_ADD_UP(i, v) "sadalp %[s" #i #v "].4s, " OCTET_TERM_##i ".8h\n\t"
#define OCTET_ADD_UP_0(i) OCTET_ADD_UP(i, 0)
#define OCTET_ADD_UP_1(i) OCTET_ADD_UP(i, 1)
#define OCTET_ADD_UP_2(i) OCTET_ADD_UP(i, 2)
#define OCTET_ADD_UP_3(i) OCTET_ADD_UP(i, 3)
// clang-format off
#define OCTET_VECTOR_fours(pixels, v)                                                 \
  "ldp q30, q31, [x12], #32\n\t"                                                         \
  OCTET_EACH_##pixels(OCTET_FIRST) OCTET_EACH_##pixels(OCTET_SECOND)                     \
  OCTET_EACH_##pixels(OCTET_THIRD) OCTET_EACH_##pixels(OCTET_FOURTH)                     \
  OCTET_EACH_##pixels(OCTET_ADD_UP_##v)
#define OCTET_VECTOR_twos(pixels, v)                                                     \
  "ldp q30, q31, [x12], #32\n\t"                                                         \
  OCTET_EACH_##pixels(OCTET_FIRST) OCTET_EACH_##pixels(OCTET_SECOND)                     \
  OCTET_EACH_##pixels(OCTET_ADD_UP_##v)                                                  \
  OCTET_EACH_##pixels(OCTET_THIRD_ALONE) OCTET_EACH_##pixels(OCTET_FOURTH)               \
  OCTET_EACH_##pixels(OCTET_ADD_UP_##v)
#define OCTET_VECTOR_alone(pixels, v)                                                    \
  "ldp q30, q31, [x12], #32\n\t"                                                         \
  OCTET_EACH_##pixels(OCTET_FIRST) OCTET_EACH_##pixels(OCTET_ADD_UP_##v)                 \
  OCTET_EACH_##pixels(OCTET_SECOND_ALONE) OCTET_EACH_##pixels(OCTET_ADD_UP_##v)          \
  OCTET_EACH_##pixels(OCTET_THIRD_ALONE) OCTET_EACH_##pixels(OCTET_ADD_UP_##v)           \
  OCTET_EACH_##pixels(OCTET_FOURTH_ALONE) OCTET_EACH_##pixels(OCTET_ADD_UP_##v)
// clang-format on
#define OCTET_ROTATIONS_1(pixels, how) OCTET_VECTOR_##how(pixels, 0)
#define OCTET_ROTATIONS_2(pixels, how) OCTET_ROTATIONS_1(pixels, how) OCTET_VECTOR_##how(pixels, 1)
#define OCTET_ROTATIONS_3(pixels, how) OCTET_ROTATIONS_2(pixels, how) OCTET_VECTOR_##how(pixels, 2)
#define OCTET_ROTATIONS_4(pixels, how) OCTET_ROTATIONS_3(pixels, how) OCTET_VECTOR_##how(pixels, 3)

#define OCTET_TURN(i) "ext " OCTET_TURNED_##i ".16b, v" #i ".16b, v" #i ".16b, #2\n\t"
#define OCTET_TURN_ON(i) \
  "ext v" #i ".16b, " OCTET_TURNED_##i ".16b, " OCTET_TURNED_##i ".16b, #2\n\t"
// SPREAD leaves 8 bytes in the lower half as they are and puts them into the upper half, rotated by
// 4. TURN_HALVES rotates both halves by two.
#define OCTET_SPREAD(i)               \
  "rev64 " OCTET_TERM_##i ".2s, v" #i \
                          ".2s\n\t"   \
                          "zip1 v" #i ".2d, v" #i ".2d, " OCTET_TERM_##i ".2d\n\t"
#define OCTET_TURN_HALVES(i)                                                                       \
  "ushr " OCTET_TERM_##i ".2d, v" #i                                                               \
                         ".2d, #16\n\t"                                                            \
                         "shl " OCTET_TURNED_##i ".2d, v" #i                                       \
                                                 ".2d, #48\n\t"                                    \
                                                 "orr " OCTET_TURNED_##i ".16b, " OCTET_TURNED_##i \
      ".16b, " OCTET_TERM_##i ".16b\n\t"

// x16 walks over the flags.
// clang-format off
#define OCTET_BUNDLE(pixels, vectors, how)                                \
  OCTET_ROTATIONS_##vectors(pixels, how)                                 \
  OCTET_EACH_##pixels(OCTET_TURN_ON)                                     \
  OCTET_EACH_##pixels(OCTET_TURN)                                        \
  OCTET_ROTATIONS_##vectors(pixels, how)
// Where a bundle's flag says that `usual` would overflow, this jumps to 6 or 7, which run `rare`.
#define OCTET_TILE_TEXT(pixels, vectors, usual, rare, jump)              \
  OCTET_BEGIN(pixels, vectors)                                           \
  "ldr x16, [%[call], #32]\n\t"                                          \
  "and x15, x11, #-16\n\t"                                               \
  "1:\n\t"                                                               \
  "ldr x13, [x9], #8\n\t"                                                \
  "add x14, x13, x15\n\t"                                                \
  "cbz x15, 4f\n\t"                                                      \
  "2:\n\t"                                                               \
  "ldrb w17, [x16], #1\n\t"                                              \
  OCTET_EACH_##pixels(OCTET_LOAD_16)                                     \
  OCTET_EACH_##pixels(OCTET_TURN)                                        \
  jump "6f\n\t"                                                          \
  OCTET_BUNDLE(pixels, vectors, usual)                                    \
  "3:\n\t"                                                               \
  "add x13, x13, #16\n\t"                                                \
  "cmp x13, x14\n\t"                                                     \
  "b.ne 2b\n\t"                                                          \
  "4:\n\t"                                                               \
  "tbz x11, #3, 5f\n\t"                                                  \
  "ldrb w17, [x16], #1\n\t"                                              \
  OCTET_EACH_##pixels(OCTET_LOAD_8)                                      \
  OCTET_EACH_##pixels(OCTET_SPREAD)                                      \
  OCTET_EACH_##pixels(OCTET_TURN_HALVES)                                 \
  jump "7f\n\t"                                                          \
  OCTET_ROTATIONS_##vectors(pixels, usual)                               \
  "5:\n\t"                                                               \
  "cmp x9, x10\n\t"                                                      \
  "b.ne 1b\n\t"                                                          \
  "b 8f\n\t"                                                             \
  "6:\n\t"                                                               \
  OCTET_BUNDLE(pixels, vectors, rare)                                     \
  "b 3b\n\t"                                                             \
  "7:\n\t"                                                               \
  OCTET_ROTATIONS_##vectors(pixels, rare)                                \
  "b 5b\n\t"                                                             \
  "8:\n\t"
// clang-format on

#define OCTET_LOOP(pixels, vectors, usual, rare, jump, ...)                     \
  template <>                                                                   \
  struct TileLoop<pixels, vectors> {                                            \
    [[gnu::always_inline]] static void run(const arm::TileCall& call,           \
                                           const uint8_t* const* windows,       \
                                           int32x4_t (&sum)[pixels][vectors]) { \
      asm volatile(OCTET_TILE_TEXT(pixels, vectors, usual, rare, jump)          \
                   : OCTET_LIST_##pixels(OCTET_SUMS_##vectors)                  \
                   : [call] "r"(&call), [windows] "r"(windows)                  \
                   : OCTET_REGISTERS, "x16", "x17", "v30", "v31", __VA_ARGS__); \
    }                                                                           \
  };
#define OCTET_TILE_LOOP(pixels, vectors, ...) \
  OCTET_LOOP(pixels, vectors, fours, twos, "cbnz w17, ", __VA_ARGS__)
#define OCTET_LOW_TILE_LOOP(pixels, vectors, ...) \
  OCTET_LOOP(pixels, vectors, twos, alone, "tbnz w17, #1, ", __VA_ARGS__)

namespace octet::kernels {
namespace {

OCTET_TILE_LOOP(4, 4, "v0", "v1", "v2", "v3", "v8", "v9", "v10", "v11", "v16", "v17", "v18", "v19")
OCTET_LOW_TILE_LOOP(2, 4, "v0", "v1", "v8", "v9", "v16", "v17")
OCTET_LOW_TILE_LOOP(1, 4, "v0", "v8", "v16")
OCTET_TILE_LOOP(5, 3, "v0", "v1", "v2", "v3", "v4", "v8", "v9", "v10", "v11", "v12", "v16", "v17",
                "v18", "v19", "v20")
OCTET_LOW_TILE_LOOP(1, 3, "v0", "v8", "v16")
OCTET_TILE_LOOP(6, 2, "v0", "v1", "v2", "v3", "v4", "v5", "v8", "v9", "v10", "v11", "v12", "v13",
                "v16", "v17", "v18", "v19", "v20", "v21")
OCTET_LOW_TILE_LOOP(1, 2, "v0", "v8", "v16")
OCTET_TILE_LOOP(7, 1, "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v8", "v9", "v10", "v11", "v12",
                "v13", "v14", "v16", "v17", "v18", "v19", "v20", "v21", "v22")
OCTET_LOW_TILE_LOOP(1, 1, "v0", "v8", "v16")

}  // namespace
}  // namespace octet::kernels
