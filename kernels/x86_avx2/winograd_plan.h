// Dense 3x3 and 5x5 convolutions by Winograd's minimal filtering (Lavin and Gray 2016, "Fast
// algorithms for convolutional neural networks", section 4.1), in integers, so that the sums are
// the same to the last bit. 2x2 outputs take this many products instead of 36 or 100:
//   3x3, stride 1: 16, F(2x2, 3x3)
//   3x3, stride 2: 25; in each direction the outer taps see every other pixel, F(2, 2) takes 3
//                  products, and the inner tap 2
//   5x5, stride 1: 49; in each direction taps 0 to 2 by F(2, 3), 3 and 4 by F(2, 2)
// The filter's transform of F(2, 3) has halves in it. Here it is doubled in both directions, which
// makes every sum four times what it should be; a shift by two bits, which loses nothing, undoes
// that. Transformed pixels are within [-510, 1020] and weights within [-2048, 2048]: s16, which
// vpmaddwd multiplies. Where an instruction multiplies bytes (VNNI) this is not used: products of
// s16 cost as much as it would save.
#pragma once

#include "kernels/vector/gemm_plan.h"

namespace octet::kernels::x86 {

using vector::GemmTraits;

/// A filter's transform in one direction; both directions are the same.
struct WinogradShape {
  int32_t kernel;
  int32_t stride;
  int32_t patch;       ///< Pixels that 2 outputs read.
  int32_t components;  ///< Products for 2 outputs.
  int32_t doublings;   ///< Sums are 2^doublings times what they should be.

  /// Pixels from one patch to the next.
  constexpr int32_t patch_stride() const { return 2 * stride; }
  constexpr bool operator==(const WinogradShape&) const = default;
};

constexpr WinogradShape winograd_3x3 = {
    .kernel = 3, .stride = 1, .patch = 4, .components = 4, .doublings = 1};
constexpr WinogradShape winograd_3x3_stride2 = {
    .kernel = 3, .stride = 2, .patch = 5, .components = 5, .doublings = 0};
constexpr WinogradShape winograd_5x5 = {
    .kernel = 5, .stride = 1, .patch = 6, .components = 7, .doublings = 1};

/// Stands at the head of the packed weights.
///
/// At a GemmTile's offset are its bias and multiplier, as GemmTile says. Then for each component
/// comes what a shallow tile's loop reads: zeros instead of bias and multiplier, and weights
/// [dots][vectors][lanes][2] s16.
struct WinogradPlan {
  WinogradShape shape;
  int32_t patch_rows;  ///< Rows and columns of 2x2 outputs, the last of which may be cut off.
  int32_t patch_columns;
  int32_t tiles;  ///< GemmTile [tiles], behind the plan.
  std::size_t tile_table;
  /// Bytes of a patch's values at one component: input channels, padded to pairs.
  int64_t segment_length;
  std::size_t patch_values;  ///< From one patch to the next: a multiple of 16.

  // Work: threads take rows of patches, or, where patches are few, tiles of channels.
  bool splits_tiles;
  int32_t items;
  int32_t block_rows;  ///< Rows of patches that are transformed at once.

  int32_t band_columns;
  int32_t band_rows(int32_t rows) const { return (rows - 1) * shape.patch_stride() + shape.patch; }

  // Bytes in scratch.
  std::size_t band;         ///< u8 [band_rows(block_rows)][band_columns][C]
  std::size_t transformed;  ///< s16 [components^2][patches of a block][patch_values]
  std::size_t sums;         ///< s32 [components^2][patches of a block][vectors][lanes]
};

bool winograd_supports(const ConvParams& params);
std::size_t winograd_packed_size(const GemmTraits& traits, const ConvParams& params);
void winograd_pack(const GemmTraits& traits, const ConvParams& params, std::byte* packed);
std::size_t winograd_scratch_size(const GemmTraits& traits, const ConvParams& params);
std::size_t winograd_items(const GemmTraits& traits, const ConvParams& params);

/// Fills the band with what patch rows [row, row + rows) of an image read.
void winograd_copy_band(const ConvParams& params, const WinogradPlan& plan, const uint8_t* image,
                        int32_t row, int32_t rows, uint8_t* band);

/// Bytes of a tile at one component.
std::size_t winograd_component_bytes(const WinogradPlan& plan, int32_t lanes, int32_t vectors);

}  // namespace octet::kernels::x86
