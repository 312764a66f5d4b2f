// Dense 3x3 convolutions with fewer products: see kernels/x86/winograd_plan.h.
#include "kernels/x86/gemm_store.h"
#include "kernels/x86/winograd_plan.h"
#include "kernels/x86_avx2/kernels.h"
#include "kernels/x86_avx2/shallow_tile.h"
#include "kernels/x86_avx2/simd.h"

namespace octet::kernels::avx2 {
namespace {

using Store = GemmStore<Simd>;
using x86::GemmTile;
using x86::WinogradPlan;
using Int = Simd::Int;

constexpr int positions = x86::winograd_positions;

struct Layer {
  Layer(const ConvParams& p, const std::byte* packed_layer, const ConvBuffers& b)
      : params(p),
        packed(packed_layer),
        plan(*reinterpret_cast<const WinogradPlan*>(packed)),
        tiles(reinterpret_cast<const GemmTile*>(packed + plan.tile_table)),
        buffers(b),
        requantizer(p) {}

  const ConvParams& params;
  const std::byte* packed;
  const WinogradPlan& plan;
  const GemmTile* tiles;
  const ConvBuffers& buffers;
  Requantizer<Simd> requantizer;
};

/// Rows of patches of one image, transformed.
struct Block {
  int32_t image;
  int32_t row;
  int32_t rows;
  std::size_t patches;
};

// ---- pixels

/// One direction of B^T d B.
void transform(const Int (&d)[4], Int (&out)[4]) {
  out[0] = _mm256_sub_epi16(d[0], d[2]);
  out[1] = _mm256_add_epi16(d[1], d[2]);
  out[2] = _mm256_sub_epi16(d[2], d[1]);
  out[3] = _mm256_sub_epi16(d[1], d[3]);
}

/// 16 channels of a patch, whose values at the 16 positions lie `position_stride` apart.
void transform_patch(const uint8_t* from, std::size_t column, std::size_t row, int16_t* to,
                     std::size_t position_stride) {
  Int rows[4][4];
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) {
    Int d[4];
#pragma GCC unroll 4
    for (std::size_t c = 0; c < 4; ++c) {
      const uint8_t* at = from + static_cast<std::size_t>(r) * row + c * column;
      d[c] = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
    }
    transform(d, rows[r]);
  }
#pragma GCC unroll 4
  for (std::size_t c = 0; c < 4; ++c) {
    const Int column_values[4] = {rows[0][c], rows[1][c], rows[2][c], rows[3][c]};
    Int out[4];
    transform(column_values, out);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < 4; ++r) Simd::store(to + (4 * r + c) * position_stride, out[r]);
  }
}

void transform_block(const Layer& layer, const Block& block, std::byte* scratch) {
  const WinogradPlan& plan = layer.plan;
  const ConvGeometry& g = layer.params.geometry;
  const auto channels = static_cast<std::size_t>(g.input_channels);
  const std::size_t image_bytes =
      static_cast<std::size_t>(g.input_h) * static_cast<std::size_t>(g.input_w) * channels;
  auto* band = reinterpret_cast<uint8_t*>(scratch + plan.band);
  x86::winograd_copy_band(layer.params, plan,
                          layer.buffers.input + static_cast<std::size_t>(block.image) * image_bytes,
                          block.row, block.rows, band);
  const std::size_t row_bytes = static_cast<std::size_t>(2 * plan.patch_columns + 2) * channels;
  const std::size_t position_stride = block.patches * plan.patch_values;
  auto* to = reinterpret_cast<int16_t*>(scratch + plan.transformed);
  for (int32_t row = 0; row < block.rows; ++row) {
    const uint8_t* from = band + static_cast<std::size_t>(2 * row) * row_bytes;
    for (int32_t column = 0; column < plan.patch_columns; ++column) {
      // The last channels' neighbours are read, too, and meet weights of 0, or none.
      for (std::size_t c = 0; c < channels; c += 16) {
        transform_patch(from + c, channels, row_bytes, to + c, position_stride);
      }
      from += 2 * channels;
      to += plan.patch_values;
    }
  }
}

// ---- products

