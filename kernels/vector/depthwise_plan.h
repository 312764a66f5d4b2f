// How a depthwise convolution is laid out, which is decided once a session. Shared by all
// instruction sets that have vectors.
//
// A dot product of four bytes wants four taps of one channel side by side, and an image has four
// channels side by side. So rows are interleaved first: a stack is the bytes of one channel of one
// column in four neighbouring rows. Then a filter of up to four rows takes one dot product for each
// of its columns. A stack serves several output rows: the filter's rows are shifted in it, with
// zeros around them. Plain NEON has no dot products and adds up pairs of products: there a stack is
// two rows high.
//
// A row is taken as one run of columns * channels bytes, whatever the number of channels, so that
// no lane is wasted; weights repeat with a period of lcm(channels, lanes) values. With a horizontal
// stride, columns that have the same remainder modulo the stride lie together in a plane, so that
// what one tap reads is contiguous again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/vector/rounding.h"

namespace octet::kernels::vector {

struct DepthwiseTraits {
  int32_t lanes;      ///< s32 values in a vector
  bool wide_weights;  ///< They are s16, which vpmaddwd multiplies in pairs.
  /// How many periods of outputs share each weight that is loaded: 2, or 1 where a dot product
  /// takes its weights from memory.
  int32_t periods;
  int32_t max_rows;        ///< Most output rows that fit the registers at once: 2 or 4.
  bool flips;              ///< Stacks are s8: see GemmTraits::flips.
  int32_t stack_rows = 4;  ///< Rows in a stack: 4 or 2.

  /// How many vectors of channels have their weights side by side. A vector of channels has `lanes`
  /// stacks: 4 * lanes bytes, which fill a vector, or half as many.
  constexpr int32_t pattern_vectors() const { return 4 / stack_rows; }
};

/// Stands at the head of the packed weights.
struct DepthwisePlan {
  int32_t rows;    ///< Output rows of a strip, which are computed together.
  int32_t stacks;  ///< Stacks one below the other that a strip reads.
  Rounding rounding;
  bool has_extreme;    ///< Some weight is -128.
  int32_t columns;     ///< The filter's width times the halves of a weight.
  int32_t strips;      ///< Strips in an image; work items are batch * strips.
  int32_t new_stacks;  ///< Stacks that the next strip down does not share with this one.

  // A piece is some of an image's columns, with all channels or, where there are many, with some of
  // them. It is done from its top to its bottom before the next piece begins, so that its stacks
  // stay in the nearest cache.
  int32_t piece_columns;       ///< Output columns.
  std::size_t piece_channels;  ///< All channels, or a multiple of 4 * lanes of them.
  int32_t planes;
  std::size_t plane_stacks;  ///< Stacks from one plane to the next.
  std::size_t slot_stacks;   ///< Stacks of all planes.

  /// Where a column is a whole number of vectors there is one plane whatever the stride. Columns at
  /// which no output begins are then skipped.
  int32_t column_stride;       ///< Columns from one output's to the next one's, in a plane.
  std::size_t column_vectors;  ///< Vectors in a column.
  std::size_t column_skip;     ///< Bytes of stacks that are skipped behind each column.
  /// Values in a period. After a period, the patterns of the weights and a vector of output bytes
  /// begin at the same value again. Where periods share no weights, a period is the whole piece.
  std::size_t period_values;

  /// A pattern has, for n = pattern_vectors() * lanes channels: bias [n] s32, minus z_x times the
  /// weights' sum; multiplier [n] float32; weights [rows][stacks][columns][n][stack_rows]. Where
  /// the layer has channel rows, [channel_rows][n] stand behind them.
  std::size_t pattern_bytes;
  std::size_t pattern_rows;   ///< Bytes from a pattern's begin to its channel rows.
  std::size_t piece_vectors;  ///< Vectors after which the patterns of a piece repeat.

  // Bytes from the head.
  std::size_t tap_table;  ///< int64_t [columns]: bytes from a slot's begin to where the tap reads.
  std::size_t patterns;

  // Bytes in scratch.
  std::size_t padding_row;  ///< z_x, as long as an image row.
  /// Where channels have zero points of their own: the stacks of a column of padding.
  std::size_t padding_column;
  /// [stacks][slot_stacks][stack_rows]. At the begin of scratch is a row of stacks that is not
  /// dealt out to planes yet.
  std::size_t slots;
};

/// Supported are layers with one filter for each channel, where results provably stay within s32
/// before the clamp and two bytes can hold each weight.
bool depthwise_supports(const ConvParams& params);
std::size_t depthwise_packed_size(const DepthwiseTraits& traits, const ConvParams& params);
void depthwise_pack(const DepthwiseTraits& traits, const ConvParams& params, std::byte* packed);
std::size_t depthwise_scratch_size(const DepthwiseTraits& traits, const ConvParams& params);
std::size_t depthwise_items(const DepthwiseTraits& traits, const ConvParams& params);

}  // namespace octet::kernels::vector
