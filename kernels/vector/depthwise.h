// Depthwise convolutions: rows are interleaved into stacks, and dot products run over the stacks. A
// template of the instruction set's Simd. Plan and packing are in depthwise_plan.h.
#pragma once

#include <type_traits>

#include "kernels/vector/depthwise_plan.h"
#include "kernels/vector/epilogue.h"

namespace octet::kernels {
namespace {

/// For instruction sets that have no functions of their own to run a strip. A set that has them
/// gives Depthwise a type with choose<Layer, Piece, RowsCall>(plan, params), which returns a
/// function for every layer.
struct NoOwnRows {};

template <class Simd, class OwnRows = NoOwnRows>
struct Depthwise {
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;
  static constexpr vector::DepthwiseTraits traits = Simd::depthwise_traits();
  static constexpr std::size_t lanes = Simd::lanes;
  static constexpr int stack_rows = traits.stack_rows;
  static constexpr std::size_t stack_bytes = stack_rows;
  static constexpr std::size_t chunk = 4 * Simd::lanes;  // values that fill a vector of bytes

  struct Layer {
    Layer(const ConvParams& p, const std::byte* packed_layer, const ConvBuffers& b,
          std::byte* scratch)
        : params(p),
          packed(packed_layer),
          plan(*reinterpret_cast<const vector::DepthwisePlan*>(packed)),
          taps(reinterpret_cast<const int64_t*>(packed + plan.tap_table)),
          padding(reinterpret_cast<const uint8_t*>(scratch + plan.padding_row)),
          buffers(b),
          requantizer(p) {
      std::byte* const row = scratch + plan.padding_row;
      __builtin_memset(row, p.input_zero_point, plan.padding_column - plan.padding_row);
      if (p.input_zero_points != nullptr) {
        write_padding(p, row, scratch + plan.padding_column);
        padding_column = scratch + plan.padding_column;
      }
    }
    /// Padding where channels have zero points of their own.
    static void write_padding(const ConvParams& p, std::byte* row, std::byte* column) {
      constexpr uint8_t flip = traits.flips ? 0x80 : 0;
      const auto channels = static_cast<std::size_t>(p.geometry.input_channels);
      for (int32_t pixel = 0; pixel < p.geometry.input_w; ++pixel, row += channels) {
        __builtin_memcpy(row, p.input_zero_points, channels);
      }
      for (std::size_t c = 0; c < channels; ++c, column += stack_bytes) {
        __builtin_memset(column, p.input_zero_points[c] ^ flip, stack_bytes);
      }
    }

    const ConvParams& params;
    const std::byte* packed;
    const vector::DepthwisePlan& plan;
    const int64_t* taps;
    const uint8_t* padding;  ///< A row of z_x, for rows above and below the image.
    /// Stacks of z_x, for columns beside the image; null where all channels have one zero point.
    const std::byte* padding_column = nullptr;
    const ConvBuffers& buffers;
    Requantizer<Simd> requantizer;
  };

  /// Some of the output's columns, with all or some of its channels.
  struct Piece {
    Piece(const Layer& layer, int32_t column, std::size_t channel) {
      const vector::DepthwisePlan& plan = layer.plan;
      const ConvGeometry& g = layer.params.geometry;
      const Window& w = g.window;
      const auto channels = static_cast<std::size_t>(g.input_channels);
      const bool all_channels = plan.piece_channels == channels;
      columns = smaller(plan.piece_columns, g.output_w - column);
      const int32_t begin = column * w.stride_w - w.pad_left;
      const int32_t end = begin + (columns - 1) * w.stride_w + (w.kernel_w - 1) * w.dilation_w + 1;
      const int32_t inside_begin = smaller(larger(begin, 0), g.input_w);
      const int32_t inside_end = larger(smaller(end, g.input_w), inside_begin);
      // Padding may be wider than the piece: then all of the piece is padding. A piece may also
      // begin behind the image.
      left = larger(smaller(inside_begin, end) - begin, 0);
      inside = inside_end - inside_begin;
      right = end - begin - left - inside;
      first_channel = channel;
      input_offset = static_cast<std::size_t>(inside_begin) * channels + channel;
      output_offset = static_cast<std::size_t>(column) * channels + channel;
      const std::size_t values = static_cast<std::size_t>(columns) * plan.piece_channels;
      period_values = all_channels ? smaller(plan.period_values, values) : plan.piece_channels;
      periods = (values + period_values - 1) / period_values;
      last_period_values = values - (periods - 1) * period_values;
      output_stride = all_channels ? period_values : channels;
      source_stride = period_values * stack_bytes * static_cast<std::size_t>(plan.column_stride);
      const std::size_t first_pattern =
          all_channels ? 0 : channel / lanes / traits.pattern_vectors();
      patterns = layer.packed + plan.patterns + first_pattern * plan.pattern_bytes;
    }

