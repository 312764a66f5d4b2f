// The arguments of the inner loops of dense layers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels::x86 {

/// Describes the sums of some pixels and one tile of output channels.
struct TileCall {
  const uint8_t* const* windows;  ///< Where each pixel's window begins.
  const int64_t* segments;        ///< Bytes from there to each segment, at least one.
  const int64_t* segments_end;
  int64_t segment_length;   ///< Bytes, a multiple of 4.
  const std::byte* packed;  ///< Bias, multiplier, weights: see GemmTile.
  /// The address of the weights that are read next. They are fetched into the second-level cache on
  /// the way, since weights that are read once a run come from far away: one line with each dot of
  /// a deep tile, next_lines lines with each shallow tile. It is no pointer, since it may be 0 or
  /// beyond the weights.
  std::uintptr_t next;
  int32_t next_lines;
};

}  // namespace octet::kernels::x86

namespace octet::kernels {
namespace {

/// The inner loop of a shallow tile; each instruction set has its own.
/// run(call, window, sum): sum[i][v] = bias[v] + all products of the pixel that begins at
/// window[i].
template <int pixels, int vectors>
struct ShallowTile;

/// The same for pairs of pixels of 17 to 24 channels, two windows a pair, where a vector has 16
/// lanes: sum[i] has channels 0 to 15 of the first pixel, 0 to 15 of the second, and 16 to 23 of
/// both.
template <int pairs>
struct ShallowPairs;

}  // namespace
}  // namespace octet::kernels
