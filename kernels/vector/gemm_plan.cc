#include "kernels/vector/gemm_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "kernels/vector/band.h"
#include "kernels/vector/gemm_tiles.h"

namespace octet::kernels::vector {
namespace {

// What a block of pixels reads and writes should stay within a core's nearest caches.
constexpr std::size_t block_bytes = 32 * 1024;
constexpr std::size_t band_bytes = 96 * 1024;
// The pointers to its windows should fit there, too.
constexpr int32_t block_pixels = 1024;
// Below so many pixels most of what is read is weights, so threads share tiles and not pixels.
constexpr int32_t few_pixels = 128;

std::size_t tile_bytes(const GemmTraits& traits, const GemmPlan& plan, int32_t vectors) {
  const auto lanes = static_cast<std::size_t>(traits.lanes * vectors);
  const std::size_t weights = static_cast<std::size_t>(plan.segments) *
                              static_cast<std::size_t>(plan.dots) *
                              static_cast<std::size_t>(traits.dot_bytes);
  return lanes * (sizeof(int32_t) + sizeof(float) + weights);
}

bool has_padding(const Window& w) {
  return w.pad_top != 0 || w.pad_left != 0 || w.pad_bottom != 0 || w.pad_right != 0;
}

/// A plan together with the tables that stand behind it.
struct Layout {
  GemmPlan plan{};
  std::vector<GemmTile> tiles;
  std::vector<int64_t> segments;
  std::size_t packed_size = 0;
};

void place_input(const GemmTraits& traits, const ConvParams& params, Layout& layout) {
  const ConvGeometry& g = params.geometry;
  GemmPlan& plan = layout.plan;
  const Window& w = g.window;
  plan.copies = traits.wide || traits.flips || has_padding(w);
  plan.flips = traits.flips;
  plan.value_bytes = traits.wide ? sizeof(int16_t) : sizeof(uint8_t);
  const std::size_t column_bytes = static_cast<std::size_t>(g.input_channels) * plan.value_bytes;
  const int32_t reach = (g.output_w - 1) * w.stride_w + (w.kernel_w - 1) * w.dilation_w + 1;
  plan.row_bytes = static_cast<std::size_t>(plan.copies ? reach : g.input_w) * column_bytes;
  plan.pixel_bytes = static_cast<std::size_t>(w.stride_w) * column_bytes;
  plan.stride_rows = w.stride_h;
  plan.window_rows = (w.kernel_h - 1) * w.dilation_h + 1;

  const int32_t group_channels = g.input_channels / g.groups;
  const SegmentShape shape(g);
  // Each half of the weights meets the whole window.
  const int32_t halves = weight_halves(params, traits.wide);
  for (int32_t group = 0; group < g.groups * halves; ++group) {
    for (int32_t kh = 0; kh < shape.rows; ++kh) {
      const int64_t row = int64_t{kh} * w.dilation_h * static_cast<int64_t>(plan.row_bytes);
      for (int32_t kw = 0; kw < shape.taps_a_row; ++kw) {
        const int64_t value = int64_t{kw} * w.dilation_w * g.input_channels +
                              int64_t{group / halves} * group_channels;
        layout.segments.push_back(row + value * static_cast<int64_t>(plan.value_bytes));
      }
    }
  }
  plan.segments = static_cast<int32_t>(layout.segments.size()) / g.groups;
  plan.dots = ceil_div(shape.values * static_cast<int32_t>(plan.value_bytes), traits.dot_bytes);
  const int32_t bundle = bundle_dots(traits, plan.dots);
  plan.dots = ceil_div(plan.dots, bundle) * bundle;
}

GemmLoop choose_loop(const GemmTraits& traits, const ConvParams& params, const GemmPlan& plan,
                     int32_t vectors, int32_t channels) {
  if (params.output != ConvOutput::u8) return GemmLoop::deep;
  if (traits.pairs && vectors == 2 && channels <= 24) return GemmLoop::pairs;
  return plan.segments * plan.dots <= traits.shallow_dots ? GemmLoop::shallow : GemmLoop::deep;
}

void cut_tiles(const GemmTraits& traits, const ConvParams& params, Layout& layout) {
  const ConvGeometry& g = params.geometry;
  GemmPlan& plan = layout.plan;
  const int32_t group_outputs = g.output_channels / g.groups;
  const std::vector<int32_t> widths =
      tile_widths(traits, ceil_div(group_outputs, traits.lanes), plan.segments * plan.dots);
  plan.tiles = static_cast<int32_t>(widths.size()) * g.groups;
  plan.tile_table = aligned(sizeof(GemmPlan));
  plan.segment_table =
      plan.tile_table + aligned(static_cast<std::size_t>(plan.tiles) * sizeof(GemmTile));
  std::size_t offset = plan.segment_table + aligned(layout.segments.size() * sizeof(int64_t));
  for (int32_t group = 0; group < g.groups; ++group) {
    int32_t first = 0;
    for (const int32_t vectors : widths) {
      const int32_t channels = std::min(vectors * traits.lanes, group_outputs - first);
      layout.tiles.push_back({.offset = offset,
                              .first_channel = group * group_outputs + first,
                              .first_segment = group * plan.segments,
                              .channels = static_cast<int16_t>(channels),
                              .vectors = static_cast<int8_t>(vectors),
                              .loop = choose_loop(traits, params, plan, vectors, channels)});
      layout.tiles.back().flags = offset + tile_bytes(traits, plan, vectors);
      const auto flags =
          static_cast<std::size_t>(traits.rotated ? plan.segments * ceil_div(plan.dots, 2) : 0);
      std::size_t bytes = tile_bytes(traits, plan, vectors) + flags;
      bytes += place_channel_rows(traits, params, bytes, layout.tiles.back());
      offset += aligned(bytes);
      first += channels;
    }
  }
  layout.packed_size = offset;
}

void share_out(const GemmTraits& traits, const ConvGeometry& g, Layout& layout) {
  GemmPlan& plan = layout.plan;
  plan.pixels = g.batch * g.output_h * g.output_w;
  plan.splits_tiles = plan.pixels < few_pixels && plan.tiles > 1;
  if (plan.splits_tiles) {
    plan.tile_items = std::min(ceil_div(16, plan.tiles), plan.pixels);
    plan.items = plan.tiles * plan.tile_items;
    plan.block_pixels = plan.pixels;
    plan.item_pixels = 0;
  } else {
    plan.tile_items = 1;
    plan.item_pixels = plan.copies ? g.output_w : std::min(plan.pixels, 48);
    plan.items = ceil_div(plan.pixels, plan.item_pixels);
    const auto channels = static_cast<std::size_t>(g.input_channels + g.output_channels);
    // All weights are read once for each block of pixels: the more weights there are, the longer
    // the blocks.
    const std::size_t weights =
        static_cast<std::size_t>(g.output_channels) *
        static_cast<std::size_t>(plan.segments * plan.dots * traits.dot_bytes);
    const std::size_t blocks =
        std::max(block_bytes, weights) / channels / static_cast<std::size_t>(plan.item_pixels);
    plan.block_pixels =
        plan.item_pixels * static_cast<int32_t>(std::clamp<std::size_t>(blocks, 1, 64));
  }
  if (!plan.copies) return;
  // A band is whole output rows of one image; blocks are bands.
  const std::size_t rows = band_bytes / std::max<std::size_t>(plan.row_bytes, 1);
  const int32_t window = plan.window_rows;
  const auto wanted = (static_cast<int32_t>(rows) - window) / plan.stride_rows + 1;
  plan.band_rows = std::clamp(std::min(wanted, block_pixels / g.output_w), 1, g.output_h);
  if (plan.splits_tiles) {
    plan.band_rows = g.output_h;
    plan.block_pixels = g.output_h * g.output_w * g.batch;
  } else {
    plan.block_pixels = plan.band_rows * g.output_w;
  }
}

Layout make_layout(const GemmTraits& traits, const ConvParams& params) {
  Layout layout;
  place_input(traits, params, layout);
  layout.plan.rounding = rounding_of(params);
  cut_tiles(traits, params, layout);
  share_out(traits, params.geometry, layout);
  layout.plan.band_offset =
      aligned(static_cast<std::size_t>(layout.plan.block_pixels) * sizeof(const uint8_t*));
  return layout;
}

std::size_t band_input_rows(const GemmPlan& plan) {
  return static_cast<std::size_t>((plan.band_rows - 1) * plan.stride_rows + plan.window_rows);
}

/// Images that one block can reach into.
int32_t band_images(const ConvGeometry& g, const GemmPlan& plan) {
  return plan.splits_tiles ? g.batch : std::min(g.batch, 2);
}

/// The index among a tile's packed weights, in values, of value `k` of segment `segment`, for lane
/// `lane` of vector `v`.
std::size_t weight_position(const GemmTraits& traits, const GemmPlan& plan, const GemmTile& tile,
                            int32_t v, int32_t lane, std::size_t segment, std::size_t k) {
  const auto vectors = static_cast<std::size_t>(tile.vectors);
  const auto lanes = static_cast<std::size_t>(traits.lanes);
  const auto column = static_cast<std::size_t>(v) * lanes + static_cast<std::size_t>(lane);
  const auto dot_values = static_cast<std::size_t>(traits.dot_bytes) / plan.value_bytes;
  const std::size_t first = segment * static_cast<std::size_t>(plan.dots) * dot_values;
  if (traits.bundle_dots > 1) {
    const auto bundle = static_cast<std::size_t>(bundle_dots(traits, plan.dots));
    const std::size_t s = (first + k) / dot_values;
    const auto pair = static_cast<std::size_t>(v) / 2 * 2;
    const std::size_t width = std::min<std::size_t>(vectors - pair, 2);
    const auto all_dots = static_cast<std::size_t>(plan.segments * plan.dots);
    const std::size_t row = pair * all_dots +
                            (s / bundle * width + static_cast<std::size_t>(v) % 2) * bundle +
                            s % bundle;
    return (row * lanes + static_cast<std::size_t>(lane)) * dot_values + k % dot_values;
  }
  const std::size_t row = vectors * lanes;
  if (!traits.rotated)
    return (first + k / dot_values * dot_values) * row + column * dot_values + k % dot_values;
  const std::size_t bundle = k / 16;
  const bool left_over = static_cast<std::size_t>(plan.dots) == 2 * bundle + 1;
  const std::size_t pairs = left_over ? 4 : 8;
  const std::size_t distance = (k % 16 / 2 + pairs - static_cast<std::size_t>(lane)) % pairs;
  const std::size_t rotation = distance % (pairs / 2);
  const std::size_t upper = distance / (pairs / 2);
  const std::size_t vector =
      (rotation / 2 * vectors + static_cast<std::size_t>(v)) * 2 + rotation % 2;
  return (first + bundle * 16) * row + vector * 16 + upper * 8 +
         static_cast<std::size_t>(lane) * 2 + k % 2;
}

/// Values [begin, end) of a segment; all in one bundle, where weights are packed by bundles.
struct Run {
  std::size_t segment;
  std::size_t begin;
  std::size_t end;
};

template <class Value>
void pack_run(const GemmTraits& traits, const ConvParams& params, const GemmPlan& plan,
              const GemmTile& tile, const Run& run, Value* packed) {
  const int32_t halves = weight_halves(params, traits.wide);
  const WeightReader reader(params, plan.segments / halves);
  const auto half_segments = static_cast<std::size_t>(plan.segments / halves);
  const auto half = static_cast<int32_t>(run.segment / half_segments);
  const auto dot_values = static_cast<std::size_t>(traits.dot_bytes) / plan.value_bytes;
  for (int32_t v = 0; v < tile.vectors; ++v) {
    for (int32_t lane = 0; lane < traits.lanes; ++lane) {
      const int32_t channel = tile_channel(tile, v, lane);
      if (channel >= tile.channels) continue;
      const int32_t o = tile.first_channel + channel;
      const int32_t zero_point = zero_point_of(params, o);
      const int8_t* from = reader.segment(o, run.segment % half_segments);
      const auto position = [&](std::size_t k) {
        return weight_position(traits, plan, tile, v, lane, run.segment, k);
      };
      const auto write = [&](std::size_t k, Value* to) {
        *to = static_cast<Value>(weight_half(from[k] - zero_point, half, halves));
      };
      if (traits.rotated) {
        for (std::size_t k = run.begin; k < run.end; ++k) write(k, packed + position(k));
        continue;
      }
      // Neighbouring dots of a run are all as far apart as the first two.
      Value* to = packed + position(run.begin);
      const std::size_t distance = position(run.begin + dot_values) - position(run.begin);
      std::size_t k = run.begin;
      if (halves == 1 && zero_point == 0 && dot_values == 4) {
        for (; k + 4 <= run.end; k += 4, to += distance) {
          for (std::size_t i = 0; i < 4; ++i) to[i] = static_cast<Value>(from[k + i]);
        }
      }
      for (; k < run.end; k += dot_values, to += distance) {
        for (std::size_t i = 0; i < std::min(dot_values, run.end - k); ++i) write(k + i, to + i);
      }
    }
  }
}

template <class Value>
void pack_weights(const GemmTraits& traits, const ConvParams& params, const GemmPlan& plan,
                  const GemmTile& tile, std::byte* packed) {
  std::memset(packed, 0,
              static_cast<std::size_t>(traits.dot_bytes) *
                  static_cast<std::size_t>(plan.dots * plan.segments) *
                  static_cast<std::size_t>(tile.vectors * traits.lanes));
  const std::size_t length =
      WeightReader(params, plan.segments / weight_halves(params, traits.wide)).segment_length();
  const auto dot_values = static_cast<std::size_t>(traits.dot_bytes) / plan.value_bytes;
  // All channels take turns, a few dots each, so that what is written stays in the cache
  // meanwhile.
  constexpr int32_t few_dots = 16;
  const auto run =
      static_cast<std::size_t>(traits.bundle_dots > 1 ? bundle_dots(traits, plan.dots) : few_dots);
  for (std::size_t s = 0; s < static_cast<std::size_t>(plan.segments); ++s) {
    for (std::size_t k = 0; k < length; k += run * dot_values) {
      pack_run(traits, params, plan, tile,
               {.segment = s, .begin = k, .end = std::min(k + run * dot_values, length)},
               reinterpret_cast<Value*>(packed));
    }
  }
}

/// Writes the addresses of `count` pixels that are `distance` bytes apart, eight at a time.
void write_addresses(const uint8_t* first, std::size_t distance, int32_t count,
                     const uint8_t** to) {
  using Pair [[gnu::vector_size(16)]] = uint64_t;
  const auto address = reinterpret_cast<uintptr_t>(first);
  Pair pairs[4];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    pairs[i] = Pair{address + 2 * i * distance, address + (2 * i + 1) * distance};
  }
  int32_t i = 0;
  for (; i + 8 <= count; i += 8, to += 8) {
    std::memcpy(to, pairs, sizeof(pairs));
#pragma GCC unroll 4
    for (Pair& pair : pairs) pair += 8 * distance;
  }
  first += static_cast<std::size_t>(i) * distance;
  for (; i < count; ++i, first += distance) *to++ = first;
}

/// Finds the flags of rotated bundles from their packed weights. Two vectors of 16 bytes side by
/// side are a pair of rotations; the products of their bytes l and l + 8 meet in one s16 sum. The
/// magnitude of a pixel is at most 128.
void pack_flags(const GemmPlan& plan, GemmTile& tile, const std::byte* weights, std::byte* flags) {
  constexpr int32_t most = 32767 / 128;
  const auto* pairs = reinterpret_cast<const int8_t*>(weights);
  for (int32_t segment = 0; segment < plan.segments; ++segment) {
    for (int32_t dot = 0; dot < plan.dots; dot += 2) {
      uint8_t flag = 0;
      const int32_t in_bundle = (dot + 1 < plan.dots ? 2 : 1) * tile.vectors;
      for (int32_t pair = 0; pair < in_bundle; ++pair, pairs += 32) {
        for (int32_t l = 0; l < 8; ++l) {
          const int32_t one = std::abs(pairs[l]) + std::abs(pairs[l + 8]);
          const int32_t other = std::abs(pairs[l + 16]) + std::abs(pairs[l + 24]);
          if (one + other > most) flag = std::max<uint8_t>(flag, 1);
          if (std::max(one, other) > most) {
            flag = 2;
            tile.loop = GemmLoop::extreme;
          }
        }
      }
      *flags++ = std::byte{flag};
    }
  }
}

}  // namespace

