// The matrix product's tiles and their epilogue: a template of the instruction set's Simd. Plan and
// packing are in vector/gemm_plan.h, the walk over tiles in vector/gemm_walk.h, and the inner loops
// in the instruction set's tile_loop.h. Method: an outer-product tile in registers over packed
// weights (Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication"), with
// one pointer for each pixel (Dukhan 2019, "The indirect convolution algorithm").
#pragma once

#include <type_traits>
#include <utility>

#include "kernels/arm/store_sums.h"
#include "kernels/arm/tile_call.h"
#include "kernels/vector/gemm_store.h"
#include "kernels/vector/gemm_walk.h"

namespace octet::kernels {
namespace {

template <class Simd>
struct Gemm {
  using Int = typename Simd::Int;
  using Layer = GemmLayer<Simd>;
  using Store = GemmStore<Simd>;
  using Results = typename Store::Results;
  static constexpr int lanes = Simd::lanes;
  static constexpr std::size_t sums_bytes = 0;

  /// What becomes of a tile's sums. Results that fit s16 are requantized in registers: `even` and
  /// `odd` zero points, and those with a `residual`. Everything else goes through `memory`, and so
  /// do parts of tiles.
  enum class Way : uint8_t { even, odd, residual, memory };

  /// Turns sums into bytes, in the registers that they are in. `residual` is read only with
  /// Way::residual. `above`: Ending::above.
  template <int vectors, int pixels, Way way>
  [[gnu::always_inline]] static void store(const Requantizer<Simd>& requantizer,
                                           const float* multiplier,
                                           const Int (&sum)[pixels][vectors], uint8_t* output,
                                           const uint8_t* residual, std::size_t stride,
                                           bool above) {
    constexpr int together = Store::template pixels_together<vectors>;
    const typename Store::template Multiplier<vectors> m(multiplier);
#pragma GCC unroll 8
    for (int i = 0; i < pixels; i += together) {
      constexpr auto last = [](int at) { return at < pixels ? at : pixels - 1; };
      uint8_t* to[together];
      const uint8_t* from[together];
#pragma GCC unroll 4
      for (int p = 0; p < together; ++p) {
        to[p] = output;
        from[p] = residual;
        if (i + p + 1 >= pixels) continue;
        output += stride;
        if constexpr (way == Way::residual) residual += stride;
      }
      Int four[4];
      typename Simd::Float multipliers[4];
#pragma GCC unroll 4
      for (int quarter = 0; quarter < 4; ++quarter) {
        const int p = vectors >= 3 ? 0 : quarter / vectors;
        const int v =
            vectors >= 3 ? (quarter < vectors ? quarter : vectors - 1) : quarter % vectors;
        four[quarter] = Simd::opaque(sum[last(i + p)][v]);
        multipliers[quarter] = m.of[v];
      }
      Int bytes;
      if constexpr (way == Way::residual) {
        bytes = requantizer.to_bytes_with_residual(
            four, multipliers, Simd::template gather_pixels<vectors>(from), above);
      } else {
        constexpr auto rounding =
            way == Way::odd ? vector::Rounding::s16_odd : vector::Rounding::s16_even;
        bytes = requantizer.template to_bytes<rounding>(four, multipliers);
      }
      Simd::template scatter_pixels<vectors>(bytes, to, pixels - i);
    }
  }

  /// Runs `tiles` tiles of `height` pixels each, at most `pixels`. There is one inner loop for all
  /// ways, since its code is large.
  template <int vectors, int pixels>
  [[gnu::noinline]] static void run_tiles(const Layer& layer, Results& results,
                                          const arm::TileCall& call, const uint8_t* const* windows,
                                          int32_t height, int32_t tiles) {
    const Requantizer<Simd> requantizer = layer.requantizer;
    const bool whole = height == pixels && results.channels == vectors * lanes;
    const Way way = whole ? choose_way(layer) : Way::memory;
    const bool above = ending_of(layer.params) == Ending::above;
    const std::size_t stride = results.stride;
    const float* const multiplier = results.multiplier;
    uint8_t* output = results.output;
    const uint8_t* residual = results.residual;
#pragma GCC unroll 1
    for (int32_t tile = 0; tile < tiles; ++tile, windows += height) {
      Int sum[pixels][vectors];
      accumulate<vectors, pixels>(call, windows, height, sum);
      switch (way) {
        case Way::even:
          store<vectors, pixels, Way::even>(requantizer, multiplier, sum, output, residual, stride,
                                            above);
          break;
        case Way::odd:
          store<vectors, pixels, Way::odd>(requantizer, multiplier, sum, output, residual, stride,
                                           above);
          break;
        case Way::residual:
          store<vectors, pixels, Way::residual>(requantizer, multiplier, sum, output, residual,
                                                stride, above);
          residual += pixels * stride;
          break;
        case Way::memory:
          Int stored[pixels][vectors];  // a copy, so that `sum` stays in registers
          __builtin_memcpy(stored, sum, sizeof(sum));
          store_sums<vectors>(layer, results, &stored[0][0], height);
          break;
      }
      output += pixels * stride;
    }
    if (way != Way::memory) results.skip(pixels * tiles);
  }

