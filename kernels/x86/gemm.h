// The matrix product's inner loop, its epilogue, and the walk over tiles: a template of the
// instruction set's Simd. Plan and packing: gemm_plan.h. Method: an outer-product tile in registers
// over packed weights (Goto and van de Geijn 2008, "Anatomy of high-performance matrix
// multiplication"), with a pointer a pixel (Dukhan 2019, "The indirect convolution algorithm").
#pragma once

#include <utility>

#include "kernels/x86/epilogue.h"
#include "kernels/x86/gemm_plan.h"

namespace octet::kernels {
namespace {

template <class Simd>
struct Gemm {
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;
  static constexpr int lanes = Simd::lanes;
  static constexpr std::size_t cache_line = 64;

  /// A layer while it runs.
  struct Layer {
    Layer(const ConvParams& p, const std::byte* packed, const ConvBuffers& b)
        : params(p),
          plan(*reinterpret_cast<const x86::GemmPlan*>(packed)),
          buffers(b),
          requantizer(p) {}

    const ConvParams& params;
    const x86::GemmPlan& plan;
    const ConvBuffers& buffers;
    Requantizer<Simd> requantizer;
  };

  /// One tile's sums: what the inner loop reads, and where its accumulators go.
  struct TileCall {
    const uint8_t* const* windows;  ///< Where each of the tile's pixels reads.
    const int64_t* segments;
    const int64_t* segments_end;
    int64_t segment_length;
    const std::byte* packed;  ///< Bias, multiplier, weights.
    Int* sums;                ///< [pixels][vectors]
    /// Weights that come next: a line of them is fetched into the second-level cache with each
    /// step, since weights that are read once a run come from far away.
    const std::byte* next;
  };

  /// The accumulators leave through memory. What comes next is then one small loop for all tiles of
  /// a width, whose loads and stores run beside the next tile's dot products; and with one use
  /// after the loop g++ 12 keeps all of them in registers within it.
  template <int pixels, int vectors>
  [[gnu::noinline]] static void accumulate(const TileCall& call) {
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
    const std::byte* next = call.next;
    const int64_t* segment = call.segments;
    do {
      int64_t offset = *segment;
      const int64_t end = offset + call.segment_length;
      do {
        typename Simd::Weights w[vectors];
#pragma GCC unroll 16
        for (int v = 0; v < vectors; ++v) {
          w[v] = Simd::load_weights(weights + v * Simd::weight_bytes);
        }
#pragma GCC unroll 16
        for (int i = 0; i < pixels; ++i) {
          const auto x = Simd::broadcast_quad(window[i] + offset);
#pragma GCC unroll 16
          for (int v = 0; v < vectors; ++v) sum[i][v] = Simd::dot(sum[i][v], x, w[v]);
        }
        Simd::prefetch(next);
        next += cache_line;
        weights += vectors * Simd::weight_bytes;
        offset += 4;
      } while (offset != end);
    } while (++segment != call.segments_end);
#pragma GCC unroll 16
    for (int i = 0; i < pixels; ++i) {
#pragma GCC unroll 16
      for (int v = 0; v < vectors; ++v) Simd::store(call.sums + i * vectors + v, sum[i][v]);
    }
  }

  /// Where a tile's results go, and what they are made with.
  struct Results {
    Results(const Layer& layer, const x86::GemmTile& tile, const std::byte* packed,
            int32_t first_pixel)
        : stride(static_cast<std::size_t>(layer.params.geometry.output_channels)),
          channels(tile.channels),
          multiplier(reinterpret_cast<const float*>(packed) + tile.vectors * lanes) {
      const std::size_t first = static_cast<std::size_t>(first_pixel) * stride +
                                static_cast<std::size_t>(tile.first_channel);
      output = static_cast<uint8_t*>(layer.buffers.output) + first;
      float_output = static_cast<float*>(layer.buffers.output) + first;
      if (layer.params.has_residual) residual = layer.buffers.residual + first;
    }

    std::size_t stride;
    int32_t channels;
    const float* multiplier;
    uint8_t* output;
    float* float_output;
    const uint8_t* residual = nullptr;
  };

  // A store takes as many pixels at once as fill a vector of bytes: 4 of one vector, 2 of two, 1 of
  // three or four. Where a tile has no more pixels, its last one is taken again and not stored.
  template <int vectors>
  static constexpr int group = vectors == 1   ? 4
                               : vectors == 2 ? 2
                                              : 1;

