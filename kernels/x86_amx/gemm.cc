// Dense convolutions and linear layers: up to 2 tiles of 16 pixels by 2 tiles of 16 channels at
// once, or 4 by 1. Weights are packed as for vectors, and the vectors' epilogue turns sums into
// bytes.
#include <algorithm>
#include <utility>

#include "kernels/vector/gemm_store.h"
#include "kernels/vector/gemm_walk.h"
#include "kernels/x86_amx/kernels.h"
#include "kernels/x86_amx/tile_unit.h"
#include "kernels/x86_avx512vnni/simd.h"

namespace octet::kernels::amx {
namespace {

constexpr std::size_t cache_line = 64;

constexpr int32_t ceil_div(int32_t a, int32_t b) { return (a + b - 1) / b; }

struct Amx : Simd {
  static constexpr vector::GemmTraits gemm_traits() {
    return {.lanes = lanes,
            .wide = false,
            .pairs = false,
            .flips = false,
            .bundle_dots = TileUnit::most_dots,
            .shallow_dots = 0,
            .max_vectors = 4,
            .tile_pixels = {0, 32, 32, 32, 32}};
  }
};

/// How a layer's pixels become the rows of tiles. Each row of a tile belongs to one position in the
/// input. Positions are as far apart as neighbouring output pixels' windows. Where the gap between
/// two rows of the output is short, positions go on through it: the sums there are computed and not
/// used.
struct Rows {
  Rows(const ConvParams& params, const vector::GemmPlan& plan) {
    const ConvGeometry& g = params.geometry;
    // A band leaves out rows that no window reads.
    const int32_t rows =
        plan.copies ? std::min(plan.stride_rows, plan.window_rows) : plan.stride_rows;
    const auto row_bytes = static_cast<std::size_t>(rows) * plan.row_bytes;
    const auto pitch = static_cast<int32_t>(row_bytes / plan.pixel_bytes);
    const bool even = row_bytes % plan.pixel_bytes == 0;
    pixels = g.output_w;
    positions = g.output_w;
    if (even && pitch == g.output_w && !plan.copies && g.output_h * plan.stride_rows == g.input_h) {
      pixels = plan.pixels;
      positions = plan.pixels;
    } else if (even && g.batch == 1 && plan.splits_tiles) {
      // All rows are in one band.
      const int32_t all = (g.output_h - 1) * pitch + g.output_w;
      if (tiles(all) < g.output_h * tiles(g.output_w)) {
        positions = pitch;
        run = all;
      }
    }
    if (run == 0) run = pixels;
    tile = ceil_div(run, tiles(run));
  }

  static int32_t tiles(int32_t run) { return ceil_div(run, TileUnit::most_rows); }

  int32_t pixels;     ///< Pixels that lie side by side: an output row, or all.
  int32_t positions;  ///< Positions from the first of them to the first of the next row.
  int32_t run = 0;    ///< Positions in a run, whose distances are all the same.
  int32_t tile;       ///< Positions in a tile of pixels.
};

/// An output pixel and its position.
class Cursor {
 public:
  Cursor(const Rows& rows, int32_t pixel, int32_t end)
      : rows_(rows),
        pixel_(pixel),
        end_(end),
        first_(pixel / rows.pixels * rows.positions),
        position_(first_ + pixel % rows.pixels) {}

  int32_t pixel() const { return pixel_; }
  int32_t position() const { return position_; }
  bool at_end() const { return pixel_ >= end_; }
  /// The position at which the tile that has this pixel begins. The last tile of a run is as high
  /// as the others, and begins within the tile before it.
  int32_t tile() const {
    const int32_t run = rows_.run == rows_.positions ? first_ : 0;
    return std::min(position_, run + rows_.run - rows_.tile);
  }
  /// Moves to the first pixel at or behind `position`.
  void advance(int32_t position) {
    while (position >= first_ + rows_.pixels) {
      next_row();
      if (position <= position_) return;
    }
    pixel_ = std::min(pixel_ + position - position_, end_);
    position_ = position;
  }
  /// How many pixels from here on lie side by side.
  int32_t side_by_side() const {
    const int32_t rest = first_ + rows_.pixels - position_;
    return rows_.pixels == rows_.positions ? end_ - pixel_ : std::min(rest, end_ - pixel_);
  }