    int32_t columns;
    // How many input columns are padding, lie in the image, and are padding again.
    int32_t left;
    int32_t inside;
    int32_t right;
    std::size_t first_channel;
    std::size_t input_offset;   ///< Values from the begin of an image row to the first one read.
    std::size_t output_offset;  ///< Values from the begin of an output row.
    // Outputs are cut into periods of values that lie side by side. The weights' patterns begin
    // anew with each period, and traits.periods periods share each weight that is loaded.
    std::size_t periods;
    std::size_t period_values;
    std::size_t last_period_values;
    std::size_t output_stride;  ///< Values from one period to the next.
    std::size_t source_stride;  ///< Bytes from one period to the next in the stacks.
    const std::byte* patterns;
  };

  template <class T>
  static T smaller(T a, T b) {
    return a < b ? a : b;
  }
  static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }

  // ---- rows to stacks

  /// Interleaves the next vector of bytes of four rows, from value `at` on, into stacks. Returns
  /// the address behind them.
  struct UnpackedStacks {
    explicit UnpackedStacks(const uint8_t* const (&from)[4]) {
      for (int r = 0; r < 4; ++r) rows[r] = from[r];
    }
    std::byte* operator()(std::byte* to, std::size_t at) const {
      // Unpacking works within 128-bit lanes, so the rows' dwords are dealt out to the lanes first.
      const Int a = Simd::pack_order(Simd::load(rows[0] + at));
      const Int b = Simd::pack_order(Simd::load(rows[1] + at));
      const Int c = Simd::pack_order(Simd::load(rows[2] + at));
      const Int d = Simd::pack_order(Simd::load(rows[3] + at));
      const Int ab_low = Simd::unpack_low_u8(a, b);
      const Int ab_high = Simd::unpack_high_u8(a, b);
      const Int cd_low = Simd::unpack_low_u8(c, d);
      const Int cd_high = Simd::unpack_high_u8(c, d);
      Simd::store(to, Simd::unpack_low_s16(ab_low, cd_low));
      Simd::store(to + Simd::bytes, Simd::unpack_high_s16(ab_low, cd_low));
      Simd::store(to + 2 * Simd::bytes, Simd::unpack_low_s16(ab_high, cd_high));
      Simd::store(to + 3 * Simd::bytes, Simd::unpack_high_s16(ab_high, cd_high));
      return to + chunk * stack_bytes;
    }
    const uint8_t* rows[4];
  };
  static auto stacks_of(const uint8_t* const (&rows)[stack_rows]) {
    if constexpr (requires { typename Simd::StacksOfRows; }) {
      return typename Simd::StacksOfRows(rows);
    } else {
      return UnpackedStacks(rows);
    }
  }

  /// Says where the stacks of each column go: the planes take turns, and each is filled from its
  /// begin.
  class Planes {
   public:
    Planes(const Layer& layer, std::byte* slot)
        : slot_(slot),
          planes_(layer.plan.planes),
          plane_bytes_(layer.plan.plane_stacks * stack_bytes),
          column_bytes_(layer.plan.piece_channels * stack_bytes) {}

    /// Returns where the next column's stacks go.
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