  /// Requantizes one group: pixel p's sums are at sums + min(p, count - 1) * vectors.
  template <int vectors, Residual kind>
  [[gnu::always_inline]] static void store_group(const Requantizer<Simd>& requantizer,
                                                 const Float (&multiplier)[vectors],
                                                 const Int* sums, uint8_t* output,
                                                 const uint8_t* residual, std::size_t stride,
                                                 int32_t count, int32_t channels) {
    constexpr int together = group<vectors>;
    uint8_t* to[together];
    const uint8_t* from[together];
    const Int* sum[together];
#pragma GCC unroll 4
    for (int p = 0; p < together; ++p) {
      const int32_t pixel = p < count ? p : count - 1;
      to[p] = output + static_cast<std::size_t>(pixel) * stride;
      from[p] = residual + static_cast<std::size_t>(pixel) * stride;
      sum[p] = sums + pixel * vectors;
    }
    Float r[4];
    if constexpr (kind != Residual::none) {
      residual_vectors<Simd>(Simd::template gather_pixels<vectors>(from), r);
    }
    Int q[4];
#pragma GCC unroll 4
    for (int place = 0; place < 4; ++place) {
      const int p = vectors >= 3 ? 0 : place / vectors;
      const int v = vectors >= 3 ? (place < vectors ? place : vectors - 1) : place % vectors;
      const Int own = Simd::load(sum[p] + v);
      if constexpr (kind == Residual::none) {
        q[place] = requantizer.scale(own, multiplier[v]);
      } else {
        q[place] = requantizer.template scale<kind>(own, multiplier[v], r[place]);
      }
    }
    const Int bytes = requantizer.pack(q[0], q[1], q[2], q[3]);
    if (channels == vectors * lanes) {
      Simd::template scatter_pixels<vectors>(bytes, to, count);
    } else {
      Simd::template scatter_some<vectors>(bytes, to, count, channels);
    }
  }

  template <int vectors, Residual kind>
  [[gnu::noinline]] static void store(const Layer& layer, Results to, const Int* sums,
                                      int32_t pixels) {
    constexpr int together = group<vectors>;
    const Requantizer<Simd> requantizer = layer.requantizer;
    Float multiplier[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) multiplier[v] = Simd::load_float(to.multiplier + v * lanes);
    for (; pixels >= together; pixels -= together) {
      store_group<vectors, kind>(requantizer, multiplier, sums, to.output, to.residual, to.stride,
                                 together, to.channels);
      sums += together * vectors;
      to.output += together * to.stride;
      if constexpr (kind != Residual::none) to.residual += together * to.stride;
    }
    if (pixels > 0) {
      store_group<vectors, kind>(requantizer, multiplier, sums, to.output, to.residual, to.stride,
                                 pixels, to.channels);
    }
  }

  template <int vectors>
  [[gnu::noinline]] static void store_float(const Layer& layer, Results to, const Int* sums,
                                            int32_t pixels) {
    const Float low = Simd::set(layer.params.float_min);
    const Float high = Simd::set(layer.params.float_max);
    for (int32_t i = 0; i < pixels; ++i) {
      alignas(64) float values[vectors * lanes];
      for (int v = 0; v < vectors; ++v) {
        const Float value = Simd::multiply(Simd::to_float(Simd::load(sums + i * vectors + v)),
                                           Simd::load_float(to.multiplier + v * lanes));
        // The value comes second, so that a NaN stays what it is.
        Simd::template store_lanes<vectors>(Simd::min(high, Simd::max(low, value)), values + 4 * v);
      }
      __builtin_memcpy(to.float_output + static_cast<std::size_t>(i) * to.stride, values,
                       static_cast<std::size_t>(to.channels) * sizeof(float));
    }
  }

  using Accumulate = void (*)(const TileCall&);
  using Store = void (*)(const Layer&, Results, const Int*, int32_t);

  /// By width, and height.
  struct Functions {
    Accumulate accumulate[Simd::max_vectors + 1][Simd::max_tile_pixels + 1] = {};
    Store store[Simd::max_vectors + 1][4] = {};  ///< by Residual
    Store store_float[Simd::max_vectors + 1] = {};
  };