 private:
  void next_row() {
    pixel_ = std::min(pixel_ + first_ + rows_.pixels - position_, end_);
    first_ += rows_.positions;
    position_ = first_;
  }

  const Rows& rows_;
  int32_t pixel_;
  int32_t end_;
  int32_t first_;  ///< Position of the row's first pixel.
  int32_t position_;
};

/// Some tiles of pixels, by one or two tiles of channels.
struct Call {
  const uint8_t* windows[4];  ///< The window of each tile's first position.
  Simd::Int* sums[4];         ///< Where each tile's sums go.
  std::size_t pixel_bytes;
  std::size_t sums_bytes;  ///< From one pixel's sums to the next one's.

  const int64_t* segments;
  const int64_t* segments_end;
  int64_t segment_length;  ///< Bytes, a multiple of bundle_bytes.
  int64_t bundle_bytes;
  int64_t weight_bytes;  ///< Bytes of the weights of a bundle, for a tile of channels.

  const std::byte* bias;
  const std::byte* weights;

  std::uintptr_t next;  ///< The address of the weights that are read next.
  int32_t next_lines;   ///< Cache lines of them that are fetched with each bundle.
};

/// After about 600 ns without a multiplication of vectors, storing a tile takes 300 ns longer, as
/// if a unit had to be powered up again. This was measured on a Xeon of the fourth generation
/// (Sapphire Rapids). Stores, additions and waiting did not help there.
inline void keep_multipliers_awake() {
  asm volatile("vpmaddwd %%ymm31, %%ymm31, %%ymm31" : : : "xmm31");
}

template <int tiles, int vectors, int... m, int... v>
[[gnu::always_inline]] inline void accumulate(const Call& call, std::integer_sequence<int, m...>,
                                              std::integer_sequence<int, v...>) {
  using Unit = TileUnit;
  const auto load_bias = [&]<int vector> {
    (Unit::load<m * vectors + vector>(call.bias + vector * Unit::row_bytes, 0), ...);
  };
  (load_bias.template operator()<v>(), ...);
  const std::byte* weights = call.weights;
  std::uintptr_t next = call.next;
  for (const int64_t* segment = call.segments; segment != call.segments_end; ++segment) {
    const int64_t end = *segment + call.segment_length;
    for (int64_t offset = *segment; offset != end; offset += call.bundle_bytes) {
      const auto multiply = [&]<int vector> {
        constexpr int of_weights = Unit::first_weights + vector;
        Unit::load<of_weights>(weights, Unit::row_bytes);
        weights += call.weight_bytes;
        const auto dot = [&]<int tile> {
          constexpr int pixels = Unit::first_pixels + tile % 2;
          if constexpr (vector == 0)
            Unit::load<pixels>(call.windows[tile] + offset, call.pixel_bytes);
          Unit::dot<tile * vectors + vector, pixels, of_weights>();
        };
        (dot.template operator()<m>(), ...);
      };
      (multiply.template operator()<v>(), ...);
      keep_multipliers_awake();
      for (int32_t line = 0; line < call.next_lines; ++line, next += cache_line) {
        Simd::prefetch(next);
      }
    }
  }
  const auto store = [&]<int tile> {
    (Unit::store<tile * vectors + v>(call.sums[tile] + v, call.sums_bytes), ...);
  };
  (store.template operator()<m>(), ...);
}

template <int tiles, int vectors>
[[gnu::noinline]] void accumulate(const Call& call) {
  accumulate<tiles, vectors>(call, std::make_integer_sequence<int, tiles>(),
                             std::make_integer_sequence<int, vectors>());
}

using Accumulate = void (*)(const Call&);
/// Indexed by the number of tiles of pixels, then of channels.
constexpr Accumulate accumulators[5][3] = {{},
                                           {nullptr, accumulate<1, 1>, accumulate<1, 2>},
                                           {nullptr, accumulate<2, 1>, accumulate<2, 2>},
                                           {nullptr, accumulate<3, 1>, nullptr},
                                           {nullptr, accumulate<4, 1>, nullptr}};

using Store = GemmStore<Simd>;
using Results = Store::Results;
using StoreBytes = void (*)(const Requantizer<Simd>&, Results, const Simd::Int*, int32_t);
using StoreFloats = void (*)(const ConvParams&, const Results&, const Simd::Int*, int32_t);

template <int vectors>
constexpr StoreBytes store_bytes[4] = {
    Store::store<vectors, Ending::own>, Store::store<vectors, Ending::residual>,
    Store::store<vectors, Ending::above>, Store::store<vectors, Ending::bounded>};
/// Indexed by the number of vectors.
constexpr const StoreBytes* stores[] = {nullptr, store_bytes<1>, store_bytes<2>, store_bytes<3>,
                                        store_bytes<4>};
constexpr StoreFloats float_stores[] = {nullptr, Store::store_float<1>, Store::store_float<2>,
                                        Store::store_float<3>, Store::store_float<4>};

struct Tiles {
  /// A set is up to four tiles of pixels. Its first tile may begin up to a tile's height before the
  /// set's first position, and its last one may end as far beyond the last position. Between two of
  /// its tiles may be the gap between two rows, which is narrower than a tile where rows run
  /// together. Sets of four have one vector for each pixel.
  static constexpr std::size_t sums_bytes = 4 * TileUnit::most_rows * 4 * Simd::bytes;

