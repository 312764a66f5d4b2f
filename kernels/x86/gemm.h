// The matrix product's inner loop and its epilogue: a template of the instruction set's Simd. Plan
// and packing are in gemm_plan.h, and the walk over tiles in gemm_walk.h. Method: an outer-product
// tile in registers over packed weights (Goto and van de Geijn 2008, "Anatomy of high-performance
// matrix multiplication"), with one pointer for each pixel (Dukhan 2019, "The indirect convolution
// algorithm").
#pragma once

#include <utility>

#include "kernels/vector/gemm_walk.h"
#include "kernels/x86/gemm_shallow.h"

namespace octet::kernels {
namespace {

template <class Simd>
struct Gemm {
  using Int = typename Simd::Int;
  using Store = GemmStore<Simd>;
  using Results = typename Store::Results;
  using TileCall = x86::TileCall;
  static constexpr std::size_t cache_line = 64;

  using Layer = GemmLayer<Simd>;

  /// Several tiles are stored at once, since a short loop would spend much of its time on starting.
  static constexpr int32_t tiles_at_once = 4;
  static constexpr std::size_t sums_bytes = tiles_at_once * Simd::max_tile_sums * Simd::bytes;

  /// Computes a tile's sums and writes them to memory. One small loop then requantizes all tiles of
  /// a width; its loads and stores run beside the next tile's dot products. And since the
  /// accumulators are only stored after the loop over products, g++ 12 keeps all of them in
  /// registers within it.
  template <int pixels, int vectors>
  [[gnu::noinline]] static void accumulate(const TileCall& call, Int* sums) {
    const uint8_t* window[pixels];
#pragma GCC unroll 16
    for (int i = 0; i < pixels; ++i) window[i] = call.windows[i];
    Int sum[pixels][vectors];
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) {
      const Int bias = Simd::load(call.packed + v * Simd::bytes);
#pragma GCC unroll 16
      for (int i = 0; i < pixels; ++i) sum[i][v] = bias;
    }
    const std::byte* weights = call.packed + 2 * vectors * Simd::bytes;
    std::uintptr_t next = call.next;
    const int64_t* segment = call.segments;
    do {
      int64_t offset = *segment;
      const int64_t end = offset + call.segment_length;
      do {
        Int w[vectors];
#pragma GCC unroll 16
        for (int v = 0; v < vectors; ++v) {
          w[v] = Simd::load_weights(weights + v * Simd::bytes);
        }
#pragma GCC unroll 16
        for (int i = 0; i < pixels; ++i) {
          const auto x = Simd::broadcast_dot(window[i] + offset);
#pragma GCC unroll 16
          for (int v = 0; v < vectors; ++v) sum[i][v] = Simd::add_dot(sum[i][v], x, w[v]);
        }
        Simd::prefetch(next);
        next += cache_line;
        weights += vectors * Simd::bytes;
        offset += 4;
      } while (offset != end);
    } while (++segment != call.segments_end);
#pragma GCC unroll 16
    for (int i = 0; i < pixels; ++i) {
#pragma GCC unroll 16
      for (int v = 0; v < vectors; ++v) Simd::store(sums + i * vectors + v, sum[i][v]);
    }
  }

  using Accumulate = void (*)(const TileCall&, Int*);
  using StoreBytes = void (*)(const Requantizer<Simd>&, Results, const Int*, int32_t);
  using StoreFloats = void (*)(const ConvParams&, const Results&, const Int*, int32_t);
  using RunShallow = void (*)(const Requantizer<Simd>&, Results, const TileCall&, int32_t);

  /// The functions, indexed by a tile's width in vectors, then by its height in pixels or by
  /// Ending.
  struct Functions {
    Accumulate accumulate[Simd::max_vectors + 1][Simd::max_tile_pixels + 1] = {};
    StoreBytes store[Simd::max_vectors + 1][endings] = {};
    StoreFloats store_float[Simd::max_vectors + 1] = {};
    RunShallow shallow[Simd::max_vectors + 1][endings] = {};
    RunShallow pairs[endings] = {};
  };

