// Walks a matrix product over blocks of pixels and tiles of channels, and makes the kernel for the
// table: a template of the instruction set's Simd and of its tiles. Plan and packing are in
// gemm_plan.h.
#pragma once

#include "kernels/vector/epilogue.h"
#include "kernels/vector/gemm_plan.h"

namespace octet::kernels {
namespace {

/// A layer while it runs.
template <class Simd>
struct GemmLayer {
  GemmLayer(const ConvParams& p, const std::byte* packed, const ConvBuffers& b,
            std::byte* memory_of_sums)
      : params(p),
        plan(*reinterpret_cast<const vector::GemmPlan*>(packed)),
        buffers(b),
        sums(memory_of_sums),
        requantizer(p) {}

  const ConvParams& params;
  const vector::GemmPlan& plan;
  const ConvBuffers& buffers;
  std::byte* sums;  ///< Tiles::sums_bytes bytes of the thread's scratch memory.
  Requantizer<Simd> requantizer;
};

/// `Tiles` computes a tile of channels. It has
///   static void run_pixels(layer, packed, tile, next, windows, begin, end):
/// computes output pixels [begin, end) of the tile. windows[0] belongs to `begin`, and `next` is
/// the weights that are read next. And it has
///   static constexpr std::size_t sums_bytes:
/// how much scratch memory it needs for sums.
/// `Traits` is the type that has gemm_traits(), where that is not Simd.
template <class Simd, class Tiles, class Traits = Simd>
struct GemmWalk {
  static constexpr vector::GemmTraits traits = Traits::gemm_traits();

  /// The weights that are read after those of tile `tile`: the next tile's or, after the last, the
  /// next layer's.
  static const std::byte* next_weights(const GemmLayer<Simd>& layer, const std::byte* packed,
                                       const vector::GemmTile* tiles, int32_t tile) {
    return tile + 1 < layer.plan.tiles ? packed + tiles[tile + 1].offset
                                       : layer.buffers.next_weights;
  }

  static void run(const ConvParams& params, const std::byte* packed, const ConvBuffers& buffers,
                  Range items, std::byte* scratch) {
    const GemmLayer<Simd> layer(params, packed, buffers, scratch);
    scratch += Tiles::sums_bytes;
    const vector::GemmPlan& plan = layer.plan;
    const auto* tiles = reinterpret_cast<const vector::GemmTile*>(packed + plan.tile_table);
    const auto first = static_cast<int32_t>(items.begin);
    const auto last = static_cast<int32_t>(items.end);
    if (first >= last) return;
    if (plan.splits_tiles) {
      const uint8_t* const* windows =
          vector::gemm_prepare_block(params, plan, buffers.input, 0, plan.pixels, scratch);
      for (int32_t item = first; item < last;) {
        const int32_t at = item % plan.tile_items;
        const int32_t count =
            at + last - item < plan.tile_items ? last - item : plan.tile_items - at;
        const int32_t begin = plan.pixels * at / plan.tile_items;
        const int32_t end = plan.pixels * (at + count) / plan.tile_items;
        const int32_t t = item / plan.tile_items;
        Tiles::run_pixels(layer, packed, tiles[t], next_weights(layer, packed, tiles, t),
                          windows + begin, begin, end);
        item += count;
      }
      return;
    }
    const int32_t limit =
        last * plan.item_pixels < plan.pixels ? last * plan.item_pixels : plan.pixels;
    for (int32_t begin = first * plan.item_pixels; begin < limit; begin += plan.block_pixels) {
      const int32_t end = begin + plan.block_pixels < limit ? begin + plan.block_pixels : limit;
      const uint8_t* const* windows =
          vector::gemm_prepare_block(params, plan, buffers.input, begin, end, scratch);
      for (int32_t t = 0; t < plan.tiles; ++t) {
        Tiles::run_pixels(layer, packed, tiles[t], next_weights(layer, packed, tiles, t), windows,
                          begin, end);
      }
    }
  }

  static bool supports(const ConvParams& p) { return vector::gemm_supports(traits, p); }
  static std::size_t packed_size(const ConvParams& p) {
    return vector::gemm_packed_size(traits, p);
  }
  static void pack(const ConvParams& p, std::byte* packed) { vector::gemm_pack(traits, p, packed); }
  static std::size_t scratch_size(const ConvParams& p) {
    return Tiles::sums_bytes + vector::gemm_scratch_size(traits, p);
  }
  static std::size_t items(const ConvParams& p) { return vector::gemm_items(traits, p); }

  static constexpr ConvKernel kernel = {.name = "gemm",
                                        .supports = supports,
                                        .packed_size = packed_size,
                                        .pack = pack,
                                        .scratch_size = scratch_size,
                                        .items = items,
                                        .run = run};
};

}  // namespace
}  // namespace octet::kernels