  /// Interleaves values [begin, end) of each row, in their order; may write up to `chunk` - 1
  /// stacks beyond. Returns the address behind all that it wrote.
  [[gnu::always_inline]] static std::byte* interleave(auto write_stacks, std::size_t begin,
                                                      std::size_t end, std::byte* to) {
    for (std::size_t at = begin; at < end; at += chunk) to = write_stacks(to, at);
    return to;
  }

  /// The same for some channels of each column of the image. Their number is a multiple of `chunk`.
  static void interleave_columns(const Layer& layer, const Piece& piece,
                                 const uint8_t* const (&rows)[stack_rows], std::byte* to) {
    const auto pixel = static_cast<std::size_t>(layer.params.geometry.input_channels);
    const std::size_t channels = layer.plan.piece_channels;
    const auto write_stacks = stacks_of(rows);
    std::size_t at = 0;
    for (int32_t column = piece.inside; column > 0; --column, at += pixel) {
      to = interleave(write_stacks, at, at + channels, to);
    }
  }

  /// Writes the stacks of some columns of padding.
  static void fill(const Layer& layer, const Piece& piece, std::byte* to, int32_t columns) {
    const std::size_t bytes = layer.plan.piece_channels * stack_bytes;
    if (layer.padding_column == nullptr) {
      constexpr int32_t flip = traits.flips ? 0x80 : 0;
      __builtin_memset(to, layer.params.input_zero_point ^ flip,
                       static_cast<std::size_t>(columns) * bytes);
      return;
    }
    const std::byte* column = layer.padding_column + piece.first_channel * stack_bytes;
    for (; columns > 0; --columns, to += bytes) __builtin_memcpy(to, column, bytes);
  }

  /// Makes the stacks of rows first_row, first_row + dilation, ...; rows outside of the image are
  /// z_x.
  static void make_stacks(const Layer& layer, const Piece& piece, const uint8_t* image,
                          int32_t first_row, std::byte* in_order, std::byte* slot) {
    const vector::DepthwisePlan& plan = layer.plan;
    const ConvGeometry& g = layer.params.geometry;
    const auto image_row =
        static_cast<std::size_t>(g.input_w) * static_cast<std::size_t>(g.input_channels);
    const uint8_t* rows[stack_rows];
    for (int32_t r = 0; r < stack_rows; ++r) {
      const int32_t row = first_row + r * g.window.dilation_h;
      rows[r] = row >= 0 && row < g.input_h
                    ? image + static_cast<std::size_t>(row) * image_row + piece.input_offset
                    : layer.padding + piece.first_channel;
    }
    const std::size_t channels = plan.piece_channels;
    const bool one_run = channels == static_cast<std::size_t>(g.input_channels);
    const std::size_t left = static_cast<std::size_t>(piece.left) * channels;
    const std::size_t inside = static_cast<std::size_t>(piece.inside) * channels;
    std::byte* to = plan.planes == 1 ? slot : in_order;
    fill(layer, piece, to, piece.left);
    if (one_run) {
      interleave(stacks_of(rows), 0, inside, to + left * stack_bytes);
    } else {
      interleave_columns(layer, piece, rows, to + left * stack_bytes);
    }
    fill(layer, piece, to + (left + inside) * stack_bytes, piece.right);
    if (plan.planes > 1) deal_out_columns(layer, piece, in_order, slot);
  }

  /// Copies the columns of a row of stacks to the planes of a slot. May write up to a vector
  /// beyond.
  static void deal_out_columns(const Layer& layer, const Piece& piece, const std::byte* from,
                               std::byte* slot) {
    const std::size_t channels = layer.plan.piece_channels;
    Planes planes(layer, slot);
    for (int32_t i = 0; i < piece.left + piece.inside + piece.right; ++i) {
      std::byte* to = planes.next();
      for (std::size_t c = 0; c < channels; c += Simd::bytes / stack_bytes) {
        Simd::store(to + c * stack_bytes, Simd::load(from + c * stack_bytes));
      }
      from += channels * stack_bytes;
    }
  }

  // ---- stacks to outputs

  /// One strip.
  struct RowsCall {
    const std::byte* const* slots;  ///< [stacks], from the top
    std::size_t first_value;        ///< Index of the strip's first value in the output.
    int32_t rows;                   ///< Rows of the strip that the output has.
  };

