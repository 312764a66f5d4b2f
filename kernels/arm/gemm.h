// The matrix product's tiles and their epilogue: a template of the instruction set's Simd. Plan and
// packing: shared/gemm_plan.h; the walk over tiles: shared/gemm_walk.h; the inner loops: the
// instruction set's tile_loop.h. Method: an outer-product tile in registers over packed weights
// (Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication"), with a pointer
// a pixel (Dukhan 2019, "The indirect convolution algorithm").
#pragma once

#include <type_traits>
#include <utility>

#include "kernels/arm/tile_call.h"
#include "kernels/shared/gemm_store.h"
#include "kernels/shared/gemm_walk.h"

namespace octet::kernels {
namespace {

template <class Simd>
struct Gemm {
  using Int = typename Simd::Int;
  using Layer = GemmLayer<Simd>;
  using Store = GemmStore<Simd>;
  using Results = typename Store::Results;
  static constexpr int lanes = Simd::lanes;

  /// Rows of a tile's results: the layer's own, or, where the tile is larger than what it is to
  /// compute, a buffer's.
  struct Rows {
    uint8_t* output;
    std::size_t stride;
  };

  template <int vectors, int pixels>
  struct Buffer {
    Rows rows() { return {.output = &output[0][0], .stride = sizeof(output[0])}; }
    void copy_to(const Results& results, int32_t height) const {
      for (int32_t i = 0; i < height; ++i) {
        __builtin_memcpy(results.output + static_cast<std::size_t>(i) * results.stride, output[i],
                         static_cast<std::size_t>(results.channels));
      }
    }

    uint8_t output[pixels][vectors * lanes];
  };

  /// Sums to bytes, in the registers that they are in.
  template <int vectors, int pixels, shared::Rounding rounding>
  [[gnu::always_inline]] static void store(const Requantizer<Simd>& requantizer,
                                           const float* multiplier,
                                           const Int (&sum)[pixels][vectors], Rows rows) {
    constexpr int together = Store::template group<vectors>;
    const typename Store::template Multiplier<vectors> m(multiplier);
#pragma GCC unroll 8
    for (int i = 0; i < pixels; i += together) {
      constexpr auto last = [](int at) { return at < pixels ? at : pixels - 1; };
      uint8_t* to[together];
#pragma GCC unroll 4
      for (int p = 0; p < together; ++p) {
        to[p] = rows.output;
        if (i + p + 1 < pixels) rows.output += rows.stride;
      }
      Int four[4];
      typename Simd::Float multipliers[4];
#pragma GCC unroll 4
      for (int place = 0; place < 4; ++place) {
        const int p = vectors >= 3 ? 0 : place / vectors;
        const int v = vectors >= 3 ? (place < vectors ? place : vectors - 1) : place % vectors;
        four[place] = sum[last(i + p)][v];
        multipliers[place] = m.of[v];
      }
      Simd::template scatter_pixels<vectors>(
          requantizer.template to_bytes<rounding>(four, multipliers), to, pixels - i);
    }
  }

  /// `tiles` tiles of `height` pixels each, which may be fewer than `pixels`.
  template <int vectors, int pixels, shared::Rounding rounding>
  [[gnu::noinline]] static void run_in_registers(const Layer& layer, Results& results,
                                                 const arm::TileCall& call,
                                                 const uint8_t* const* windows, int32_t height,
                                                 int32_t tiles) {
    const Requantizer<Simd> requantizer = layer.requantizer;
    const bool whole = height == pixels && results.channels == vectors * lanes;
    Buffer<vectors, pixels> buffer;
    for (; tiles > 0; --tiles, windows += height) {
      Int sum[pixels][vectors];
      accumulate<vectors, pixels>(call, windows, height, sum);
      const Rows own = {.output = results.output, .stride = results.stride};
      store<vectors, pixels, rounding>(requantizer, results.multiplier, sum,
                                       whole ? own : buffer.rows());
      if (!whole) buffer.copy_to(results, height);
      results.template advance<Residual::none>(height);
    }
  }

  /// Any results: the sums go through memory.
  template <int vectors, int pixels>
  [[gnu::noinline]] static void run_through_memory(const Layer& layer, Results& results,
                                                   const arm::TileCall& call,
                                                   const uint8_t* const* windows, int32_t height,
                                                   int32_t tiles) {
    const auto store = choose_store<vectors>(layer.params);
    for (; tiles > 0; --tiles, windows += height) {
      Int sum[pixels][vectors];
      accumulate<vectors, pixels>(call, windows, height, sum);
      store(layer, results, &sum[0][0], height);
      results.skip(height);
    }
  }

  using StoreSums = void (*)(const Layer&, const Results&, const Int* sums, int32_t pixels);

