#include "kernels/x86_avx2/winograd_plan.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/vector/band.h"
#include "kernels/vector/gemm_tiles.h"

namespace octet::kernels::x86 {

using namespace vector;  // tiles and their packing

namespace {

// Pixels are transformed once for all output channels, and sums once for all input channels: with
// few channels that costs more than it saves.
constexpr int32_t least_channels = 16;
// A block has at most so many patches that they read a tile's weights while these are in the
// first-level cache, and so many bytes that they stay in the second-level cache themselves.
constexpr std::size_t block_patches = 64;
constexpr std::size_t block_bytes = 256 * 1024;
// Up to so many patches most of what is read is weights, so threads share tiles and not patches.
constexpr int32_t few_patches = 64;

struct Layout {
  WinogradPlan plan{};
  std::vector<GemmTile> tiles;
  std::size_t packed_size = 0;
  std::size_t scratch_size = 0;
};

constexpr WinogradShape shapes[] = {winograd_3x3, winograd_3x3_stride2, winograd_5x5};

/// Returns null where there is none.
const WinogradShape* find_shape(const Window& w) {
  for (const WinogradShape& shape : shapes) {
    if (w.kernel_h == shape.kernel && w.kernel_w == shape.kernel && w.stride_h == shape.stride &&
        w.stride_w == shape.stride && w.dilation_h == 1 && w.dilation_w == 1) {
      return &shape;
    }
  }
  return nullptr;
}

std::size_t squared_components(const WinogradPlan& plan) {
  return static_cast<std::size_t>(plan.shape.components * plan.shape.components);
}

Layout make_layout(const GemmTraits& traits, const ConvParams& params) {
  const ConvGeometry& g = params.geometry;
  Layout layout;
  WinogradPlan& plan = layout.plan;
  plan.shape = *find_shape(g.window);
  plan.patch_rows = ceil_div(g.output_h, 2);
  plan.patch_columns = ceil_div(g.output_w, 2);
  plan.band_columns = (plan.patch_columns - 1) * plan.shape.patch_stride() + plan.shape.patch;
  const int32_t dots = ceil_div(g.input_channels, 2);
  plan.segment_length = int64_t{dots} * 4;
  plan.patch_values = static_cast<std::size_t>(ceil_div(g.input_channels, 16) * 16);

  const std::vector<int32_t> widths =
      tile_widths(traits, ceil_div(g.output_channels, traits.lanes), dots);
  plan.tiles = static_cast<int32_t>(widths.size());
  plan.tile_table = aligned(sizeof(WinogradPlan));
  std::size_t offset = plan.tile_table + aligned(widths.size() * sizeof(GemmTile));
  int32_t first = 0;
  for (const int32_t vectors : widths) {
    const int32_t channels = std::min(vectors * traits.lanes, g.output_channels - first);
    layout.tiles.push_back({.offset = offset,
                            .first_channel = first,
                            .first_segment = 0,
                            .channels = static_cast<int16_t>(channels),
                            .vectors = static_cast<int8_t>(vectors),
                            .loop = GemmLoop::shallow});
    const auto lanes = static_cast<std::size_t>(vectors * traits.lanes);
    std::size_t bytes =
        lanes * (sizeof(int32_t) + sizeof(float)) +
        squared_components(plan) * winograd_component_bytes(plan, traits.lanes, vectors);
    bytes += place_channel_rows(traits, params, bytes, layout.tiles.back());
    offset += aligned(bytes);
    first += channels;
  }
  layout.packed_size = offset;

  plan.splits_tiles = plan.patch_rows * plan.patch_columns <= few_patches && plan.tiles > 1;
  plan.items = plan.splits_tiles ? plan.tiles : g.batch * plan.patch_rows;
  const std::size_t row_patches = static_cast<std::size_t>(plan.patch_columns);
  const std::size_t patch_bytes = squared_components(plan) * plan.patch_values * sizeof(int16_t);
  const std::size_t patches =
      std::min(block_patches, std::max<std::size_t>(block_bytes / patch_bytes, 1));
  plan.block_rows = plan.splits_tiles ? plan.patch_rows
                                      : std::clamp(static_cast<int32_t>(patches / row_patches), 1,
                                                   plan.patch_rows);

  const auto block = static_cast<std::size_t>(plan.block_rows) * row_patches;
  const std::size_t band = static_cast<std::size_t>(plan.band_rows(plan.block_rows)) *
                           static_cast<std::size_t>(plan.band_columns) *
                           static_cast<std::size_t>(g.input_channels);
  plan.band = 0;
  plan.transformed = aligned(band + overread);
  plan.sums = plan.transformed + aligned(block * patch_bytes);
  layout.scratch_size =
      plan.sums + squared_components(plan) * block *
                      static_cast<std::size_t>(traits.max_vectors * traits.lanes) * sizeof(int32_t);
  return layout;
}

constexpr std::size_t most_components = 7;
constexpr std::size_t most_taps = 5;
using Taps = std::array<int32_t, most_taps>;
using Components = std::array<int32_t, most_components>;

/// One direction of a filter's transform.
Components transform_taps(const WinogradShape& shape, const Taps& w) {
  if (shape == winograd_3x3_stride2) return {w[0], w[0] + w[2], w[2], w[1], w[1]};
  const int32_t outer = w[0] + w[2];
  if (shape == winograd_3x3) return {2 * w[0], outer + w[1], outer - w[1], 2 * w[2]};
  return {2 * w[0], outer + w[1], outer - w[1], 2 * w[2], 2 * w[3], 2 * (w[3] + w[4]), 2 * w[4]};
}

/// Both directions of a filter's transform. Its taps are `stride` weights apart. Returns
/// [components][components].
std::array<Components, most_components> transform_filter(const WinogradShape& shape,
                                                         const int8_t* filter, std::size_t stride) {
  const auto taps = static_cast<std::size_t>(shape.kernel);
  std::array<Components, most_taps> columns{};  // by column, then component
  for (std::size_t column = 0; column < taps; ++column) {
    Taps w{};
    for (std::size_t row = 0; row < taps; ++row) w[row] = filter[(row * taps + column) * stride];
    columns[column] = transform_taps(shape, w);
  }
  std::array<Components, most_components> out{};
  for (std::size_t i = 0; i < static_cast<std::size_t>(shape.components); ++i) {
    Taps w{};
    for (std::size_t column = 0; column < taps; ++column) w[column] = columns[column][i];
    out[i] = transform_taps(shape, w);
  }
  return out;
}

void pack_tile(const GemmTraits& traits, const ConvParams& params, const WinogradPlan& plan,
               const GemmTile& tile, std::byte* packed) {
  const auto lanes = static_cast<std::size_t>(traits.lanes);
  const auto vectors = static_cast<std::size_t>(tile.vectors);
  const auto channels = static_cast<std::size_t>(params.geometry.input_channels);
  const std::size_t component_bytes = winograd_component_bytes(plan, traits.lanes, tile.vectors);
  const std::size_t head = 2 * vectors * lanes * sizeof(int32_t);
  const auto components = static_cast<std::size_t>(plan.shape.components);
  const auto taps = static_cast<std::size_t>(plan.shape.kernel * plan.shape.kernel);
  std::memset(packed, 0, components * components * component_bytes);
  for (std::size_t v = 0; v < vectors; ++v) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const int32_t channel =
          tile_channel(tile, static_cast<int32_t>(v), static_cast<int32_t>(lane));
      if (channel >= tile.channels) continue;
      const int8_t* filter =
          params.weights.values +
          static_cast<std::size_t>(tile.first_channel + channel) * taps * channels;
      for (std::size_t k = 0; k < channels; ++k) {
        const auto transformed = transform_filter(plan.shape, filter + k, channels);
        const std::size_t at = ((k / 2 * vectors + v) * lanes + lane) * 2 + k % 2;
        for (std::size_t i = 0; i < components; ++i) {
          for (std::size_t j = 0; j < components; ++j) {
            auto* weights =
                reinterpret_cast<int16_t*>(packed + (i * components + j) * component_bytes + head);
            weights[at] = static_cast<int16_t>(transformed[i][j]);
          }
        }
      }
    }
  }
}