/// sums [16][patches][vectors]: at each position a matrix product of patches and channels.
template <int vectors>
void multiply(const Layer& layer, const GemmTile& tile, const Block& block, std::byte* scratch) {
  constexpr int pixels = Simd::shallow_pixels(vectors);
  const WinogradPlan& plan = layer.plan;
  const std::size_t patch_bytes = plan.patch_values * sizeof(int16_t);
  const auto* values = reinterpret_cast<const uint8_t*>(scratch + plan.transformed);
  auto* sums = reinterpret_cast<Int*>(scratch + plan.sums);
  const int64_t segment = 0;
  const std::byte* weights = layer.packed + tile.offset + 2 * vectors * Simd::bytes;
  const std::size_t position_bytes = x86::winograd_position_bytes(plan, Simd::lanes, vectors);
  // As many lines of the next position's weights are fetched with each tile as are read.
  constexpr std::size_t line = 64;
  const std::size_t tiles = (block.patches + pixels - 1) / pixels;
  const std::size_t fetched = (position_bytes / tiles + line - 1) / line * line;
  for (int position = 0; position < positions; ++position, weights += position_bytes) {
    const x86::TileCall call = {.windows = nullptr,
                                .segments = &segment,
                                .segments_end = &segment + 1,
                                .segment_length = plan.step_bytes,
                                .packed = weights,
                                .next = nullptr,
                                .next_lines = 0};
    const std::byte* next = weights + position_bytes;
    for (std::size_t patch = 0; patch < block.patches; patch += pixels) {
      const uint8_t* window[pixels];
#pragma GCC unroll 8
      for (std::size_t i = 0; i < pixels; ++i) {
        const std::size_t at = patch + i < block.patches ? patch + i : block.patches - 1;
        window[i] = values + at * patch_bytes;
      }
      Int sum[pixels][vectors];
      ShallowTile<pixels, vectors>::run(call, window, sum);
      for (std::size_t at = 0; at < fetched; at += line) Simd::prefetch(next + at);
      next += fetched;
#pragma GCC unroll 8
      for (std::size_t i = 0; i < pixels; ++i) {
        if (patch + i >= block.patches) break;
#pragma GCC unroll 3
        for (int v = 0; v < vectors; ++v) {
          Simd::store(sums + (patch + i) * vectors + static_cast<std::size_t>(v), sum[i][v]);
        }
      }
    }
    values += block.patches * patch_bytes;
    sums += block.patches * vectors;
  }
}

// ---- outputs

/// One direction of A^T m A.
void inverse(Int a, Int b, Int c, Int d, Int& first, Int& second) {
  first = Simd::add_s32(Simd::add_s32(a, b), c);
  second = Simd::subtract_s32(Simd::subtract_s32(b, c), d);
}

/// A patch's 2x2 sums; its 16 products lie `stride` vectors apart.
void inverse_patch(const Int* products, std::size_t stride, Int bias, Int (&sum)[2][2]) {
  Int rows[2][4];
#pragma GCC unroll 4
  for (std::size_t c = 0; c < 4; ++c) {
    inverse(Simd::load(products + c * stride), Simd::load(products + (4 + c) * stride),
            Simd::load(products + (8 + c) * stride), Simd::load(products + (12 + c) * stride),
            rows[0][c], rows[1][c]);
  }
#pragma GCC unroll 2
  for (int r = 0; r < 2; ++r) {
    inverse(rows[r][0], rows[r][1], rows[r][2], rows[r][3], sum[r][0], sum[r][1]);
#pragma GCC unroll 2
    for (int c = 0; c < 2; ++c) {
      sum[r][c] = Simd::add_s32(_mm256_srai_epi32(sum[r][c], 2), bias);
    }
  }
}

