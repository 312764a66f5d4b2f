// What the inner loops of dense layers are called with.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels::arm {

/// The sums of some pixels and one tile of output channels. Read by assembly (tile_loop.h): the
/// order counts.
struct TileCall {
  const int64_t* segments;  ///< Distances of the segments from a window's begin: at least one.
  const int64_t* segments_end;
  int64_t segment_length;   ///< Bytes, a multiple of what a step takes.
  const std::byte* packed;  ///< Bias, multiplier, weights: see GemmTile.
  const std::byte* flags;   ///< Of blocks: see GemmTraits::rotated.
};

}  // namespace octet::kernels::arm

namespace octet::kernels {
namespace {

/// The inner loop of a tile; each instruction set has its own.
/// run(call, windows, sum): sum[i][v] = bias[v] + all products of the pixel that begins at
/// windows[i].
template <int pixels, int vectors>
struct TileLoop;

}  // namespace
}  // namespace octet::kernels