/// Whether sums fit s32 while they are four times what they should be.
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

std::size_t winograd_component_bytes(const WinogradPlan& plan, int32_t lanes, int32_t vectors) {
  const auto vector_bytes = static_cast<std::size_t>(lanes * vectors) * 4;
  return 2 * vector_bytes + static_cast<std::size_t>(plan.segment_length) / 4 * vector_bytes;
}

bool winograd_supports(const ConvParams& params) {
  const ConvGeometry& g = params.geometry;
  const bool shape = find_shape(g.window) != nullptr && g.groups == 1 &&
                     g.input_channels >= least_channels && g.output_channels >= least_channels &&
                     params.output == ConvOutput::u8;
  if (!shape || params.weights.zero_points != nullptr || params.input_zero_points != nullptr)
    return false;
  // Whole patches are computed, with outputs beyond the image's right and bottom edge. At most
  // half as much again as is needed still pays.
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
  copy_band<uint8_t, 0>(params, image,
                        {.first = row * plan.shape.patch_stride() - params.geometry.window.pad_top,
                         .count = plan.band_rows(rows),
                         .values = static_cast<std::size_t>(plan.band_columns) *
                                   static_cast<std::size_t>(params.geometry.input_channels)},
                        band);
}

}  // namespace octet::kernels::x86