template <int vectors, Residual kind>
void store(const Layer& layer, const GemmTile& tile, const Block& block, const std::byte* scratch) {
  constexpr int together = Store::group<vectors>;
  const WinogradPlan& plan = layer.plan;
  const ConvGeometry& g = layer.params.geometry;
  const std::byte* head = layer.packed + tile.offset;
  const auto* products = reinterpret_cast<const Int*>(scratch + plan.sums);
  const std::size_t stride = block.patches * vectors;
  const Requantizer<Simd> requantizer = layer.requantizer;
  for (int32_t row = 0; row < block.rows; ++row) {
    const int32_t y = 2 * (block.row + row);
    for (int32_t column = 0; column < plan.patch_columns; ++column, products += vectors) {
      const int32_t x = 2 * column;
      Int sum[vectors][2][2];
#pragma GCC unroll 3
      for (int v = 0; v < vectors; ++v) {
        inverse_patch(products + v, stride, Simd::load(head + v * Simd::bytes), sum[v]);
      }
      for (int r = 0; r < 2 && y + r < g.output_h; ++r) {
        typename Store::Results to(layer.params, layer.buffers, tile, head,
                                   (block.image * g.output_h + y + r) * g.output_w + x);
        const typename Store::Multiplier<vectors> multiplier(to);
        int32_t count = g.output_w - x < 2 ? 1 : 2;
        // A group is one pixel, two, or four of which two are there.
        for (int c = 0; c < 2 && count > 0; c += together, count -= together) {
          Int some[together][vectors];
#pragma GCC unroll 4
          for (int p = 0; p < together; ++p) {
#pragma GCC unroll 3
            for (int v = 0; v < vectors; ++v) some[p][v] = sum[v][r][(c + p) % 2];
          }
          Store::store_group<vectors, kind>(requantizer, multiplier, some, to,
                                            count < together ? count : together);
          to.template advance<kind>(together);
        }
      }
    }
  }
}

template <int vectors>
void run_tile(const Layer& layer, const GemmTile& tile, const Block& block, std::byte* scratch) {
  multiply<vectors>(layer, tile, block, scratch);
  switch (residual_kind(layer.params)) {
    case Residual::none:
      return store<vectors, Residual::none>(layer, tile, block, scratch);
    case Residual::plain:
      return store<vectors, Residual::plain>(layer, tile, block, scratch);
    case Residual::above:
      return store<vectors, Residual::above>(layer, tile, block, scratch);
    case Residual::bounded:
      return store<vectors, Residual::bounded>(layer, tile, block, scratch);
  }
}

void run_tiles(const Layer& layer, Range tiles, const Block& block, std::byte* scratch) {
  for (std::size_t t = tiles.begin; t < tiles.end; ++t) {
    const GemmTile& tile = layer.tiles[t];
    switch (tile.vectors) {
      case 1:
        run_tile<1>(layer, tile, block, scratch);
        break;
      case 2:
        run_tile<2>(layer, tile, block, scratch);
        break;
      default:
        run_tile<3>(layer, tile, block, scratch);
        break;
    }
  }
}

void run(const ConvParams& params, const std::byte* packed, const ConvBuffers& buffers, Range items,
         std::byte* scratch) {
  const Layer layer(params, packed, buffers);
  const WinogradPlan& plan = layer.plan;
  const auto row_patches = static_cast<std::size_t>(plan.patch_columns);
  if (plan.splits_tiles) {
    if (items.begin >= items.end) return;
    for (int32_t image = 0; image < params.geometry.batch; ++image) {
      const Block block = {.image = image,
                           .row = 0,
                           .rows = plan.patch_rows,
                           .patches = static_cast<std::size_t>(plan.patch_rows) * row_patches};
      transform_block(layer, block, scratch);
      run_tiles(layer, items, block, scratch);
    }
    return;
  }
  const auto end = static_cast<int32_t>(items.end);
  for (auto item = static_cast<int32_t>(items.begin); item < end;) {
    const int32_t row = item % plan.patch_rows;
    int32_t rows = plan.patch_rows - row;
    if (rows > plan.block_rows) rows = plan.block_rows;
    if (rows > end - item) rows = end - item;
    const Block block = {.image = item / plan.patch_rows,
                         .row = row,
                         .rows = rows,
                         .patches = static_cast<std::size_t>(rows) * row_patches};
    transform_block(layer, block, scratch);
    run_tiles(layer, {.begin = 0, .end = static_cast<std::size_t>(plan.tiles)}, block, scratch);
    item += rows;
  }
}

constexpr x86::GemmTraits traits = Simd::gemm_traits();
std::size_t packed_size(const ConvParams& p) { return x86::winograd_packed_size(traits, p); }
void pack(const ConvParams& p, std::byte* packed) { x86::winograd_pack(traits, p, packed); }
std::size_t scratch_size(const ConvParams& p) { return x86::winograd_scratch_size(traits, p); }
std::size_t items(const ConvParams& p) { return x86::winograd_items(traits, p); }

}  // namespace

constinit const ConvKernel winograd = {.name = "winograd",
                                       .supports = x86::winograd_supports,
                                       .packed_size = packed_size,
                                       .pack = pack,
                                       .scratch_size = scratch_size,
                                       .items = items,
                                       .run = run};

}  // namespace octet::kernels::avx2