  template <int vectors, int... i>
  static constexpr void fill_width(Functions& functions, std::integer_sequence<int, i...>) {
    ((functions.accumulate[vectors][i + 1] = accumulate<i + 1, vectors>), ...);
    functions.store_float[vectors] = Store::template store_float<vectors>;
    fill_kind<vectors, Ending::own>(functions);
    fill_kind<vectors, Ending::residual>(functions);
    fill_kind<vectors, Ending::above>(functions);
    fill_kind<vectors, Ending::bounded>(functions);
    fill_kind<vectors, Ending::function>(functions);
  }
  template <int vectors, Ending kind>
  static constexpr void fill_kind(Functions& functions) {
    constexpr int at = static_cast<int>(kind);
    functions.store[vectors][at] = Store::template store<vectors, kind>;
    functions.shallow[vectors][at] = GemmShallow<Simd>::template run<vectors, kind>;
    if constexpr (Simd::gemm_traits().pairs) {
      functions.pairs[at] = GemmShallow<Simd>::template run_pairs<kind>;
    }
  }
  template <int... v>
  static constexpr Functions make_functions(std::integer_sequence<int, v...>) {
    Functions functions;
    (fill_width<v + 1>(functions, std::make_integer_sequence<int, Simd::tile_pixels(v + 1)>()),
     ...);
    return functions;
  }
  static constexpr Functions functions =
      make_functions(std::make_integer_sequence<int, Simd::max_vectors>());

  /// Computes output pixels [begin, end) of a tile of channels; windows[0] belongs to `begin`.
  static void run_pixels(const Layer& layer, const std::byte* packed, const vector::GemmTile& tile,
                         const std::byte* next, const uint8_t* const* windows, int32_t begin,
                         int32_t end) {
    const int32_t count = end - begin;
    const auto* segments =
        reinterpret_cast<const int64_t*>(packed + layer.plan.segment_table) + tile.first_segment;
    TileCall call = {.windows = windows,
                     .segments = segments,
                     .segments_end = segments + layer.plan.segments,
                     .segment_length = int64_t{layer.plan.dots} * 4,
                     .packed = packed + tile.offset,
                     .next = reinterpret_cast<std::uintptr_t>(next),
                     .next_lines = 0};
    const Results results(layer.params, layer.buffers, tile, call.packed, begin);
    const auto kind = static_cast<int>(ending_of(layer.params));
    switch (tile.loop) {
      case vector::GemmLoop::pairs:
        call.next_lines = lines_a_tile(layer, 2, 2 * Simd::shallow_pairs, count);
        return functions.pairs[kind](layer.requantizer, results, call, count);
      case vector::GemmLoop::shallow:
        call.next_lines =
            lines_a_tile(layer, tile.vectors, Simd::shallow_pixels(tile.vectors), count);
        return functions.shallow[tile.vectors][kind](layer.requantizer, results, call, count);
      default:
        return run_deep(layer, tile, results, call, count);
    }
  }

  /// Cache lines to fetch with each of the tiles that `count` pixels take, so that as many weights
  /// are fetched as are read.
  static int32_t lines_a_tile(const Layer& layer, int32_t vectors, int32_t pixels, int32_t count) {
    const auto lines = layer.plan.segments * layer.plan.dots * vectors * Simd::bytes /
                       static_cast<int32_t>(cache_line);
    const int32_t tiles = (count + pixels - 1) / pixels;
    return (lines + tiles - 1) / tiles;
  }

  /// The heights of tiles differ by one pixel at most.
  static void run_deep(const Layer& layer, const vector::GemmTile& tile, Results results,
                       TileCall call, int32_t count) {
    const int32_t most = Simd::tile_pixels(tile.vectors);
    const int32_t tiles = (count + most - 1) / most;
    const int32_t low = count / tiles;
    const int32_t higher = count % tiles;
    auto* sums = reinterpret_cast<Int*>(layer.sums);
    const std::size_t lines = static_cast<std::size_t>(layer.plan.segments) *
                              static_cast<std::size_t>(layer.plan.dots) * cache_line;
    const auto kind = static_cast<int>(ending_of(layer.params));
    for (int32_t i = 0; i < tiles; i += tiles_at_once) {
      const int32_t last = i + tiles_at_once < tiles ? i + tiles_at_once : tiles;
      int32_t pixels = 0;
      for (int32_t k = i; k < last; ++k) {
        const int32_t height = low + (k < higher ? 1 : 0);
        functions.accumulate[tile.vectors][height](call, sums + pixels * tile.vectors);
        call.windows += height;
        call.next += lines;
        pixels += height;
      }
      if (layer.params.output == ConvOutput::float32) {
        functions.store_float[tile.vectors](layer.params, results, sums, pixels);
      } else {
        functions.store[tile.vectors][kind](layer.requantizer, results, sums, pixels);
      }
      results.skip(pixels);
    }
  }

  static constexpr ConvKernel kernel = GemmWalk<Simd, Gemm>::kernel;
};

}  // namespace
}  // namespace octet::kernels