SegmentShape::SegmentShape(const ConvGeometry& g) : rows(g.window.kernel_h) {
  const bool whole_rows = g.groups == 1 && (g.window.dilation_w == 1 || g.window.kernel_w == 1);
  taps_a_row = whole_rows ? 1 : g.window.kernel_w;
  values = g.window.kernel_w / taps_a_row * (g.input_channels / g.groups);
}

int32_t bundle_dots(const GemmTraits& traits, int32_t dots) {
  const int32_t bundles = ceil_div(dots, traits.bundle_dots);
  // One more bundle costs less than weights of zeros.
  if (dots % bundles != 0 && dots % (bundles + 1) == 0) return dots / (bundles + 1);
  return ceil_div(dots, bundles);
}

bool gemm_supports(const GemmTraits&, const ConvParams& params) {
  const ConvGeometry& g = params.geometry;
  // With one filter for each channel nearly all lanes would be idle.
  const bool depthwise =
      g.groups > 1 && g.groups == g.input_channels && g.groups == g.output_channels;
  return !depthwise && fit_weight_halves(params) && results_fit_s32(params);
}

std::size_t gemm_packed_size(const GemmTraits& traits, const ConvParams& params) {
  return make_layout(traits, params).packed_size;
}

void gemm_pack(const GemmTraits& traits, const ConvParams& params, std::byte* packed) {
  Layout layout = make_layout(traits, params);
  std::memcpy(packed, &layout.plan, sizeof(GemmPlan));
  std::memcpy(packed + layout.plan.segment_table, layout.segments.data(),
              layout.segments.size() * sizeof(int64_t));
  for (GemmTile& tile : layout.tiles) {
    std::byte* weights = pack_bias(traits, params, tile, packed + tile.offset);
    if (traits.wide) {
      pack_weights<int16_t>(traits, params, layout.plan, tile, weights);
    } else {
      pack_weights<int8_t>(traits, params, layout.plan, tile, weights);
    }
    if (traits.rotated) pack_flags(layout.plan, tile, weights, packed + tile.flags);
  }
  std::memcpy(packed + layout.plan.tile_table, layout.tiles.data(),
              layout.tiles.size() * sizeof(GemmTile));
}