  template <int vectors>
  static void store_floats(const Layer& layer, const Results& to, const Int* sums, int32_t pixels) {
    Store::template store_float<vectors>(layer.params, to, sums, pixels);
  }
  template <int vectors, Residual kind>
  static void store_bytes(const Layer& layer, const Results& to, const Int* sums, int32_t pixels) {
    Store::template store<vectors, kind>(layer.requantizer, to, sums, pixels);
  }
  template <int vectors>
  static StoreSums choose_store(const ConvParams& params) {
    if (params.output == ConvOutput::float32) return store_floats<vectors>;
    switch (residual_kind(params)) {
      case Residual::none:
        return store_bytes<vectors, Residual::none>;
      case Residual::plain:
        return store_bytes<vectors, Residual::plain>;
      default:
        return store_bytes<vectors, Residual::bounded>;
    }
  }

  template <int vectors, int pixels>
  [[gnu::always_inline]] static void accumulate(const arm::TileCall& call,
                                                const uint8_t* const* windows, int32_t height,
                                                Int (&sum)[pixels][vectors]) {
    const uint8_t* filled[pixels];
    if (height < pixels) {
      for (int i = 0; i < pixels; ++i) filled[i] = windows[i < height ? i : height - 1];
      windows = filled;
    }
    TileLoop<pixels, vectors>::run(call, windows, sum);
  }

  using RunTiles = void (*)(const Layer&, Results&, const arm::TileCall&, const uint8_t* const*,
                            int32_t, int32_t);

  template <int vectors, int pixels>
  static RunTiles choose(const Layer& layer) {
    // Low tiles are rare.
    constexpr bool is_low = 2 * pixels <= Simd::tile_heights[vectors][0];
    if constexpr (!is_low) {
      if (!layer.params.has_residual) {
        if (layer.plan.rounding == shared::Rounding::s16_even)
          return run_in_registers<vectors, pixels, shared::Rounding::s16_even>;
        if (layer.plan.rounding == shared::Rounding::s16_odd)
          return run_in_registers<vectors, pixels, shared::Rounding::s16_odd>;
      }
    }
    return run_through_memory<vectors, pixels>;
  }

  /// The lowest tile that `height` pixels fit.
  template <int vectors, std::size_t... i>
  static RunTiles choose(const Layer& layer, int32_t height, std::index_sequence<i...>) {
    RunTiles chosen = nullptr;
    const auto try_height = [&]<int pixels>(std::integral_constant<int, pixels>) {
      if constexpr (pixels > 0) {
        if (height <= pixels) chosen = choose<vectors, pixels>(layer);
      }
    };
    (try_height(std::integral_constant<int, Simd::tile_heights[vectors][i]>{}), ...);
    return chosen;
  }

  template <int vectors>
  static void run_width(const Layer& layer, Results& results, const arm::TileCall& call,
                        const uint8_t* const* windows, int32_t count) {
    constexpr auto& heights = Simd::tile_heights[vectors];
    constexpr int32_t most = heights[0];
    const auto run = [&](int32_t height, int32_t tiles) {
      if (height == 0 || tiles == 0) return;
      const RunTiles run_tiles =
          choose<vectors>(layer, height, std::make_index_sequence<std::size(heights)>());
      run_tiles(layer, results, call, windows, height, tiles);
      windows += height * tiles;
    };
    if constexpr (heights[1] == most - 1) {
      // Tiles are as high as each other, or one pixel less.
      const int32_t tiles = (count + most - 1) / most;
      run(count / tiles + 1, count % tiles);
      run(count / tiles, tiles - count % tiles);
    } else {
      run(most, count / most);
      run(count % most, 1);
    }
  }

  static void run_pixels(const Layer& layer, const std::byte* packed, const shared::GemmTile& tile,
                         const std::byte* next, const uint8_t* const* windows, int32_t begin,
                         int32_t end) {
    const auto* segments =
        reinterpret_cast<const int64_t*>(packed + layer.plan.segment_table) + tile.first_segment;
    const arm::TileCall call = {
        .segments = segments,
        .segments_end = segments + layer.plan.segments,
        .segment_length = int64_t{layer.plan.steps} * Simd::gemm_traits().step_bytes,
        .packed = packed + tile.offset,
        .extreme = tile.loop == shared::GemmLoop::extreme};
    static_cast<void>(next);
    Results results(layer.params, layer.buffers, tile, call.packed, begin);
    const int32_t count = end - begin;
    switch (tile.vectors) {
      case 1:
        return run_width<1>(layer, results, call, windows, count);
      case 2:
        return run_width<2>(layer, results, call, windows, count);
      case 3:
        return run_width<3>(layer, results, call, windows, count);
      default:
        return run_width<4>(layer, results, call, windows, count);
    }
  }

  static constexpr ConvKernel kernel = GemmWalk<Simd, Gemm>::kernel;
};

}  // namespace
}  // namespace octet::kernels