  /// Where the stacks of the next vector lie, and how many bytes from there each of the filter's
  /// columns reads. Of two periods that share the weights, one lies `second` bytes behind the
  /// other.
  template <int stack_count, int columns, class = void>
  struct Source {
    Source(const Layer& layer, const RowsCall& call, std::size_t distance) : second(distance) {
      seek(call, 0);
#pragma GCC unroll 8
      for (int k = 0; k < columns; ++k) taps[k] = layer.taps[k];
    }
    void seek(const RowsCall& call, std::size_t at) {
#pragma GCC unroll 4
      for (int g = 0; g < stack_count; ++g) slots[g] = call.slots[g] + at;
    }
    void advance(std::size_t by) {
#pragma GCC unroll 4
      for (int g = 0; g < stack_count; ++g) slots[g] += by;
    }
    template <int periods, int rows>
    void add_products(const std::byte* weights, Int (&sum)[periods][rows]) const {
#pragma GCC unroll 4
      for (int g = 0; g < stack_count; ++g) {
#pragma GCC unroll 8
        for (int k = 0; k < columns; ++k) {
          const std::byte* at = slots[g] + (k == 0 ? 0 : taps[k]);
          typename Simd::Stacks x[periods];
          x[0] = Simd::load_stacks(at);
          if constexpr (periods == 2) x[1] = Simd::load_stacks(at + second);
#pragma GCC unroll 4
          for (int r = 0; r < rows; ++r) {
            // This is a 3x3 filter with stride 2: the first row has no taps in the second stack.
            if (columns == 3 && g == 1 && r == 0) continue;
            // One of two rows has a single tap in the second stack, its first byte.
            const bool first_byte = rows == 2 && g == 1 && r == (columns == 3 ? 1 : 0);
            const int weight = (r * stack_count + g) * columns + k;
            add_dots<periods>(x, weights + weight * Simd::weight_bytes, sum, r, first_byte);
          }
        }
      }
    }

    // These are copies, since the compiler has to expect that storing bytes changes what they were
    // copied from.
    const std::byte* slots[stack_count];
    int64_t taps[columns];
    std::size_t second;
  };

  /// For a filter of any size.
  template <class Unused>
  struct Source<0, 0, Unused> {
    Source(const Layer& l, const RowsCall& c, std::size_t distance)
        : layer(l), call(c), second(distance) {}
    void seek(const RowsCall&, std::size_t to) { at = to; }
    void advance(std::size_t by) { at += by; }
    template <int periods, int rows>
    void add_products(const std::byte* weights, Int (&sum)[periods][rows]) const {
      const auto taps_a_row = static_cast<std::size_t>(layer.plan.stacks * layer.plan.columns);
      for (int g = 0; g < layer.plan.stacks; ++g) {
        for (int k = 0; k < layer.plan.columns; ++k, weights += Simd::weight_bytes) {
          const std::byte* from = call.slots[g] + at + layer.taps[k];
          typename Simd::Stacks x[periods];
          x[0] = Simd::load_stacks(from);
          if constexpr (periods == 2) x[1] = Simd::load_stacks(from + second);
          for (std::size_t r = 0; r < rows; ++r) {
            add_dots<periods>(x, weights + r * taps_a_row * Simd::weight_bytes, sum,
                              static_cast<int>(r), false);
          }
        }
      }
    }

    const Layer& layer;
    const RowsCall& call;
    std::size_t at = 0;
    std::size_t second;
  };

  /// `first_byte`: only the first byte of each stack has a weight that is not 0.
  template <int periods, int rows>
  [[gnu::always_inline]] static void add_dots(const typename Simd::Stacks (&x)[periods],
                                              const std::byte* weights, Int (&sum)[periods][rows],
                                              int row, bool first_byte) {
    if constexpr (traits.wide_weights) {
      if (first_byte) {
        const Int w = Simd::load(weights);
#pragma GCC unroll 2
        for (int b = 0; b < periods; ++b) sum[b][row] = Simd::add_dot(sum[b][row], x[b].even, w);
        return;
      }
    }
    if constexpr (periods == 1) {
      sum[0][row] = Simd::dot(sum[0][row], x[0], weights);
    } else {
      const typename Simd::Weights w = Simd::load_stack_weights(weights);
#pragma GCC unroll 2
      for (int b = 0; b < periods; ++b) sum[b][row] = Simd::dot(sum[b][row], x[b], w);
    }
  }