std::size_t gemm_scratch_size(const GemmTraits& traits, const ConvParams& params) {
  const GemmPlan plan = make_layout(traits, params).plan;
  const std::size_t band = plan.copies
                               ? band_input_rows(plan) * plan.row_bytes *
                                     static_cast<std::size_t>(band_images(params.geometry, plan))
                               : 0;
  return plan.band_offset + band + alignment;  // tiles read a little beyond the last pixel
}

std::size_t gemm_items(const GemmTraits& traits, const ConvParams& params) {
  return static_cast<std::size_t>(make_layout(traits, params).plan.items);
}

const uint8_t* const* gemm_prepare_block(const ConvParams& params, const GemmPlan& plan,
                                         const uint8_t* input, int32_t begin, int32_t end,
                                         std::byte* scratch) {
  const ConvGeometry& g = params.geometry;
  auto** windows = reinterpret_cast<const uint8_t**>(scratch);
  const std::size_t image_bytes = static_cast<std::size_t>(g.input_h) *
                                  static_cast<std::size_t>(g.input_w) *
                                  static_cast<std::size_t>(g.input_channels);
  auto* band = reinterpret_cast<uint8_t*>(scratch + plan.band_offset);
  // Neighbouring output rows share this many input rows.
  const int32_t shared = std::max(plan.window_rows - plan.stride_rows, 0);
  for (int32_t pixel = begin; pixel < end;) {
    const int32_t row = pixel / g.output_w;
    const int32_t column = pixel % g.output_w;
    const int32_t count = std::min(g.output_w - column, end - pixel);
    const int32_t y = row % g.output_h;
    const uint8_t* image = input + static_cast<std::size_t>(row / g.output_h) * image_bytes;
    const uint8_t* window = image + static_cast<std::size_t>(y * plan.stride_rows) * plan.row_bytes;
    if (plan.copies) {
      const int32_t top = y * plan.stride_rows - g.window.pad_top;
      const int32_t known = pixel == begin || y == 0 ? 0 : shared;
      const BandRows rows = {.first = top + known,
                             .count = plan.window_rows - known,
                             .values = plan.row_bytes / plan.value_bytes};
      if (plan.value_bytes == sizeof(int16_t)) {
        copy_band<int16_t, 0>(params, image, rows, reinterpret_cast<int16_t*>(band));
      } else if (plan.flips) {
        copy_band<uint8_t, 0x80>(params, image, rows, band);
      } else {
        copy_band<uint8_t, 0>(params, image, rows, band);
      }
      window = band - static_cast<std::size_t>(known) * plan.row_bytes;
      band += static_cast<std::size_t>(plan.window_rows - known) * plan.row_bytes;
    }
    window += static_cast<std::size_t>(column) * plan.pixel_bytes;
    write_addresses(window, plan.pixel_bytes, count, windows + (pixel - begin));
    pixel += count;
  }
  return windows;
}

}  // namespace octet::kernels::vector
