// Dense convolutions and linear layers as a matrix product: how it is cut into tiles, which is
// decided once a session, and how its weights are packed. Shared by all instruction sets that have
// vectors.
//
// A tile is `vectors` accumulator vectors wide and a few pixels high. Every pixel's sum runs over
// segments: runs of input bytes that lie side by side (a filter row, where nothing is dilated),
// each at the same distance from the pixel's first byte. So one pointer for each pixel and one
// running offset reach all of the input. No pointer is needed for each filter tap. Padding is made
// real by copying the input, band by band, into scratch memory with z_x around it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/vector/rounding.h"

namespace octet::kernels::vector {

/// The properties of an instruction set that decide how a product is cut.
struct GemmTraits {
  int32_t lanes;  ///< s32 values in a vector
  /// Pixels and weights are widened to s16, which vpmaddwd multiplies in pairs.
  bool wide;
  /// There is a loop for two pixels of up to 24 channels in three vectors of 16.
  bool pairs;
  /// Pixels are copied as s8, with the sign bit flipped, which is 128 less than the u8 value: for
  /// dot products that know no u8. The bias makes up for it.
  bool flips;
  /// Bytes of a pixel that a dot takes, for all lanes. 4, but for
  /// - 8: usmmla, which multiplies 8 bytes of two pixels by 8 of two channels;
  /// - 8, rotated: see below.
  int32_t dot_bytes = 4;
  /// Two dots are one bundle of 16 bytes. smull, smlal2 and sadalp give lane l the products of
  /// bytes 2 l, 2 l + 1, 2 l + 8 and 2 l + 9. Rotating the pixel by two bytes gives each lane the
  /// next ones, so 4 rotations give it all 16 bytes. Weights are packed [2 pairs of
  /// rotations][vectors][2 rotations]: the products of a pair are summed in s16 before they are
  /// widened. A dot that is left over has 8 bytes, in 2 rotations: the upper half of the pixel's
  /// register then has the same bytes as the lower half, rotated by 4 more.
  ///
  /// Behind the tile's weights stands a flag byte for each bundle. It says how many products fit
  /// one s16 sum, whatever the pixels are: 0 for four, 1 for two, 2 for one.
  bool rotated = false;
  /// The most dots of a segment that one instruction takes. Where it is more than 1, a segment is
  /// padded to bundles that have equally many dots, and a tile's weights are packed for two vectors
  /// at a time: [vectors / 2][segments][bundles][2][dots of a bundle][lanes].
  int32_t bundle_dots = 1;
  int32_t shallow_dots;    ///< Tiles of so many dots or fewer are shallow.
  int32_t max_vectors;     ///< Vectors of the widest tile.
  int32_t tile_pixels[5];  ///< Pixels of the highest tile, by its width in vectors.

  /// How much less a pixel is than the u8 value that it stands for.
  int32_t pixel_offset() const { return flips ? 128 : 0; }
};

/// How a tile is run.
enum class GemmLoop : int8_t {
  deep,     ///< Accumulators take all registers, and leave through memory.
  shallow,  ///< Small tiles, requantized in registers.
  pairs,    ///< Shallow, two pixels in three vectors.
  extreme,  ///< Rotated, and the flag of some bundle is 2: low tiles have a loop for that.
};

/// Output channels [first_channel, first_channel + channels), side by side. At `offset` are packed:
///   bias [vectors * lanes] s32, minus z_x times the weights' sum;
///   multiplier [vectors * lanes] float32;
///   weights [segments][dots][vectors][lanes], dot_bytes each.
/// At `rows` behind it are channel rows [channel_rows][vectors * lanes], where the layer has them.
/// Lane j of vector v is channel 4 * vectors * (j / 4) + 4 * v + j % 4 of the tile: the order in
/// which two saturating packs leave channels side by side again. In a tile of pairs, the second
/// vector has channels 16 to 23 twice.
struct GemmTile {
  std::size_t offset;
  std::size_t flags;  ///< Where the bundles' flag bytes are: see GemmTraits::rotated.
  std::size_t rows;   ///< Bytes from `offset` to the channel rows; 0 if there are none.
  int32_t first_channel;
  int32_t first_segment;  ///< Index of the group's first one in the table of segments.
  int16_t channels;
  int8_t vectors;
  GemmLoop loop;
};

/// Stands at the head of the packed weights.
struct GemmPlan {
  int32_t tiles;
  int32_t segments;
  /// How many dots a segment takes. A dot is dot_bytes bytes: 4 values of a byte, or 2 of two
  /// bytes. The last dot may reach beyond the segment's end.
  int32_t dots;
  int32_t pixels;
  /// Bytes from the head to GemmTile [tiles], and to int64_t [groups][segments]: the distance of
  /// each segment from the first byte of the pixel's window.
  std::size_t tile_table;
  std::size_t segment_table;