  /// Rounded results that become a vector of bytes of one row.
  struct Bytes {
    Int q[2];
    Int halves[2];
  };

  /// The sums of four vectors, and what they are scaled with.
  template <int periods, int rows>
  struct Sums {
    Sums() {
      for (auto& of_rows : residual) {
        for (Int& bytes : of_rows) bytes = Simd::zero();
      }
    }
    Int of[periods][rows][4];
    Int residual[periods][rows];
    Float multiplier[4];
    ChannelRows<Simd> channel_rows[4];
  };

  /// Computes periods [period, end) of a piece, `periods` at a time. The filter is `stack_count`
  /// stacks high and `columns` wide, or of any size where these are 0.
  template <int periods, int rows, int stack_count, int columns, bool skips, Ending kind>
  [[gnu::noinline]] static void run_periods(const Layer& layer, const Piece& piece,
                                            const RowsCall& call, std::size_t period,
                                            std::size_t end) {
    const Requantizer<Simd> requantizer = layer.requantizer;
    const std::size_t pattern_bytes =
        stack_count > 0 && kind != Ending::function
            ? 2 * Simd::bytes + rows * stack_count * columns * Simd::weight_bytes
            : layer.plan.pattern_bytes;
    const std::byte* const patterns = piece.patterns;
    const std::byte* const patterns_end = patterns + layer.plan.piece_vectors * pattern_bytes;
    Source<stack_count, columns> source(layer, call, piece.source_stride);
    const std::size_t column_skip = layer.plan.column_skip;
    const std::size_t column_vectors = layer.plan.column_vectors;
    const std::size_t output_row = static_cast<std::size_t>(layer.params.geometry.output_w) *
                                   static_cast<std::size_t>(layer.params.geometry.output_channels);
    const std::size_t second = piece.output_stride;
    const int rows_wanted = call.rows;

    // At the end of a whole period, `pattern` and `column_vector` are back where they began.
    const std::byte* pattern = patterns;
    std::size_t column_vector = 0;
    source.seek(call, period * piece.source_stride);
    for (; period < end; period += periods) {
      const std::size_t begin = call.first_value + period * piece.output_stride;
      uint8_t* const output = static_cast<uint8_t*>(layer.buffers.output) + begin;
      const uint8_t* residual = layer.buffers.residual;
      const bool has_residual = adds_residual<kind>(residual);
      if (has_residual) residual += begin;
      const std::size_t values =
          period + 1 == piece.periods ? piece.last_period_values : piece.period_values;

      for (std::size_t value = 0; value < values; value += chunk) {
        Float added[periods][rows][4];
        Sums<periods, rows> sums;  // for Ending::function, which takes four vectors at once
        if (has_residual) {
#pragma GCC unroll 2
          for (std::size_t b = 0; b < periods; ++b) {
#pragma GCC unroll 4
            for (int r = 0; r < rows; ++r) {
              const auto row = static_cast<std::size_t>(r < rows_wanted ? r : rows_wanted - 1);
              const Int bytes =
                  load_residual<Simd>(residual + b * second + value + row * output_row);
              if constexpr (kind == Ending::function) {
                sums.residual[b][r] = Simd::pack_order(bytes);
              } else {
                residual_vectors<Simd>(Simd::pack_order(bytes), added[b][r]);
              }
            }
          }
        }
        Bytes made[periods][rows];
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) {
          Int sum[periods][rows];
          const Int bias = Simd::load(pattern);
#pragma GCC unroll 2
          for (int b = 0; b < periods; ++b) {
#pragma GCC unroll 4
            for (int r = 0; r < rows; ++r) sum[b][r] = bias;
          }
          source.template add_products<periods, rows>(pattern + 2 * Simd::bytes, sum);
          source.advance(lanes * stack_bytes);
          if (skips && ++column_vector == column_vectors) {
            column_vector = 0;
            source.advance(column_skip);
          }
          const Float multiplier =
              Simd::load_float(reinterpret_cast<const float*>(pattern + Simd::bytes));
          if constexpr (kind == Ending::function) {
            sums.multiplier[v] = multiplier;
            sums.channel_rows[v] = {
                .first = reinterpret_cast<const float*>(pattern + layer.plan.pattern_rows),
                .stride = lanes};
          }
#pragma GCC unroll 2
          for (int b = 0; b < periods; ++b) {
#pragma GCC unroll 4
            for (int r = 0; r < rows; ++r) {
              if constexpr (kind == Ending::function) {
                sums.of[b][r][v] = sum[b][r];
                continue;
              }
              Bytes& bytes = made[b][r];
              bytes.q[v % 2] =
                  requantizer.template scale<kind>(sum[b][r], multiplier, added[b][r][v]);
              if (v % 2 == 1) bytes.halves[v / 2] = requantizer.half(bytes.q[0], bytes.q[1]);
            }
          }
          pattern += pattern_bytes;
          pattern = pattern == patterns_end ? patterns : pattern;
        }
        if constexpr (kind == Ending::function) {
#pragma GCC unroll 2
          for (int b = 0; b < periods; ++b) {
#pragma GCC unroll 4
            for (int r = 0; r < rows; ++r) {
              Int q[4];
              requantizer.template scale_by_function<4>(sums.of[b][r], sums.multiplier,
                                                        sums.residual[b][r], sums.channel_rows, q);
              made[b][r].halves[0] = requantizer.half(q[0], q[1]);
              made[b][r].halves[1] = requantizer.half(q[2], q[3]);
            }
          }
        }
#pragma GCC unroll 2
        for (std::size_t b = 0; b < periods; ++b) {
          uint8_t* to = output + b * second + value;
#pragma GCC unroll 4
          for (int r = 0; r < rows; ++r, to += output_row) {
            if (r >= rows_wanted) break;
            const Bytes& bytes = made[b][r];
            const Int x = Simd::natural_order(requantizer.whole(bytes.halves[0], bytes.halves[1]));
            if (values - value >= chunk) {
              Simd::store(to, x);
            } else {
              Simd::store_first(to, x, values - value);
            }
          }
        }
      }
      if constexpr (periods == 2) source.advance(source.second);
    }
  }

