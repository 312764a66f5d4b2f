// Dense 3x3 and 5x5 convolutions with fewer products: see kernels/x86_avx2/winograd_plan.h.
#include "kernels/vector/gemm_store.h"
#include "kernels/x86_avx2/kernels.h"
#include "kernels/x86_avx2/shallow_tile.h"
#include "kernels/x86_avx2/simd.h"
#include "kernels/x86_avx2/winograd_plan.h"

namespace octet::kernels::avx2 {
namespace {

using Store = GemmStore<Simd>;
using vector::GemmTile;
using x86::WinogradPlan;
using Int = Simd::Int;

using Shape = x86::WinogradShape;

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

/// Rows of patches of one image, which are transformed together.
struct Block {
  int32_t image;
  int32_t row;
  int32_t rows;
  std::size_t patches;
};

// ---- pixels

Int add(Int a, Int b) { return _mm256_add_epi16(a, b); }
Int subtract(Int a, Int b) { return _mm256_sub_epi16(a, b); }

/// One direction of a patch's transform.
template <Shape shape>
void transform(const Int (&d)[shape.patch], Int (&out)[shape.components]) {
  if constexpr (shape == x86::winograd_3x3_stride2) {
    out[0] = subtract(d[0], d[2]);
    out[1] = d[2];
    out[2] = subtract(d[4], d[2]);
    out[3] = d[1];
    out[4] = d[3];
  } else {
    out[0] = subtract(d[0], d[2]);
    out[1] = add(d[1], d[2]);
    out[2] = subtract(d[2], d[1]);
    out[3] = subtract(d[1], d[3]);
  }
  if constexpr (shape == x86::winograd_5x5) {
    out[4] = subtract(d[3], d[4]);
    out[5] = d[4];
    out[6] = subtract(d[5], d[4]);
  }
}

/// Transforms 16 channels of a patch. The results for neighbouring components lie
/// `component_stride` values apart.
template <Shape shape>
void transform_patch(const uint8_t* from, std::size_t column, std::size_t row, int16_t* to,
                     std::size_t component_stride) {
  Int rows[shape.patch][shape.components];
#pragma GCC unroll 8
  for (int r = 0; r < shape.patch; ++r) {
    Int d[shape.patch];
#pragma GCC unroll 8
    for (int c = 0; c < shape.patch; ++c) {
      const uint8_t* at =
          from + static_cast<std::size_t>(r) * row + static_cast<std::size_t>(c) * column;
      d[c] = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
    }
    transform<shape>(d, rows[r]);
  }
#pragma GCC unroll 8
  for (int j = 0; j < shape.components; ++j) {
    Int d[shape.patch];
#pragma GCC unroll 8
    for (int r = 0; r < shape.patch; ++r) d[r] = rows[r][j];
    Int out[shape.components];
    transform<shape>(d, out);
#pragma GCC unroll 8
    for (int i = 0; i < shape.components; ++i) {
      Simd::store(to + static_cast<std::size_t>(i * shape.components + j) * component_stride,
                  out[i]);
    }
  }
}

template <Shape shape>
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
  const std::size_t row_bytes = static_cast<std::size_t>(plan.band_columns) * channels;
  const std::size_t component_stride = block.patches * plan.patch_values;
  auto* to = reinterpret_cast<int16_t*>(scratch + plan.transformed);
  for (int32_t row = 0; row < block.rows; ++row) {
    const uint8_t* from = band + static_cast<std::size_t>(row * shape.patch_stride()) * row_bytes;
    for (int32_t column = 0; column < plan.patch_columns; ++column) {
      // The loop may read beyond the last channel: those values meet weights of 0, or none.
      for (std::size_t c = 0; c < channels; c += 16) {
        transform_patch<shape>(from + c, channels, row_bytes, to + c, component_stride);
      }
      from += static_cast<std::size_t>(shape.patch_stride()) * channels;
      to += plan.patch_values;
    }
  }
}

// ---- products

/// Computes sums [components^2][patches][vectors]: for each component a matrix product of patches
/// and channels.
template <int vectors>
void multiply(const Layer& layer, const GemmTile& tile, const Block& block, std::byte* scratch) {
  constexpr int pixels = Simd::shallow_pixels(vectors);
  const WinogradPlan& plan = layer.plan;
  const std::size_t patch_bytes = plan.patch_values * sizeof(int16_t);
  const auto* values = reinterpret_cast<const uint8_t*>(scratch + plan.transformed);
  auto* sums = reinterpret_cast<Int*>(scratch + plan.sums);
  const int64_t segment = 0;
  const std::byte* weights = layer.packed + tile.offset + 2 * vectors * Simd::bytes;
  const std::size_t component_bytes = x86::winograd_component_bytes(plan, Simd::lanes, vectors);
  // With each tile of patches, some of the next component's weights are fetched.
  constexpr std::size_t line = 64;
  const std::size_t tiles = (block.patches + pixels - 1) / pixels;
  const std::size_t fetched = (component_bytes / tiles + line - 1) / line * line;
  const int components = plan.shape.components * plan.shape.components;
  for (int component = 0; component < components; ++component, weights += component_bytes) {
    const x86::TileCall call = {.windows = nullptr,
                                .segments = &segment,
                                .segments_end = &segment + 1,
                                .segment_length = plan.segment_length,
                                .packed = weights,
                                .next = 0,
                                .next_lines = 0};
    auto next = reinterpret_cast<std::uintptr_t>(weights + component_bytes);
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

/// One direction of the way back from products to 2 sums.
template <Shape shape>
void inverse(const Int (&m)[shape.components], Int (&out)[2]) {
  if constexpr (shape == x86::winograd_3x3_stride2) {
    out[0] = Simd::add_s32(Simd::add_s32(m[0], m[1]), m[3]);
    out[1] = Simd::add_s32(Simd::add_s32(m[1], m[2]), m[4]);
  } else {
    out[0] = Simd::add_s32(Simd::add_s32(m[0], m[1]), m[2]);
    out[1] = Simd::subtract_s32(Simd::subtract_s32(m[1], m[2]), m[3]);
  }
  if constexpr (shape == x86::winograd_5x5) {
    out[0] = Simd::add_s32(out[0], Simd::add_s32(m[4], m[5]));
    out[1] = Simd::add_s32(out[1], Simd::add_s32(m[5], m[6]));
  }
}

/// Computes a patch's 2x2 sums. Its products lie `stride` vectors apart.
template <Shape shape>
void inverse_patch(const Int* products, std::size_t stride, Int bias, Int (&sum)[2][2]) {
  Int rows[2][shape.components];
#pragma GCC unroll 8
  for (int j = 0; j < shape.components; ++j) {
    Int m[shape.components];
#pragma GCC unroll 8
    for (int i = 0; i < shape.components; ++i) {
      m[i] = Simd::load(products + static_cast<std::size_t>(i * shape.components + j) * stride);
    }
    Int both[2];
    inverse<shape>(m, both);
    rows[0][j] = both[0];
    rows[1][j] = both[1];
  }
#pragma GCC unroll 2
  for (int r = 0; r < 2; ++r) {
    inverse<shape>(rows[r], sum[r]);
#pragma GCC unroll 2
    for (int c = 0; c < 2; ++c) {
      const Int exact = _mm256_srai_epi32(sum[r][c], 2 * shape.doublings);
      sum[r][c] = Simd::add_s32(exact, bias);
    }
  }
}

template <Shape shape, int vectors, Ending kind>
void store(const Layer& layer, const GemmTile& tile, const Block& block, const std::byte* scratch) {
  constexpr int together = Store::pixels_together<vectors>;
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
        inverse_patch<shape>(products + v, stride, Simd::load(head + v * Simd::bytes), sum[v]);
      }
      for (int r = 0; r < 2 && y + r < g.output_h; ++r) {
        typename Store::Results to(layer.params, layer.buffers, tile, head,
                                   (block.image * g.output_h + y + r) * g.output_w + x);
        const typename Store::Multiplier<vectors> multiplier(to);
        int32_t count = g.output_w - x < 2 ? 1 : 2;
        // A call stores one pixel, two pixels, or four pixels of which only two exist.
        for (int c = 0; c < 2 && count > 0; c += together, count -= together) {
          Int some[together][vectors];
#pragma GCC unroll 4
          for (int p = 0; p < together; ++p) {
#pragma GCC unroll 3
            for (int v = 0; v < vectors; ++v) some[p][v] = sum[v][r][(c + p) % 2];
          }
          Store::store_together<vectors, kind>(requantizer, multiplier, some, to,
                                               count < together ? count : together);
          to.template advance<kind>(together);
        }
      }
    }
  }
}