  // Work: threads take runs of pixels with all tiles, or, where pixels are few, parts of tiles.
  bool splits_tiles;
  int32_t item_pixels;
  int32_t tile_items;  ///< Work items for each tile, where tiles are split.
  int32_t items;
  /// Pixels in a block of pixels. They are done for all tiles before the next block begins, so that
  /// what they read and write stays in the cache.
  int32_t block_pixels;

  // The input as segments see it: the image itself, or a band with the padding written out and
  // values widened or flipped.
  bool copies;
  bool flips;
  Rounding rounding;
  std::size_t value_bytes;
  std::size_t row_bytes;
  std::size_t pixel_bytes;  ///< From one output pixel's window to the next one's.
  int32_t stride_rows;
  int32_t window_rows;      ///< Input rows that one output row reads.
  int32_t band_rows;        ///< Output rows of a band.
  std::size_t band_offset;  ///< From the begin of scratch.
};

/// How a window's input is cut into segments: filter rows, or single taps where those of a row do
/// not lie side by side.
struct SegmentShape {
  explicit SegmentShape(const ConvGeometry& geometry);
  int32_t rows;
  int32_t taps_a_row;
  int32_t values;  ///< Values in a segment.
};

/// How many dots each bundle has, when a segment of `dots` dots is cut into bundles and padded
/// where necessary.
int32_t bundle_dots(const GemmTraits& traits, int32_t dots);

/// Supported are dense and grouped convolutions whose results provably stay within s32 before the
/// clamp, and where two bytes can hold each weight; depthwise ones are not.
bool gemm_supports(const GemmTraits& traits, const ConvParams& params);
std::size_t gemm_packed_size(const GemmTraits& traits, const ConvParams& params);
void gemm_pack(const GemmTraits& traits, const ConvParams& params, std::byte* packed);
std::size_t gemm_scratch_size(const GemmTraits& traits, const ConvParams& params);
std::size_t gemm_items(const GemmTraits& traits, const ConvParams& params);

/// Makes the scratch memory ready for output pixels [begin, end), which are at most block_pixels:
/// writes the pointers to their windows and, where the plan copies, the band that they point into.
/// Returns the pointers: where each output pixel's window begins.
const uint8_t* const* gemm_prepare_block(const ConvParams& params, const GemmPlan& plan,
                                         const uint8_t* input, int32_t begin, int32_t end,
                                         std::byte* scratch);

/// Whether |sum| * multiplier (+ the residual's share) stays below 2^30 for every input, so that it
/// can be converted to s32 without a clamp.
bool results_fit_s32(const ConvParams& params);

/// s16_even and s16_odd: |sum| * multiplier stays below 2^15 - 256, and the clamp is to [0, 255].
/// Then adding 1.5 * 2^23 plus an even number in float32 rounds to integers, leaves the sum in the
/// lower 16 bits, and ties fall as they do without that number. The number is the zero point; where
/// that is odd it is one less, and 1 is added after the rounding.
Rounding rounding_of(const ConvParams& params);

}  // namespace octet::kernels::vector