  template <int rows, int stack_count, int columns, bool skips, Ending kind>
  static void run_rows(const Layer& layer, const Piece& piece, const RowsCall& call) {
    // Only whole periods share weights. An odd period and one that is cut off run alone.
    const bool last_is_whole = piece.last_period_values == piece.period_values;
    const std::size_t whole = last_is_whole ? piece.periods : piece.periods - 1;
    const std::size_t shared = whole / traits.periods * traits.periods;
    if (shared > 0) {
      run_periods<traits.periods, rows, stack_count, columns, skips, kind>(layer, piece, call, 0,
                                                                           shared);
    }
    if (shared < piece.periods) {
      run_periods<1, rows, stack_count, columns, skips, kind>(layer, piece, call, shared,
                                                              piece.periods);
    }
  }

  /// The same with float32 results.
  template <int rows, int stack_count, int columns>
  static void run_float_rows(const Layer& layer, const Piece& piece, const RowsCall& call) {
    const ConvGeometry& g = layer.params.geometry;
    const std::size_t output_row =
        static_cast<std::size_t>(g.output_w) * static_cast<std::size_t>(g.output_channels);
    const Float low = Simd::set(layer.params.float_min);
    const Float high = Simd::set(layer.params.float_max);
    const std::byte* const patterns_end =
        piece.patterns + layer.plan.piece_vectors * layer.plan.pattern_bytes;
    for (std::size_t period = 0; period < piece.periods; ++period) {
      const std::byte* pattern = piece.patterns;
      std::size_t column_vector = 0;
      Source<stack_count, columns> source(layer, call, piece.source_stride);
      source.seek(call, period * piece.source_stride);
      float* output = static_cast<float*>(layer.buffers.output) + call.first_value +
                      period * piece.output_stride;
      const std::size_t values =
          period + 1 == piece.periods ? piece.last_period_values : piece.period_values;
      for (std::size_t value = 0; value < values; value += lanes) {
        Int sum[1][rows];
        const Int bias = Simd::load(pattern);
#pragma GCC unroll 4
        for (int r = 0; r < rows; ++r) sum[0][r] = bias;
        source.template add_products<1, rows>(pattern + 2 * Simd::bytes, sum);
        const Float multiplier =
            Simd::load_float(reinterpret_cast<const float*>(pattern + Simd::bytes));
        const std::size_t count = smaller(values - value, lanes);
#pragma GCC unroll 4
        for (int r = 0; r < rows; ++r) {
          if (r >= call.rows) break;
          alignas(64) float results[lanes];
          // The value is the second operand, so that a NaN stays what it is.
          const Float own = Simd::multiply(Simd::to_float(sum[0][r]), multiplier);
          Simd::store_float(results, Simd::min(high, Simd::max(low, own)));
          __builtin_memcpy(output + static_cast<std::size_t>(r) * output_row + value, results,
                           count * sizeof(float));
        }
        source.advance(lanes * stack_bytes);
        if (++column_vector == layer.plan.column_vectors) {
          column_vector = 0;
          source.advance(layer.plan.column_skip);
        }
        pattern += layer.plan.pattern_bytes;
        if (pattern == patterns_end) pattern = piece.patterns;
      }
    }
  }

