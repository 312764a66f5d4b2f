// What the inner loops of dense layers are called with.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels::x86 {

/// The sums of some pixels and one tile of output channels.
struct TileCall {
  const uint8_t* const* windows;  ///< Where each of the pixels reads.
  const int64_t* segments;        ///< Distances of the segments from there: at least one.
  const int64_t* segments_end;
  int64_t segment_length;   ///< Bytes, a multiple of 4.
  const std::byte* packed;  ///< Bias, multiplier, weights: see GemmTile.
  /// Weights that come next are fetched into the second-level cache on the way, since weights that
  /// are read once a run come from far away: a line with each step of a deep tile, and these with a
  /// shallow one. An address and no pointer: it may be 0, or beyond the weights.
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
/// lanes: sum[i] is channels 0 to 15 of the first pixel, of the second, and 16 to 23 of both.
template <int pairs>
struct ShallowPairs;

}  // namespace
}  // namespace octet::kernels
