// Depthwise convolution: interleaving rows into quads, and the dot products over them: a template
// of the instruction set's Simd. Plan and packing: depthwise_plan.h.
#pragma once

#include "kernels/x86/depthwise_plan.h"
#include "kernels/x86/epilogue.h"

namespace octet::kernels {
namespace {

template <class Simd>
struct Depthwise {
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;
  static constexpr std::size_t lanes = Simd::lanes;
  static constexpr std::size_t quad = 4;                 // bytes
  static constexpr std::size_t chunk = 4 * Simd::lanes;  // values that fill a vector of bytes

  struct Layer {
    Layer(const ConvParams& p, const std::byte* packed_layer, const ConvBuffers& b)
        : params(p),
          packed(packed_layer),
          plan(*reinterpret_cast<const x86::DepthwisePlan*>(packed)),
          taps(reinterpret_cast<const int64_t*>(packed + plan.tap_table)),
          buffers(b),
          requantizer(p) {}

    const ConvParams& params;
    const std::byte* packed;
    const x86::DepthwisePlan& plan;
    const int64_t* taps;
    const ConvBuffers& buffers;
    Requantizer<Simd> requantizer;
  };

  /// Some of the output's columns, with all or some of its channels.
  struct Piece {
    Piece(const Layer& layer, int32_t column, std::size_t channel) {
      const x86::DepthwisePlan& plan = layer.plan;
      const ConvGeometry& g = layer.params.geometry;
      const Window& w = g.window;
      const auto channels = static_cast<std::size_t>(g.input_channels);
      const bool all_channels = plan.piece_channels == channels;
      columns = smaller(plan.piece_columns, g.output_w - column);
      const int32_t begin = column * w.stride_w - w.pad_left;
      const int32_t end = begin + (columns - 1) * w.stride_w + (w.kernel_w - 1) * w.dilation_w + 1;
      const int32_t inside_begin = smaller(larger(begin, 0), g.input_w);
      const int32_t inside_end = larger(smaller(end, g.input_w), inside_begin);
      left = inside_begin - begin < end - begin ? inside_begin - begin : end - begin;
      inside = inside_end - inside_begin;
      right = end - begin - left - inside;
      input_offset = static_cast<std::size_t>(inside_begin) * channels + channel;
      output_offset = static_cast<std::size_t>(column) * channels + channel;
      const auto count = static_cast<std::size_t>(columns);
      runs = all_channels ? 1 : count;
      run_values = all_channels ? count * channels : plan.piece_channels;
      const std::size_t first_pattern = all_channels ? 0 : channel / lanes;
      patterns = layer.packed + plan.patterns + first_pattern * plan.pattern_bytes;
    }

    int32_t columns;
    // Input columns: padding, the image's, padding.
    int32_t left;
    int32_t inside;
    int32_t right;
    std::size_t input_offset;   ///< From an image row's begin to the first column inside.
    std::size_t output_offset;  ///< From an output row's begin.
    // Outputs are runs of values that lie side by side, and in the image one pixel from the other.
    std::size_t runs;
    std::size_t run_values;
    const std::byte* patterns;
  };

  static int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }
  static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }

  // ---- rows to quads

  /// Four rows' bytes as four vectors of quads.
  struct Interleaved {
    Interleaved(const uint8_t* const (&rows)[4], std::size_t at) {
      // Unpacking works within 128-bit lanes, so the rows' dwords are dealt out to the lanes first.
      const Int a = Simd::pack_order(Simd::load(rows[0] + at));
      const Int b = Simd::pack_order(Simd::load(rows[1] + at));
      const Int c = Simd::pack_order(Simd::load(rows[2] + at));
      const Int d = Simd::pack_order(Simd::load(rows[3] + at));
      const Int ab_low = Simd::unpack_low_u8(a, b);
      const Int ab_high = Simd::unpack_high_u8(a, b);
      const Int cd_low = Simd::unpack_low_u8(c, d);
      const Int cd_high = Simd::unpack_high_u8(c, d);
      vectors[0] = Simd::unpack_low_s16(ab_low, cd_low);
      vectors[1] = Simd::unpack_high_s16(ab_low, cd_low);
      vectors[2] = Simd::unpack_low_s16(ab_high, cd_high);
      vectors[3] = Simd::unpack_high_s16(ab_high, cd_high);
    }
    Int vectors[4];
  };