  using RunRows = void (*)(const Layer&, const Piece&, const RowsCall&);

  template <int rows, int stack_count, int columns>
  static RunRows choose(const vector::DepthwisePlan& plan) {
    return plan.column_stride > 1 ? run_rows<rows, stack_count, columns, true, Ending::own>
                                  : run_rows<rows, stack_count, columns, false, Ending::own>;
  }
  template <int rows, int stack_count, int columns>
  static RunRows choose(const vector::DepthwisePlan& plan, Ending kind) {
    return kind == Ending::function ? run_rows<rows, stack_count, columns, true, Ending::function>
                                    : choose<rows, stack_count, columns>(plan);
  }
  /// A residual is rare here: it takes the loop for filters of any size, with both bounds.
  template <int rows>
  static RunRows choose_any(Ending kind) {
    return kind == Ending::function ? run_rows<rows, 0, 0, true, Ending::function>
           : kind == Ending::own    ? run_rows<rows, 0, 0, true, Ending::own>
                                    : run_rows<rows, 0, 0, true, Ending::bounded>;
  }

  static RunRows choose(const vector::DepthwisePlan& plan, const ConvParams& params) {
    if constexpr (!std::is_same_v<OwnRows, NoOwnRows>) {
      return OwnRows::template choose<Layer, Piece, RowsCall>(plan, params);
    } else {
      if (params.output == ConvOutput::float32) return choose_float(plan);
      return choose_square(plan, ending_of(params));
    }
  }
  static RunRows choose_float(const vector::DepthwisePlan& plan) {
    if (plan.rows == 1) return run_float_rows<1, 0, 0>;
    if (plan.rows == 2 && plan.columns == 3 && plan.stacks == 1) return run_float_rows<2, 1, 3>;
    if (plan.rows == 2) return run_float_rows<2, 0, 0>;
    return run_float_rows<traits.max_rows, 0, 0>;
  }
  static RunRows choose_square(const vector::DepthwisePlan& plan, Ending kind) {
    const bool has_loop = kind == Ending::own || kind == Ending::function;
    const bool square3 = has_loop && plan.columns == 3;
    const bool square5 = has_loop && plan.columns == 5;
    if (plan.rows == 2) {
      if (square3 && plan.stacks == 1) return choose<2, 1, 3>(plan, kind);
      if (square3) return choose<2, 2, 3>(plan, kind);
      if (square5) return choose<2, 2, 5>(plan, kind);
      return choose_any<2>(kind);
    }
    if constexpr (traits.max_rows == 4) {
      if (plan.rows == 4 && square5) return choose<4, 2, 5>(plan, kind);
      if (plan.rows == 4) return choose_any<4>(kind);
    }
    return choose_any<1>(kind);
  }

