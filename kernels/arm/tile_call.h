// The arguments of the inner loops of dense layers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels::arm {

/// Describes the sums of some pixels and one tile of output channels. Assembly reads it
/// (tile_loop.h), so the order of members counts.
struct TileCall {
  const int64_t* segments;  ///< Bytes from a window's begin to each segment, at least one.
  const int64_t* segments_end;
  int64_t segment_length;   ///< Bytes, a multiple of GemmTraits::dot_bytes.
  const std::byte* packed;  ///< Bias, multiplier, weights: see GemmTile.
  const std::byte* flags;   ///< Flag bytes of bundles: see GemmTraits::rotated.
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
