// Dense convolutions and linear layers as a matrix product: how one is cut into tiles, which is
// decided once a session, and how its weights are packed. For all instruction sets that have
// vectors.
//
// A tile is `vectors` accumulator vectors wide and a few pixels high. Every pixel's sum runs over
// segments: runs of input bytes that lie side by side (a filter row, where nothing is dilated),
// each at the same distance from the pixel's first byte. So one pointer a pixel and one running
// offset reach all of the input, and no table of pointers is needed for every filter tap. Padding
// is made real by copying the input, band by band, into scratch memory with z_x around it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/vector/rounding.h"

namespace octet::kernels::vector {

/// What of an instruction set the cutting depends on.
struct GemmTraits {
  int32_t lanes;  ///< s32 values in a vector
  /// Pixels and weights are widened to s16, which vpmaddwd multiplies in pairs.
  bool wide;
  /// Has a loop for two pixels of up to 24 channels in three vectors of 16.
  bool pairs;
  /// Pixels are copied as s8, with the sign bit flipped, which is 128 less than the u8 value: for
  /// dot products that know no u8. The bias makes up for it.
  bool flips;
  /// Bytes of a pixel that a step takes, for all lanes: 4, but for
  /// - 8: usmmla, which multiplies 8 bytes of two pixels by 8 of two channels;
  /// - 8, rotated: see below.
  int32_t step_bytes = 4;
  /// Two steps are one block of 16 bytes, and smull, smlal2 and sadalp sum up the products of pairs
  /// of neighbours: lane l has those of bytes 2 l, 2 l + 1, 2 l + 8 and 2 l + 9. Rotating the pixel
  /// by two bytes gives it the next ones, so weights are packed for 4 rotations of a block, two and
  /// two of which are summed up in s16, vector by vector. A step that is left over is one of 2
  /// rotations of 8 bytes, the other half being rotated by 4 more. Behind the tile's weights stands
  /// a flag byte for each block. It says how many products fit one s16 sum, whatever the pixels
  /// are: 0 for four, 1 for two, 2 for one.
  bool rotated = false;
  /// Steps of a segment that one instruction takes, at most. Where it is more than 1, a segment is
  /// padded to blocks of as many steps each, and a tile's weights are packed two vectors by two
  /// vectors: [vectors / 2][segments][blocks][2][steps of a block][lanes].
  int32_t block_steps = 1;
  int32_t shallow_steps;   ///< Tiles of so many steps or fewer are run as shallow ones.
  int32_t max_vectors;     ///< Widest tile.
  int32_t tile_pixels[5];  ///< Highest tile, by its width in vectors.

  /// What pixels are less by than the u8 values that they stand for.
  int32_t pixel_offset() const { return flips ? 128 : 0; }
};

/// How a tile is run.
enum class GemmLoop : int8_t {
  deep,     ///< As many accumulators as there are registers, which leave through memory.
  shallow,  ///< Small tiles, requantized in registers.
  pairs,    ///< Shallow, two pixels in three vectors.
  extreme,  ///< Rotated, and a block's flag is 2: low tiles have a loop for that.
};

/// Output channels [first_channel, first_channel + channels), side by side. At `offset` are packed:
///   bias [vectors * lanes] s32, minus z_x times the weights' sum;
///   multiplier [vectors * lanes] float32;
///   weights [segments][steps][vectors][lanes], step_bytes each.
/// Lane j of vector v is channel 4 * vectors * (j / 4) + 4 * v + j % 4 of the tile: the order in
/// which two saturating packs leave channels side by side again. In a tile of pairs, the second
/// vector has channels 16 to 23 twice.
struct GemmTile {
  std::size_t offset;
  std::size_t flags;  ///< Where the blocks' bytes are: see GemmTraits::rotated.
  int32_t first_channel;
  int32_t first_segment;  ///< Of the group's, in the table of segments.
  int16_t channels;
  int8_t vectors;
  GemmLoop loop;
};

/// Stands at the head of the packed weights.
struct GemmPlan {
  int32_t tiles;
  int32_t segments;
  /// How many steps a segment takes. A step is step_bytes bytes: 4 values of a byte, or 2 of two
  /// bytes. The last step may reach beyond the segment's end.
  int32_t steps;
  int32_t pixels;
  /// Bytes from the head to GemmTile [tiles], and to int64_t [groups][segments]: the distance of
  /// each segment from the first byte of the pixel's window.
  std::size_t tile_table;
  std::size_t segment_table;

  // Work: threads take runs of pixels with all tiles, or, where pixels are few, parts of tiles.
  bool splits_tiles;
  int32_t item_pixels;
  int32_t parts;  ///< Items a tile, where tiles are split.
  int32_t items;
  /// Pixels that are done for all tiles before the next are begun: what they read and write stays
  /// in the cache.
  int32_t block_pixels;

  // The input as segments see it: the image itself, or a band with the padding written out and
  // values widened or flipped.
  bool copies;
  bool flips;
  Rounding rounding;
  std::size_t value_bytes;
  std::size_t row_bytes;
  std::size_t pixel_bytes;  ///< From an output pixel's window to the next one's.
  int32_t stride_rows;
  int32_t window_rows;      ///< Input rows that one output row reads.
  int32_t band_rows;        ///< Output rows of a band.
  std::size_t band_offset;  ///< In scratch.
};

/// How a window's input is cut into segments: filter rows, or single taps where those of a row do
/// not lie side by side.
struct SegmentShape {
  explicit SegmentShape(const ConvGeometry& geometry);
  int32_t rows;
  int32_t taps_a_row;
  int32_t values;  ///< A segment's.
};

/// Steps of each of the blocks that a segment of `steps` steps, padded or not, is cut into.
int32_t block_steps(const GemmTraits& traits, int32_t steps);

/// Dense and grouped convolutions whose results provably stay within s32 before the clamp; not
/// those with one filter a channel.
bool gemm_supports(const GemmTraits& traits, const ConvParams& params);
std::size_t gemm_packed_size(const GemmTraits& traits, const ConvParams& params);
void gemm_pack(const GemmTraits& traits, const ConvParams& params, std::byte* packed);
std::size_t gemm_scratch_size(const GemmTraits& traits, const ConvParams& params);
std::size_t gemm_items(const GemmTraits& traits, const ConvParams& params);

/// Rows of pointers and, where the plan copies, the band they point into: makes the scratch memory
/// ready for output pixels [begin, end), which are at most block_pixels.
/// -> where each output pixel's window begins
const uint8_t* const* gemm_prepare_block(const ConvParams& params, const GemmPlan& plan,
                                         const uint8_t* input, int32_t begin, int32_t end,
                                         std::byte* scratch);

/// |sum| * multiplier (+ the residual's share) stays below 2^30 for every input: it can be
/// converted to s32 without a clamp.
bool results_fit_s32(const ConvParams& params);

/// s16_even and s16_odd: |sum| * multiplier stays below 2^15 - 256, and the clamp is to [0, 255].
/// Then adding 1.5 * 2^23 plus an even number in float32 rounds to integers, leaves the sum in the
/// lower 16 bits, and ties fall as they do without that number. An odd zero point is that number
/// plus one.
Rounding rounding_of(const ConvParams& params);

}  // namespace octet::kernels::vector