  template <int vectors, int... i>
  static constexpr void fill_width(Functions& functions, std::integer_sequence<int, i...>) {
    ((functions.accumulate[vectors][i + 1] = accumulate<i + 1, vectors>), ...);
    functions.store[vectors][0] = store<vectors, Residual::none>;
    functions.store[vectors][1] = store<vectors, Residual::plain>;
    functions.store[vectors][2] = store<vectors, Residual::above>;
    functions.store[vectors][3] = store<vectors, Residual::bounded>;
    functions.store_float[vectors] = store_float<vectors>;
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

  static Store choose_store(const ConvParams& params, const x86::GemmTile& tile) {
    if (params.output == ConvOutput::float32) return functions.store_float[tile.vectors];
    return functions.store[tile.vectors][static_cast<int>(residual_kind(params))];
  }

  /// Output pixels [begin, end) of a tile of channels; windows[0] belongs to `begin`. Tiles are as
  /// high as each other, or one pixel less.
  static void run_pixels(const Layer& layer, const std::byte* packed, const x86::GemmTile& tile,
                         const std::byte* next, const uint8_t* const* windows, int32_t begin,
                         int32_t end) {
    const Store store = choose_store(layer.params, tile);
    const int32_t count = end - begin;
    const int32_t most = Simd::tile_pixels(tile.vectors);
    const int32_t tiles = (count + most - 1) / most;
    const int32_t low = count / tiles;
    const int32_t higher = count % tiles;
    const auto* segments =
        reinterpret_cast<const int64_t*>(packed + layer.plan.segment_table) + tile.first_segment;
    // Several tiles are stored at once: a short loop would spend much of its time on beginning.
    constexpr int32_t tiles_at_once = 4;
    Int sums[tiles_at_once * Simd::max_tile_sums];
    TileCall call = {.windows = windows,
                     .segments = segments,
                     .segments_end = segments + layer.plan.segments,
                     .segment_length = int64_t{layer.plan.quads} * 4,
                     .packed = packed + tile.offset,
                     .sums = sums,
                     .next = next};
    const std::size_t lines = static_cast<std::size_t>(layer.plan.segments) *
                              static_cast<std::size_t>(layer.plan.quads) * cache_line;
    for (int32_t i = 0; i < tiles; i += tiles_at_once) {
      const int32_t last = i + tiles_at_once < tiles ? i + tiles_at_once : tiles;
      const int32_t first_pixel = begin;
      call.sums = sums;
      for (int32_t k = i; k < last; ++k) {
        const int32_t height = low + (k < higher ? 1 : 0);
        functions.accumulate[tile.vectors][height](call);
        call.windows += height;
        call.sums += height * tile.vectors;
        call.next += lines;
        begin += height;
      }
      store(layer, Results(layer, tile, call.packed, first_pixel), sums, begin - first_pixel);
    }
  }

  /// The next tile's, or the next layer's after the last.
  static const std::byte* next_weights(const Layer& layer, const std::byte* packed,
                                       const x86::GemmTile* tiles, int32_t tile) {
    return tile + 1 < layer.plan.tiles ? packed + tiles[tile + 1].offset
                                       : layer.buffers.next_weights;
  }

  static void run(const ConvParams& params, const std::byte* packed, const ConvBuffers& buffers,
                  Range items, std::byte* scratch) {
    const Layer layer(params, packed, buffers);
    const x86::GemmPlan& plan = layer.plan;
    const auto* tiles = reinterpret_cast<const x86::GemmTile*>(packed + plan.tile_table);
    const auto first = static_cast<int32_t>(items.begin);
    const auto last = static_cast<int32_t>(items.end);
    if (first >= last) return;
    if (plan.splits_tiles) {
      const uint8_t* const* windows =
          x86::gemm_prepare_block(params, plan, buffers.input, 0, plan.pixels, scratch);
      for (int32_t item = first; item < last;) {
        const int32_t part = item % plan.parts;
        const int32_t parts = part + last - item < plan.parts ? last - item : plan.parts - part;
        const int32_t begin = plan.pixels * part / plan.parts;
        const int32_t end = plan.pixels * (part + parts) / plan.parts;
        const int32_t t = item / plan.parts;
        run_pixels(layer, packed, tiles[t], next_weights(layer, packed, tiles, t), windows + begin,
                   begin, end);
        item += parts;
      }
      return;
    }
    const int32_t limit =
        last * plan.item_pixels < plan.pixels ? last * plan.item_pixels : plan.pixels;
    for (int32_t begin = first * plan.item_pixels; begin < limit; begin += plan.block_pixels) {
      const int32_t end = begin + plan.block_pixels < limit ? begin + plan.block_pixels : limit;
      const uint8_t* const* windows =
          x86::gemm_prepare_block(params, plan, buffers.input, begin, end, scratch);
      for (int32_t t = 0; t < plan.tiles; ++t) {
        run_pixels(layer, packed, tiles[t], next_weights(layer, packed, tiles, t), windows, begin,
                   end);
      }
    }
  }

  static constexpr x86::GemmTraits traits = Simd::gemm_traits();
  static bool supports(const ConvParams& p) { return x86::gemm_supports(traits, p); }
  static std::size_t packed_size(const ConvParams& p) { return x86::gemm_packed_size(traits, p); }
  static void pack(const ConvParams& p, std::byte* packed) { x86::gemm_pack(traits, p, packed); }
  static std::size_t scratch_size(const ConvParams& p) { return x86::gemm_scratch_size(traits, p); }
  static std::size_t items(const ConvParams& p) { return x86::gemm_items(traits, p); }

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
