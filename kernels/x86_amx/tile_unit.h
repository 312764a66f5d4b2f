// AMX's tile registers: eight, each of up to 16 rows of up to 64 bytes. Intel 64 and IA-32
// Architectures Software Developer's Manual, volume 1, chapter 18.
//
// The instructions are written out: compilers do not know that their own intrinsics read and write
// memory, and do not allocate these registers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels {
namespace {

/// Sets the shapes of the tile registers while it lives: tiles 0 to 3 are sums, 4 and 5 pixels, 6
/// and 7 weights. Its destructor releases them; otherwise the operating system would save 8 KB with
/// each change of threads.
class TileUnit {
 public:
  static constexpr int32_t most_rows = 16;
  static constexpr int32_t row_bytes = 64;
  static constexpr int32_t most_dots = row_bytes / 4;
  static constexpr int first_pixels = 4;
  static constexpr int first_weights = 6;

  /// Tiles of `pixels` pixels, at most 16, that run over `dots` dots, at most 16.
  TileUnit(int32_t pixels, int32_t dots) {
    struct alignas(64) Shapes {
      uint8_t palette = 1;
      uint8_t start_row = 0;
      uint8_t reserved[14] = {};
      uint16_t row_bytes[16] = {};
      uint8_t rows[16] = {};
    } shapes;
    for (int i = 0; i < first_weights; ++i) {
      const bool sums = i < first_pixels;
      shapes.rows[i] = static_cast<uint8_t>(pixels);
      shapes.row_bytes[i] = static_cast<uint16_t>(sums ? row_bytes : 4 * dots);
    }
    for (int i = first_weights; i < 8; ++i) {
      shapes.rows[i] = static_cast<uint8_t>(dots);
      shapes.row_bytes[i] = row_bytes;
    }
    asm volatile("ldtilecfg %0" : : "m"(shapes));
  }
  ~TileUnit() { asm volatile("tilerelease"); }
  TileUnit(const TileUnit&) = delete;
  TileUnit& operator=(const TileUnit&) = delete;

  template <int tile>
  static void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(tile));
  }
  /// Rows are `stride` bytes apart.
  template <int tile>
  static void load(const void* from, std::size_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(tile) : "memory");
  }
  template <int tile>
  static void store(void* to, std::size_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(tile) : "memory");
  }
  /// sums[row][column] += pixels[row][4 k + i] * weights[k][4 column + i], u8 times s8.
  template <int sums, int pixels, int weights>
  static void dot() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sums), "i"(pixels), "i"(weights));
  }
};

}  // namespace
}  // namespace octet::kernels