  static void run_pixels(const GemmLayer<Simd>& layer, const std::byte* packed,
                         const vector::GemmTile& tile, const std::byte* next,
                         const uint8_t* const* windows, int32_t begin, int32_t end) {
    const vector::GemmPlan& plan = layer.plan;
    const Rows rows(layer.params, plan);
    const int32_t vectors = tile.vectors;
    const int32_t most = vectors == 1 ? 4 : 2;
    const int32_t dots = vector::bundle_dots(Amx::gemm_traits(), plan.dots);
    const auto* segments =
        reinterpret_cast<const int64_t*>(packed + plan.segment_table) + tile.first_segment;
    const std::byte* bias = packed + tile.offset;
    const std::byte* weights = bias + 2 * vectors * Simd::bytes;
    Call call = {.windows = {},
                 .sums = {},
                 .pixel_bytes = plan.pixel_bytes,
                 .sums_bytes = static_cast<std::size_t>(vectors * Simd::bytes),
                 .segments = segments,
                 .segments_end = segments + plan.segments,
                 .segment_length = int64_t{plan.dots} * 4,
                 .bundle_bytes = int64_t{dots} * 4,
                 .weight_bytes = int64_t{dots} * Simd::bytes,
                 .bias = bias,
                 .weights = weights,
                 .next = reinterpret_cast<std::uintptr_t>(next),
                 .next_lines = 0};
    const auto pair_bytes = static_cast<std::size_t>(2 * plan.segments * plan.dots * Simd::bytes);
    // Together the bundles fetch as many weights as they read.
    const int32_t sets = ceil_div(end - begin, most * rows.tile);
    const int32_t calls = sets * ((vectors + 1) / 2);
    call.next_lines = ceil_div(dots * vectors, calls);
    const auto fetched = static_cast<std::size_t>(plan.segments * (plan.dots / dots)) *
                         static_cast<std::size_t>(call.next_lines) * cache_line;

    Results results(layer.params, layer.buffers, tile, bias, begin);
    auto* first_sums =
        reinterpret_cast<Simd::Int*>(layer.sums) + (TileUnit::most_rows - 1) * vectors;
    for (Cursor cursor(rows, begin, end); !cursor.at_end();) {
      Cursor done = cursor;
      const int32_t set = cursor.position();
      int32_t tiles = 0;
      for (; tiles < most && !cursor.at_end(); ++tiles) {
        const int32_t first = cursor.tile();
        call.windows[tiles] =
            windows[cursor.pixel() - begin] -
            static_cast<std::size_t>(cursor.position() - first) * plan.pixel_bytes;
        call.sums[tiles] = first_sums + (first - set) * vectors;
        cursor.advance(first + rows.tile);
      }
      for (int32_t v = 0; v < vectors; v += 2) {
        accumulators[tiles][std::min(vectors - v, 2)](call);
        call.bias += 2 * Simd::bytes;
        call.weights += pair_bytes;
        for (int32_t i = 0; i < tiles; ++i) call.sums[i] += 2;
        call.next += fetched;
      }
      call.bias = bias;
      call.weights = weights;
      while (done.pixel() < cursor.pixel()) {
        const int32_t count = std::min(done.side_by_side(), cursor.pixel() - done.pixel());
        store(layer, results, first_sums + (done.position() - set) * vectors, vectors, count);
        results.skip(count);
        done.advance(done.position() + count);
      }
    }
  }