  /// Runs work items [begin, end) of a piece, which are all strips of one image.
  static void run_piece(const Layer& layer, const Piece& piece, RunRows run_strip,
                        std::size_t begin, std::size_t end, std::byte* scratch) {
    const vector::DepthwisePlan& plan = layer.plan;
    const ConvGeometry& g = layer.params.geometry;
    const Window& w = g.window;
    const auto strips = static_cast<std::size_t>(plan.strips);
    const std::size_t image_index = begin / strips;
    const std::size_t image_bytes = static_cast<std::size_t>(g.input_h) *
                                    static_cast<std::size_t>(g.input_w) *
                                    static_cast<std::size_t>(g.input_channels);
    const std::size_t output_row =
        static_cast<std::size_t>(g.output_w) * static_cast<std::size_t>(g.output_channels);
    const uint8_t* image = layer.buffers.input + image_index * image_bytes;
    for (std::size_t item = begin; item < end; ++item) {
      const auto strip = static_cast<int32_t>(item % strips);
      const int32_t top = strip * plan.rows * w.stride_h - w.pad_top;
      // Slots are a ring: a stack stays in its slot while the strips that read it move down.
      const std::byte* slots[max_stacks];
      for (int32_t i = 0; i < plan.stacks; ++i) {
        const int32_t slot = (strip * plan.new_stacks + i) % plan.stacks;
        std::byte* stacks =
            scratch + plan.slots + static_cast<std::size_t>(slot) * plan.slot_stacks * stack_bytes;
        slots[i] = stacks;
        if (item == begin || i >= plan.stacks - plan.new_stacks) {
          make_stacks(layer, piece, image, top + stack_rows * i * w.dilation_h, scratch, stacks);
        }
      }
      const int32_t row = strip * plan.rows;
      const std::size_t rows_above =
          image_index * static_cast<std::size_t>(g.output_h) + static_cast<std::size_t>(row);
      run_strip(layer, piece,
                {.slots = slots,
                 .first_value = rows_above * output_row + piece.output_offset,
                 .rows = smaller(g.output_h - row, plan.rows)});
    }
  }

  static void run(const ConvParams& params, const std::byte* packed, const ConvBuffers& buffers,
                  Range items, std::byte* scratch) {
    const Layer layer(params, packed, buffers, scratch);
    const vector::DepthwisePlan& plan = layer.plan;
    const ConvGeometry& g = params.geometry;
    const RunRows run_strip = choose(plan, params);
    const auto strips = static_cast<std::size_t>(plan.strips);
    const auto channels = static_cast<std::size_t>(g.input_channels);
    for (std::size_t begin = items.begin; begin < items.end;) {
      const std::size_t image_end = (begin / strips + 1) * strips;
      const std::size_t end = image_end < items.end ? image_end : items.end;
      for (std::size_t channel = 0; channel < channels; channel += plan.piece_channels) {
        for (int32_t column = 0; column < g.output_w; column += plan.piece_columns) {
          run_piece(layer, Piece(layer, column, channel), run_strip, begin, end, scratch);
        }
      }
      begin = end;
    }
  }

  /// Filters of more rows than this many stacks hold are left to the reference.
  static constexpr int max_stacks = 64 / stack_rows;

  static bool supports(const ConvParams& p) {
    return p.geometry.window.kernel_h <= stack_rows * max_stacks && vector::depthwise_supports(p);
  }
  static std::size_t packed_size(const ConvParams& p) {
    return vector::depthwise_packed_size(traits, p);
  }
  static void pack(const ConvParams& p, std::byte* packed) {
    vector::depthwise_pack(traits, p, packed);
  }
  static std::size_t scratch_size(const ConvParams& p) {
    return vector::depthwise_scratch_size(traits, p);
  }
  static std::size_t items(const ConvParams& p) { return vector::depthwise_items(traits, p); }

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
