// Functions of one u8 value as tables of 256 bytes.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace octet::kernels {
namespace {

/// Four quarters of the table, each looked up with the bytes that are in its range: beyond it tbx
/// leaves what was found before.
inline void look_up(const uint8_t* table, const uint8_t* input, uint8_t* output,
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

}  // namespace
}  // namespace octet::kernels
