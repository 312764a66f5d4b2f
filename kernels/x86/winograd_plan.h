// Dense 3x3 convolutions by Winograd's minimal filtering, F(2x2, 3x3) (Lavin and Gray 2016, "Fast
// algorithms for convolutional neural networks", section 4.1), in integers, so that the sums are
// the same to the last bit: 16 products give 2x2 outputs, where 36 are summed otherwise.
//
// The filter's transform has halves in it; here it is doubled in both directions, which makes every
// sum four times what it should be, and a shift by two bits exact. Transformed pixels are within
// [-510, 1020] and weights within [-1152, 1152]: s16, which vpmaddwd multiplies. Where bytes have
// products of their own (VNNI) the s16 ones cost what is saved.
#pragma once

#include "kernels/x86/gemm_plan.h"

namespace octet::kernels::x86 {

constexpr int32_t winograd_positions = 16;  ///< Of a transformed 4x4 patch.

/// Stands at the head of the packed weights.
///
/// At a GemmTile's offset: its bias and multiplier, as there; then for each position zeros in their
/// place, and weights [steps][vectors][lanes][2] s16: what a shallow tile's loop reads.
struct WinogradPlan {
  int32_t patch_rows;  ///< Rows and columns of 2x2 outputs, the last of which may be cut off.
  int32_t patch_columns;
  int32_t tiles;  ///< GemmTile [tiles], behind the plan.
  std::size_t tile_table;
  int64_t step_bytes;  ///< Of a patch's values at one position: input channels, padded to pairs.
  std::size_t patch_values;  ///< Values from a patch to the next: a whole number of 16.

  // Work: threads take rows of patches, or, where patches are few, tiles of channels.
  bool splits_tiles;
  int32_t items;
  int32_t block_rows;  ///< Rows of patches that are transformed at once.

  // Bytes in scratch.
  std::size_t band;         ///< u8 [2 * block_rows + 2][2 * patch_columns + 2][C]
  std::size_t transformed;  ///< s16 [16][patches of a block][patch_values]
  std::size_t windows;      ///< Pointers to each patch of a block at one position.
  std::size_t sums;         ///< s32 [16][patches of a block][vectors][lanes]
};

bool winograd_supports(const ConvParams& params);
std::size_t winograd_packed_size(const GemmTraits& traits, const ConvParams& params);
void winograd_pack(const GemmTraits& traits, const ConvParams& params, std::byte* packed);
std::size_t winograd_scratch_size(const GemmTraits& traits, const ConvParams& params);
std::size_t winograd_items(const GemmTraits& traits, const ConvParams& params);

/// Fills the band with what patch rows [row, row + rows) of an image read.
void winograd_copy_band(const ConvParams& params, const WinogradPlan& plan, const uint8_t* image,
                        int32_t row, int32_t rows, uint8_t* band);

/// Bytes of a tile at one position.
std::size_t winograd_position_bytes(const WinogradPlan& plan, int32_t lanes, int32_t vectors);

}  // namespace octet::kernels::x86