template <Shape shape, int vectors>
void run_tile(const Layer& layer, const GemmTile& tile, const Block& block, std::byte* scratch) {
  multiply<vectors>(layer, tile, block, scratch);
  switch (ending_of(layer.params)) {
    case Ending::own:
      return store<shape, vectors, Ending::own>(layer, tile, block, scratch);
    case Ending::residual:
      return store<shape, vectors, Ending::residual>(layer, tile, block, scratch);
    case Ending::above:
      return store<shape, vectors, Ending::above>(layer, tile, block, scratch);
    case Ending::bounded:
      return store<shape, vectors, Ending::bounded>(layer, tile, block, scratch);
    case Ending::function:
      return store<shape, vectors, Ending::function>(layer, tile, block, scratch);
  }
}

template <Shape shape>
void run_block(const Layer& layer, Range tiles, const Block& block, std::byte* scratch) {
  transform_block<shape>(layer, block, scratch);
  for (std::size_t t = tiles.begin; t < tiles.end; ++t) {
    const GemmTile& tile = layer.tiles[t];
    switch (tile.vectors) {
      case 1:
        run_tile<shape, 1>(layer, tile, block, scratch);
        break;
      case 2:
        run_tile<shape, 2>(layer, tile, block, scratch);
        break;
      default:
        run_tile<shape, 3>(layer, tile, block, scratch);
        break;
    }
  }
}

using RunBlock = void (*)(const Layer&, Range, const Block&, std::byte*);

RunBlock choose(const Shape& shape) {
  if (shape == x86::winograd_3x3) return run_block<x86::winograd_3x3>;
  if (shape == x86::winograd_5x5) return run_block<x86::winograd_5x5>;
  return run_block<x86::winograd_3x3_stride2>;
}

void run(const ConvParams& params, const std::byte* packed, const ConvBuffers& buffers, Range items,
         std::byte* scratch) {
  const Layer layer(params, packed, buffers);
  const WinogradPlan& plan = layer.plan;
  const RunBlock run_tiles = choose(plan.shape);
  const auto row_patches = static_cast<std::size_t>(plan.patch_columns);
  if (plan.splits_tiles) {
    if (items.begin >= items.end) return;
    for (int32_t image = 0; image < params.geometry.batch; ++image) {
      const Block block = {.image = image,
                           .row = 0,
                           .rows = plan.patch_rows,
                           .patches = static_cast<std::size_t>(plan.patch_rows) * row_patches};
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
    const Range all = {.begin = 0, .end = static_cast<std::size_t>(plan.tiles)};
    run_tiles(layer, all, block, scratch);
    item += rows;
  }
}

constexpr vector::GemmTraits traits = Simd::gemm_traits();
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
