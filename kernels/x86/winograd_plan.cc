#include "kernels/x86/winograd_plan.h"

#include <algorithm>
#include <cstring>

#include "kernels/x86/band.h"
#include "kernels/x86/gemm_tiles.h"

namespace octet::kernels::x86 {
namespace {

// Transforming pixels costs the same for one output channel as for many, and the reverse.
constexpr int32_t least_channels = 16;
// As many patches as read a tile's weights while these are in the first-level cache, and as stay in
// the second-level cache themselves.
constexpr std::size_t block_patches = 64;
constexpr std::size_t block_bytes = 256 * 1024;
// Below so many patches the weights are what is read, so tiles and not patches are shared out.
constexpr int32_t few_patches = 64;

struct Layout {
  WinogradPlan plan{};
  std::vector<GemmTile> tiles;
  std::size_t packed_size = 0;
  std::size_t scratch_size = 0;
};

Layout make_layout(const GemmTraits& traits, const ConvParams& params) {
  const ConvGeometry& g = params.geometry;
  Layout layout;
  WinogradPlan& plan = layout.plan;
  plan.patch_rows = ceil_div(g.output_h, 2);
  plan.patch_columns = ceil_div(g.output_w, 2);
  const int32_t steps = ceil_div(g.input_channels, 2);
  plan.step_bytes = int64_t{steps} * 4;
  plan.patch_values = static_cast<std::size_t>(ceil_div(g.input_channels, 16) * 16);

  const std::vector<int32_t> widths =
      tile_widths(traits, ceil_div(g.output_channels, traits.lanes), steps);
  plan.tiles = static_cast<int32_t>(widths.size());
  plan.tile_table = aligned(sizeof(WinogradPlan));
  std::size_t offset = plan.tile_table + aligned(widths.size() * sizeof(GemmTile));
  int32_t first = 0;
  for (const int32_t vectors : widths) {
    const int32_t channels = std::min(vectors * traits.lanes, g.output_channels - first);
    layout.tiles.push_back({.first_channel = first,
                            .channels = channels,
                            .vectors = vectors,
                            .first_segment = 0,
                            .loop = GemmLoop::shallow,
                            .offset = offset});
    const auto lanes = static_cast<std::size_t>(vectors * traits.lanes);
    offset += lanes * (sizeof(int32_t) + sizeof(float)) +
              winograd_positions * winograd_position_bytes(plan, traits.lanes, vectors);
    offset = aligned(offset);
    first += channels;
  }
  layout.packed_size = offset;

  plan.splits_tiles = plan.patch_rows * plan.patch_columns <= few_patches && plan.tiles > 1;
  plan.items = plan.splits_tiles ? plan.tiles : g.batch * plan.patch_rows;
  const std::size_t row_patches = static_cast<std::size_t>(plan.patch_columns);
  const std::size_t patch_bytes = winograd_positions * plan.patch_values * sizeof(int16_t);
  const std::size_t patches =
      std::min(block_patches, std::max<std::size_t>(block_bytes / patch_bytes, 1));
  plan.block_rows = plan.splits_tiles ? plan.patch_rows
                                      : std::clamp(static_cast<int32_t>(patches / row_patches), 1,
                                                   plan.patch_rows);

  const auto block = static_cast<std::size_t>(plan.block_rows) * row_patches;
  const std::size_t band = static_cast<std::size_t>(2 * plan.block_rows + 2) *
                           static_cast<std::size_t>(2 * plan.patch_columns + 2) *
                           static_cast<std::size_t>(g.input_channels);
  plan.band = 0;
  plan.transformed = aligned(band + overread);
  plan.windows = plan.transformed + aligned(block * patch_bytes);
  plan.sums = plan.windows + aligned(block * sizeof(const uint8_t*));
  layout.scratch_size =
      plan.sums + winograd_positions * block *
                      static_cast<std::size_t>(traits.max_vectors * traits.lanes) * sizeof(int32_t);
  return layout;
}

/// The doubled transform 2 G g G^T 2 of a 3x3 filter g.
void transform_filter(const int8_t* filter, std::size_t stride, int16_t (&out)[4][4]) {
  int32_t rows[4][3];
  for (std::size_t column = 0; column < 3; ++column) {
    const int32_t a = filter[column * stride];
    const int32_t b = filter[(3 + column) * stride];
    const int32_t c = filter[(6 + column) * stride];
    rows[0][column] = 2 * a;
    rows[1][column] = a + b + c;
    rows[2][column] = a - b + c;
    rows[3][column] = 2 * c;
  }
  for (int32_t i = 0; i < 4; ++i) {
    const auto& [a, b, c] = rows[i];
    out[i][0] = static_cast<int16_t>(2 * a);
    out[i][1] = static_cast<int16_t>(a + b + c);
    out[i][2] = static_cast<int16_t>(a - b + c);
    out[i][3] = static_cast<int16_t>(2 * c);
  }
}

void pack_tile(const GemmTraits& traits, const ConvParams& params, const WinogradPlan& plan,
               const GemmTile& tile, std::byte* packed) {
  const auto lanes = static_cast<std::size_t>(traits.lanes);
  const auto vectors = static_cast<std::size_t>(tile.vectors);
  const auto channels = static_cast<std::size_t>(params.geometry.input_channels);
  const std::size_t position_bytes = winograd_position_bytes(plan, traits.lanes, tile.vectors);
  const std::size_t head = 2 * vectors * lanes * sizeof(int32_t);
  std::memset(packed, 0, winograd_positions * position_bytes);
  for (std::size_t v = 0; v < vectors; ++v) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const int32_t channel =
          tile_channel(tile, static_cast<int32_t>(v), static_cast<int32_t>(lane));
      if (channel >= tile.channels) continue;
      const int8_t* filter = params.weights.values +
                             static_cast<std::size_t>(tile.first_channel + channel) * 9 * channels;
      for (std::size_t k = 0; k < channels; ++k) {
        int16_t transformed[4][4];
        transform_filter(filter + k, channels, transformed);
        const std::size_t at = ((k / 2 * vectors + v) * lanes + lane) * 2 + k % 2;
        for (std::size_t position = 0; position < winograd_positions; ++position) {
          reinterpret_cast<int16_t*>(packed + position * position_bytes + head)[at] =
              transformed[position / 4][position % 4];
        }
      }
    }
  }
}