  /// Where the quads of a column go: each plane is filled from its begin.
  class Planes {
   public:
    Planes(const Layer& layer, std::byte* slot)
        : slot_(slot),
          planes_(layer.plan.planes),
          plane_bytes_(layer.plan.plane_quads * quad),
          column_bytes_(layer.plan.piece_channels * quad) {}

    /// -> the next column
    std::byte* next() {
      std::byte* column = slot_ + static_cast<std::size_t>(plane_) * plane_bytes_ + filled_;
      if (++plane_ == planes_) {
        plane_ = 0;
        filled_ += column_bytes_;
      }
      return column;
    }

   private:
    std::byte* slot_;
    int32_t planes_;
    std::size_t plane_bytes_;
    std::size_t column_bytes_;
    int32_t plane_ = 0;
    std::size_t filled_ = 0;
  };

  /// `count` values that lie side by side, in the order they have; may write a vector's length
  /// beyond.
  static void interleave(const uint8_t* const (&rows)[4], std::size_t count, std::byte* to) {
    for (std::size_t at = 0; at < count; at += chunk, to += chunk * quad) {
      const Interleaved quads(rows, at);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) Simd::store(to + v * Simd::bytes, quads.vectors[v]);
    }
  }

  /// The image's columns, where each column is a whole number of vectors.
  static void interleave_columns(const Layer& layer, const Piece& piece,
                                 const uint8_t* const (&rows)[4], Planes& planes) {
    const std::size_t channels = layer.plan.piece_channels;
    const auto pixel = static_cast<std::size_t>(layer.params.geometry.input_channels);
    if (pixel != channels) {
      for (int32_t column = 0; column < piece.inside; ++column) {
        const std::size_t at = static_cast<std::size_t>(column) * pixel;
        const uint8_t* const from[4] = {rows[0] + at, rows[1] + at, rows[2] + at, rows[3] + at};
        interleave(from, channels, planes.next());
      }
      return;
    }
    const std::size_t count = static_cast<std::size_t>(piece.inside) * channels;
    std::byte* to = nullptr;
    std::size_t left = 0;  // bytes of the column that are still to be written
    for (std::size_t at = 0; at < count; at += chunk) {
      const Interleaved quads(rows, at);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < 4; ++v) {
        if (at + v * lanes >= count) break;
        if (left == 0) {
          to = planes.next();
          left = channels * quad;
        }
        Simd::store(to, quads.vectors[v]);
        to += Simd::bytes;
        left -= Simd::bytes;
      }
    }
  }

  static void fill(std::byte* to, std::size_t quads, uint8_t value) {
    __builtin_memset(to, value, quads * quad);
  }

  /// Makes the quads of rows first_row, first_row + dilation, ...; rows outside of the image are
  /// z_x.
  static void make_quads(const Layer& layer, const Piece& piece, const uint8_t* image,
                         int32_t first_row, std::byte* in_order, std::byte* slot) {
    const x86::DepthwisePlan& plan = layer.plan;
    const ConvGeometry& g = layer.params.geometry;
    const auto image_row =
        static_cast<std::size_t>(g.input_w) * static_cast<std::size_t>(g.input_channels);
    const uint8_t* rows[4];
    for (int32_t r = 0; r < 4; ++r) {
      const int32_t row = first_row + r * g.window.dilation_h;
      rows[r] = row >= 0 && row < g.input_h
                    ? image + static_cast<std::size_t>(row) * image_row + piece.input_offset
                    : reinterpret_cast<const uint8_t*>(layer.packed + plan.padding_row);
    }
    const auto z = static_cast<uint8_t>(layer.params.input_zero_point);
    const std::size_t channels = plan.piece_channels;
    const bool one_run = channels == static_cast<std::size_t>(g.input_channels);
    const std::size_t left = static_cast<std::size_t>(piece.left) * channels;
    const std::size_t inside = static_cast<std::size_t>(piece.inside) * channels;
    const std::size_t right = static_cast<std::size_t>(piece.right) * channels;
    if (one_run && (plan.planes == 1 || plan.in_order_first)) {
      std::byte* to = plan.planes == 1 ? slot : in_order;
      fill(to, left, z);
      interleave(rows, inside, to + left * quad);
      fill(to + (left + inside) * quad, right, z);
      if (plan.planes > 1) deal_out_columns(layer, piece, in_order, slot);
      return;
    }
    Planes planes(layer, slot);
    for (int32_t i = 0; i < piece.left; ++i) fill(planes.next(), channels, z);
    interleave_columns(layer, piece, rows, planes);
    for (int32_t i = 0; i < piece.right; ++i) fill(planes.next(), channels, z);
  }

  /// Columns of a row of quads to the planes of a slot; may write a vector's length beyond.
  static void deal_out_columns(const Layer& layer, const Piece& piece, const std::byte* from,
                               std::byte* slot) {
    const std::size_t channels = layer.plan.piece_channels;
    Planes planes(layer, slot);
    for (int32_t i = 0; i < piece.left + piece.inside + piece.right; ++i) {
      std::byte* to = planes.next();
      for (std::size_t c = 0; c < channels; c += lanes) {
        Simd::store(to + c * quad, Simd::load(from + c * quad));
      }
      from += channels * quad;
    }
  }

  // ---- quads to outputs

  /// One group of output rows.
  struct RowsCall {
    const std::byte* const* slots;  ///< [quads], from the top
    std::size_t first_value;        ///< Of the piece's first row, in the output.
    int32_t rows;                   ///< That exist.
  };

  /// Where the next vector's quads lie, and by how much each of the filter's columns is off.
  template <int quad_count, int columns, class = void>
  struct Source {
    Source(const Layer& layer, const RowsCall& call) {
#pragma GCC unroll 4
      for (int g = 0; g < quad_count; ++g) slots[g] = call.slots[g];
#pragma GCC unroll 8
      for (int k = 0; k < columns; ++k) taps[k] = layer.taps[k];
    }
    void advance() {
#pragma GCC unroll 4
      for (int g = 0; g < quad_count; ++g) slots[g] += lanes * quad;
    }
    template <int rows>
    void add_products(const std::byte* weights, Int (&sum)[rows]) const {
#pragma GCC unroll 4
      for (int g = 0; g < quad_count; ++g) {
#pragma GCC unroll 8
        for (int k = 0; k < columns; ++k) {
          const typename Simd::Quads x = Simd::load_quads(slots[g] + (k == 0 ? 0 : taps[k]));
#pragma GCC unroll 4
          for (int r = 0; r < rows; ++r) {
            const int weight = (r * quad_count + g) * columns + k;
            sum[r] = Simd::dot(sum[r], x, weights + weight * Simd::weight_bytes);
          }
        }
      }
    }

    // Copies, since the compiler has to expect that storing bytes changes what is in memory.
    const std::byte* slots[quad_count];
    int64_t taps[columns];
  };

  /// A filter of any size.
  template <class Unused>
  struct Source<0, 0, Unused> {
    Source(const Layer& l, const RowsCall& c) : layer(l), call(c) {}
    void advance() { at += lanes * quad; }
    template <int rows>
    void add_products(const std::byte* weights, Int (&sum)[rows]) const {
      const auto taps_a_row = static_cast<std::size_t>(layer.plan.quads * layer.plan.columns);
      for (int g = 0; g < layer.plan.quads; ++g) {
        for (int k = 0; k < layer.plan.columns; ++k, weights += Simd::weight_bytes) {
          const typename Simd::Quads x = Simd::load_quads(call.slots[g] + at + layer.taps[k]);
          for (std::size_t r = 0; r < rows; ++r) {
            sum[r] = Simd::dot(sum[r], x, weights + r * taps_a_row * Simd::weight_bytes);
          }
        }
      }
    }

    const Layer& layer;
    const RowsCall& call;
    std::size_t at = 0;
  };

  /// A filter of `quad_count` by `columns`, or of any size where these are 0.
  template <int rows, int quad_count, int columns, Residual kind>
  static void run_rows(const Layer& layer, const Piece& piece, const RowsCall& call) {
    const Requantizer<Simd> requantizer = layer.requantizer;
    const std::size_t pattern_bytes =
        quad_count > 0 ? 2 * Simd::bytes + rows * quad_count * columns * Simd::weight_bytes
                       : layer.plan.pattern_bytes;
    const std::byte* const patterns = piece.patterns;
    const std::byte* const patterns_end = patterns + layer.plan.piece_patterns * pattern_bytes;
    const std::byte* pattern = patterns;
    Source<quad_count, columns> source(layer, call);
    const auto pixel = static_cast<std::size_t>(layer.params.geometry.output_channels);
    const std::size_t output_row = static_cast<std::size_t>(layer.params.geometry.output_w) * pixel;
    uint8_t* output = static_cast<uint8_t*>(layer.buffers.output) + call.first_value;
    const uint8_t* residual = layer.buffers.residual;
    if constexpr (kind != Residual::none) residual += call.first_value;
    const std::size_t run_values = piece.run_values;
    const std::size_t runs = piece.runs;
    const int rows_wanted = call.rows;

    for (std::size_t run = 0; run < runs; ++run) {
      for (std::size_t value = 0; value < run_values; value += chunk) {
        Float added[rows][4];
        if constexpr (kind != Residual::none) {
#pragma GCC unroll 4
          for (int r = 0; r < rows; ++r) {
            const auto row = static_cast<std::size_t>(r < rows_wanted ? r : rows_wanted - 1);
            const Int bytes = Simd::load(residual + run * pixel + value + row * output_row);
            residual_vectors<Simd>(Simd::pack_order(bytes), added[r]);
          }
        }
        Int halves[rows][2];
        Int q[rows][2];
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) {
          Int sum[rows];
          const Int bias = Simd::load(pattern);
#pragma GCC unroll 4
          for (int r = 0; r < rows; ++r) sum[r] = bias;
          source.template add_products<rows>(pattern + 2 * Simd::bytes, sum);
          source.advance();
          const Float multiplier =
              Simd::load_float(reinterpret_cast<const float*>(pattern + Simd::bytes));
#pragma GCC unroll 4
          for (int r = 0; r < rows; ++r) {
            if constexpr (kind != Residual::none) {
              q[r][v % 2] = requantizer.template scale<kind>(sum[r], multiplier, added[r][v]);
            } else {
              q[r][v % 2] = requantizer.scale(sum[r], multiplier);
            }
            if (v % 2 == 1) halves[r][v / 2] = requantizer.half(q[r][0], q[r][1]);
          }
          pattern += pattern_bytes;
          pattern = pattern == patterns_end ? patterns : pattern;
        }
        uint8_t* to = output + run * pixel + value;
        const std::size_t left = run_values - value;
#pragma GCC unroll 4
        for (int r = 0; r < rows; ++r, to += output_row) {
          if (r >= rows_wanted) break;
          const Int bytes = Simd::natural_order(requantizer.whole(halves[r][0], halves[r][1]));
          if (left >= chunk) {
            Simd::store(to, bytes);
          } else {
            Simd::store_first(to, bytes, left);
          }
        }
      }
    }
  }

  using RunRows = void (*)(const Layer&, const Piece&, const RowsCall&);

  /// A residual is rare here: it takes the loop for filters of any size, and the one for bounds.
  static RunRows choose(const x86::DepthwisePlan& plan, bool has_residual) {
    constexpr Residual none = Residual::none;
    constexpr Residual any = Residual::bounded;
    if (plan.rows == 1) {
      if (has_residual) return run_rows<1, 0, 0, any>;
      if (plan.columns == 3 && plan.quads == 1) return run_rows<1, 1, 3, none>;
      return run_rows<1, 0, 0, none>;
    }
    if (plan.rows == 2) {
      if (has_residual) return run_rows<2, 0, 0, any>;
      return plan.columns == 3 ? run_rows<2, 1, 3, none> : run_rows<2, 2, 5, none>;
    }
    if constexpr (Simd::depthwise_traits().max_rows == 4) {
      if (has_residual) return run_rows<4, 0, 0, any>;
      return run_rows<4, 2, 5, none>;
    }
    return nullptr;
  }

  /// Items [begin, end) of a piece; all are groups of one image.
  static void run_piece(const Layer& layer, const Piece& piece, RunRows run_group,
                        std::size_t begin, std::size_t end, std::byte* scratch) {
    const x86::DepthwisePlan& plan = layer.plan;
    const ConvGeometry& g = layer.params.geometry;
    const Window& w = g.window;
    const auto groups = static_cast<std::size_t>(plan.groups);
    const std::size_t image_index = begin / groups;
    const std::size_t image_bytes = static_cast<std::size_t>(g.input_h) *
                                    static_cast<std::size_t>(g.input_w) *
                                    static_cast<std::size_t>(g.input_channels);
    const std::size_t output_row =
        static_cast<std::size_t>(g.output_w) * static_cast<std::size_t>(g.output_channels);
    const uint8_t* image = layer.buffers.input + image_index * image_bytes;
    for (std::size_t item = begin; item < end; ++item) {
      const auto group = static_cast<int32_t>(item % groups);
      const int32_t top = group * plan.rows * w.stride_h - w.pad_top;
      // Slots are a ring: a quad stays where it is while groups move down over it.
      const std::byte* slots[max_quads];
      for (int32_t i = 0; i < plan.quads; ++i) {
        const int32_t slot = (group * plan.new_quads + i) % plan.quads;
        std::byte* quads =
            scratch + plan.slots + static_cast<std::size_t>(slot) * plan.slot_quads * quad;
        slots[i] = quads;
        if (item == begin || i >= plan.quads - plan.new_quads) {
          make_quads(layer, piece, image, top + 4 * i * w.dilation_h, scratch, quads);
        }
      }
      const int32_t row = group * plan.rows;
      const std::size_t rows_above =
          image_index * static_cast<std::size_t>(g.output_h) + static_cast<std::size_t>(row);
      run_group(layer, piece,
                {.slots = slots,
                 .first_value = rows_above * output_row + piece.output_offset,
                 .rows = smaller(g.output_h - row, plan.rows)});
    }
  }

  static void run(const ConvParams& params, const std::byte* packed, const ConvBuffers& buffers,
                  Range items, std::byte* scratch) {
    const Layer layer(params, packed, buffers);
    const x86::DepthwisePlan& plan = layer.plan;
    const ConvGeometry& g = params.geometry;
    const RunRows run_group = choose(plan, params.has_residual);
    const auto groups = static_cast<std::size_t>(plan.groups);
    const auto channels = static_cast<std::size_t>(g.input_channels);
    for (std::size_t begin = items.begin; begin < items.end;) {
      const std::size_t image_end = (begin / groups + 1) * groups;
      const std::size_t end = image_end < items.end ? image_end : items.end;
      for (std::size_t channel = 0; channel < channels; channel += plan.piece_channels) {
        for (int32_t column = 0; column < g.output_w; column += plan.piece_columns) {
          run_piece(layer, Piece(layer, column, channel), run_group, begin, end, scratch);
        }
      }
      begin = end;
    }
  }

  /// Filters of more rows than this many quads hold are left to the reference.
  static constexpr int max_quads = 16;

  static bool supports(const ConvParams& p) {
    return p.geometry.window.kernel_h <= 4 * max_quads && x86::depthwise_supports(p);
  }
  static constexpr x86::DepthwiseTraits traits = Simd::depthwise_traits();
  static std::size_t packed_size(const ConvParams& p) {
    return x86::depthwise_packed_size(traits, p);
  }
  static void pack(const ConvParams& p, std::byte* packed) {
    x86::depthwise_pack(traits, p, packed);
  }
  static std::size_t scratch_size(const ConvParams& p) {
    return x86::depthwise_scratch_size(traits, p);
  }
  static std::size_t items(const ConvParams& p) { return x86::depthwise_items(traits, p); }

  static constexpr ConvKernel kernel = {.name = "depthwise",
                                        .supports = supports,
                                        .packed_size = packed_size,
                                        .pack = pack,
                                        .scratch_size = scratch_size,
                                        .items = items,
                                        .run = run};
};

}  // namespace
}  // namespace octet::kernels