  /// The same for low tiles and for tiles of one vector of channels. They are rare, so all of them
  /// go through memory.
  template <int vectors, int pixels>
  [[gnu::noinline]] static void run_low_tiles(const Layer& layer, Results& results,
                                              const arm::TileCall& call,
                                              const uint8_t* const* windows, int32_t height,
                                              int32_t tiles) {
#pragma GCC unroll 1
    for (; tiles > 0; --tiles, windows += height) {
      Int sum[pixels][vectors];
      accumulate<vectors, pixels>(call, windows, height, sum);
      store_sums<vectors>(layer, results, &sum[0][0], height);
    }
  }

  static Way choose_way(const Layer& layer) {
    const Ending kind = ending_of(layer.params);
    if (layer.plan.rounding == vector::Rounding::general || kind == Ending::bounded ||
        kind == Ending::function) {
      return Way::memory;
    }
    if (kind != Ending::own) return Way::residual;
    return layer.plan.rounding == vector::Rounding::s16_odd ? Way::odd : Way::even;
  }

  /// Requantizes and stores sums through memory, and moves the results on.
  template <int vectors>
  static void store_sums(const Layer& layer, Results& to, const Int* sums, int32_t pixels) {
    arm::store_sums(layer.params,
                    {.vectors = vectors,
                     .channels = to.channels,
                     .sums_stride = vectors * lanes,
                     .stride = to.stride,
                     .multiplier = to.multiplier,
                     .rows = to.rows.first,
                     .rows_stride = to.rows.stride,
                     .output = to.output,
                     .float_output = to.float_output,
                     .residual = to.residual},
                    reinterpret_cast<const int32_t*>(sums), pixels);
    to.skip(pixels);
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

  /// Returns the function for the lowest tile that `height` pixels fit.
  template <int vectors, std::size_t... i>
  static RunTiles choose(int32_t height, std::index_sequence<i...>) {
    RunTiles chosen = nullptr;
    const auto try_height = [&]<int pixels>(std::integral_constant<int, pixels>) {
      if constexpr (vectors > 1 && 2 * pixels > Simd::tile_heights[vectors][0]) {
        if (height <= pixels) chosen = run_tiles<vectors, pixels>;
      } else if constexpr (pixels > 0) {
        if (height <= pixels) chosen = run_low_tiles<vectors, pixels>;
      }
    };
    (try_height(std::integral_constant<int, Simd::tile_heights[vectors][i]>{}), ...);
    return chosen;
  }

  template <int vectors>
  static void run_width(const Layer& layer, Results& results, const arm::TileCall& call,
                        const uint8_t* const* windows, int32_t count, bool low) {
    constexpr auto& heights = Simd::tile_heights[vectors];
    constexpr int32_t most = heights[0];
    const auto run = [&](int32_t height, int32_t tiles) {
      if (height == 0 || tiles == 0) return;
      const RunTiles run_tiles =
          choose<vectors>(height, std::make_index_sequence<std::size(heights)>());
      run_tiles(layer, results, call, windows, height, tiles);
      windows += height * tiles;
    };
    if (low) {
      const int32_t height = heights[1];
      run(height, count / height);
      run(count % height, 1);
    } else if constexpr (heights[1] == most - 1) {
      // The heights of tiles differ by one pixel at most.
      const int32_t tiles = (count + most - 1) / most;
      run(count / tiles + 1, count % tiles);
      run(count / tiles, tiles - count % tiles);
    } else {
      run(most, count / most);
      run(count % most, 1);
    }
  }

  static void run_pixels(const Layer& layer, const std::byte* packed, const vector::GemmTile& tile,
                         const std::byte* next, const uint8_t* const* windows, int32_t begin,
                         int32_t end) {
    const auto* segments =
        reinterpret_cast<const int64_t*>(packed + layer.plan.segment_table) + tile.first_segment;
    const arm::TileCall call = {
        .segments = segments,
        .segments_end = segments + layer.plan.segments,
        .segment_length = int64_t{layer.plan.dots} * Simd::gemm_traits().dot_bytes,
        .packed = packed + tile.offset,
        .flags = packed + tile.flags};
    static_cast<void>(next);
    Results results(layer.params, layer.buffers, tile, call.packed, begin);
    const int32_t count = end - begin;
    const bool low = tile.loop == vector::GemmLoop::extreme;
    switch (tile.vectors) {
      case 1:
        return run_width<1>(layer, results, call, windows, count, low);
      case 2:
        return run_width<2>(layer, results, call, windows, count, low);
      case 3:
        return run_width<3>(layer, results, call, windows, count, low);
      default:
        return run_width<4>(layer, results, call, windows, count, low);
    }
  }

  static constexpr ConvKernel kernel = GemmWalk<Simd, Gemm>::kernel;
};

}  // namespace
}  // namespace octet::kernels
