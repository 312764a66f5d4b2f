// Depthwise convolutions: how one is laid out, decided once a session. Shared by all
// instruction sets that have vectors.
//
// A dot product of four bytes wants four taps of one channel side by side, and an image has four
// channels side by side. So rows are interleaved first: a stack is the bytes of one channel of one
// column in four neighbouring rows. Then a filter of up to four rows is one dot product a column. A
// stack serves several output rows: the filter's rows are shifted in it, with zeros around them.
// Where there are no dot products, but pairs of products are added up, a stack is two rows high.
//
// A row is taken as one run of columns * channels bytes, whatever the number of channels, so that
// no lane is wasted; weights repeat with a period of lcm(channels, lanes) values. With a horizontal
// stride the columns of each remainder lie together in a plane, and what one tap reads is
// contiguous again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/vector/rounding.h"

namespace octet::kernels::vector {

struct DepthwiseTraits {
  int32_t lanes;      ///< s32 values in a vector
  bool wide_weights;  ///< Stored as s16, which vpmaddwd multiplies in pairs.
  /// Blocks of outputs that share the weights that are loaded: 1, where a dot product takes them
  /// from memory itself, or 2.
  int32_t blocks;
  int32_t max_rows;        ///< Output rows at once that registers allow: 2 or 4.
  bool flips;              ///< Stacks are s8: see GemmTraits.
  int32_t stack_rows = 4;  ///< Or 2.

  /// A vector's worth of stacks is 4 * lanes bytes, or half of them: then the weights of two
  /// vectors of channels lie side by side.
  constexpr int32_t pattern_vectors() const { return 4 / stack_rows; }
};

/// Stands at the head of the packed weights.
struct DepthwisePlan {
  int32_t rows;    ///< Output rows of a group, made together.
  int32_t stacks;  ///< Stacks one below the other that a group reads.
  Rounding rounding;
  bool has_extreme;    ///< A weight is -128.
  int32_t columns;     ///< The filter's width, of each part of the weights.
  int32_t groups;      ///< Groups an image; items are batch * groups.
  int32_t new_stacks;  ///< Stacks that the next group down does not share with this one.

  // A piece of the image is done from its top to its bottom before the next is begun, so that its
  // stacks stay in the nearest cache: some of the columns, with some of the channels where there
  // are many.
  int32_t piece_columns;       ///< Output columns.
  std::size_t piece_channels;  ///< All, or a multiple of what fills a vector of bytes.
  int32_t planes;
  std::size_t plane_stacks;  ///< Stacks from one plane to the next.
  std::size_t slot_stacks;   ///< Stacks of all planes.

  /// Where a column is a whole number of vectors there is one plane, whatever the stride: the
  /// columns that an output does not begin at are skipped.
  int32_t column_step;         ///< Columns from an output's to the next one's, in its plane.
  std::size_t column_vectors;  ///< After so many vectors,
  std::size_t column_skip;     ///< so many bytes of stacks are skipped.
  /// Values in a block. After a block, a pattern of the weights and a vector of output bytes begin
  /// at the same value again. Where blocks share nothing, a block is the whole piece.
  std::size_t block_values;

  /// Of pattern_vectors vectors of channels: bias [.. * lanes] s32, minus z_x times the weights'
  /// sum; multiplier [.. * lanes] float32; weights [rows][stacks][columns][.. * lanes][stack_rows].
  std::size_t pattern_bytes;
  std::size_t piece_vectors;  ///< Vectors after which the patterns of a piece repeat.

  // Bytes from the head.
  std::size_t tap_table;  ///< int64_t [columns]: bytes from a slot's begin to where the tap reads.
  std::size_t patterns;

  // Bytes in scratch.
  std::size_t padding_row;  ///< As long as an image row, of z_x.
  /// [stacks][slot_stacks][stack_rows]; at the begin of scratch, a row of stacks in order.
  std::size_t slots;
};

/// One filter a channel, and results that provably stay within s32 before the clamp.
bool depthwise_supports(const ConvParams& params);
std::size_t depthwise_packed_size(const DepthwiseTraits& traits, const ConvParams& params);
void depthwise_pack(const DepthwiseTraits& traits, const ConvParams& params, std::byte* packed);
std::size_t depthwise_scratch_size(const DepthwiseTraits& traits, const ConvParams& params);
std::size_t depthwise_items(const DepthwiseTraits& traits, const ConvParams& params);

}  // namespace octet::kernels::vector