/// Sums are four times as large on the way.
bool sums_fit_s32(const ConvParams& params) {
  const WeightReader reader(params, 1);
  for (int32_t o = 0; o < params.geometry.output_channels; ++o) {
    const int8_t* weights = reader.segment(o, 0);
    int64_t sum = 0;
    for (std::size_t k = 0; k < reader.segment_length(); ++k) sum += std::abs(int32_t{weights[k]});
    if (255 * sum >= int64_t{1} << 29) return false;
  }
  return true;
}

}  // namespace

std::size_t winograd_position_bytes(const WinogradPlan& plan, int32_t lanes, int32_t vectors) {
  const auto step = static_cast<std::size_t>(lanes * vectors) * 4;
  return 2 * step + static_cast<std::size_t>(plan.step_bytes) / 4 * step;
}

bool winograd_supports(const ConvParams& params) {
  const ConvGeometry& g = params.geometry;
  const Window& w = g.window;
  const bool shape = g.groups == 1 && w.kernel_h == 3 && w.kernel_w == 3 && w.stride_h == 1 &&
                     w.stride_w == 1 && w.dilation_h == 1 && w.dilation_w == 1 &&
                     g.input_channels >= least_channels && g.output_channels >= least_channels &&
                     params.output == ConvOutput::u8;
  if (!shape || params.weights.zero_points != nullptr) return false;
  // What is cut off at the right and at the bottom is computed all the same.
  const int64_t patches = int64_t{ceil_div(g.output_h, 2)} * ceil_div(g.output_w, 2);
  if (2 * 4 * patches > 3 * int64_t{g.output_h} * g.output_w) return false;
  return results_fit_s32(params) && sums_fit_s32(params);
}

std::size_t winograd_packed_size(const GemmTraits& traits, const ConvParams& params) {
  return make_layout(traits, params).packed_size;
}

std::size_t winograd_scratch_size(const GemmTraits& traits, const ConvParams& params) {
  return make_layout(traits, params).scratch_size;
}

std::size_t winograd_items(const GemmTraits& traits, const ConvParams& params) {
  return static_cast<std::size_t>(make_layout(traits, params).plan.items);
}

void winograd_pack(const GemmTraits& traits, const ConvParams& params, std::byte* packed) {
  const Layout layout = make_layout(traits, params);
  std::memcpy(packed, &layout.plan, sizeof(WinogradPlan));
  std::memcpy(packed + layout.plan.tile_table, layout.tiles.data(),
              layout.tiles.size() * sizeof(GemmTile));
  for (const GemmTile& tile : layout.tiles) {
    std::byte* weights = pack_bias(traits, params, tile, packed + tile.offset);
    pack_tile(traits, params, layout.plan, tile, weights);
  }
}

void winograd_copy_band(const ConvParams& params, const WinogradPlan& plan, const uint8_t* image,
                        int32_t row, int32_t rows, uint8_t* band) {
  copy_band(params, image,
            {.first = 2 * row - params.geometry.window.pad_top,
             .count = 2 * rows + 2,
             .values = static_cast<std::size_t>(2 * plan.patch_columns + 2) *
                       static_cast<std::size_t>(params.geometry.input_channels)},
            band);
}

}  // namespace octet::kernels::x86