 private:
  static void store(const GemmLayer<Simd>& layer, const Results& results, const Simd::Int* sums,
                    int32_t vectors, int32_t pixels) {
    if (layer.params.output == ConvOutput::float32) {
      float_stores[vectors](layer.params, results, sums, pixels);
    } else {
      const auto kind = static_cast<int>(ending_of(layer.params));
      stores[vectors][kind](layer.requantizer, results, sums, pixels);
    }
  }
};

using Walk = GemmWalk<Simd, Tiles, Amx>;

/// Whether AMX is faster here than AVX512-VNNI. Costs are in half cycles, for one tile of pixels
/// and all channels of a group. A tile product takes 16 cycles however few bytes or pixels it has,
/// and its sums then go through memory. With vpdpbusd, 16 pixels by 16 channels by a dot of 4
/// bytes take 8 cycles. What both do with the sums afterwards is left out.
bool pays(const ConvParams& params) {
  const ConvGeometry& g = params.geometry;
  const vector::SegmentShape shape(g);
  const int32_t segments = shape.rows * shape.taps_a_row;
  const int32_t pixels = std::min(g.batch * g.output_h * g.output_w, TileUnit::most_rows);
  const int32_t outputs = g.output_channels / g.groups;
  constexpr int32_t tile_product = 2 * 16;
  constexpr int32_t tile_overhead = 2 * 40;
  const int64_t tile_cost =
      int64_t{ceil_div(outputs, 16)} *
      (segments * ceil_div(shape.values, TileUnit::row_bytes) * tile_product + tile_overhead);
  const int64_t vector_cost =
      int64_t{ceil_div(outputs, 8)} * segments * ceil_div(shape.values, 4) * pixels / 2;
  return tile_cost < vector_cost;
}

bool supports(const ConvParams& params) { return pays(params) && Walk::supports(params); }

void run(const ConvParams& params, const std::byte* packed, const ConvBuffers& buffers, Range items,
         std::byte* scratch) {
  const auto& plan = *reinterpret_cast<const vector::GemmPlan*>(packed);
  const TileUnit unit(Rows(params, plan).tile, vector::bundle_dots(Amx::gemm_traits(), plan.dots));
  Walk::run(params, packed, buffers, items, scratch);
}

}  // namespace

constinit const ConvKernel gemm = {.name = "tile gemm",
                                   .supports = supports,
                                   .packed_size = Walk::packed_size,
                                   .pack = Walk::pack,
                                   .scratch_size = Walk::scratch_size,
                                   .items = Walk::items,
                                   .run = run};

}  // namespace octet::kernels::amx
