// Depthwise 3x3 and 5x5 filters by columns: for four or eight channels at a time, a few
// neighbouring output columns are made of quads that are each loaded once. A template of the
// instruction set's Simd; the rest of a depthwise layer, quads included: shared/depthwise.h.
#pragma once

#include <type_traits>

#include "kernels/shared/depthwise.h"
#include "kernels/shared/epilogue.h"

namespace octet::kernels {
namespace {

/// What is done at once.
struct ColumnsShape {
  int vectors;  ///< Of four channels.
  int columns;  ///< Of the output.
  int rows;
  int quads;  ///< One below the other.
  int taps;   ///< The filter's width and height.
  int stride;
  /// Registers hold all weights, and quads pass; otherwise those of a row of quads, and weights
  /// pass.
  bool keeps_weights;
};

template <class Simd>
struct DepthwiseColumns {
  using Int = typename Simd::Int;
  using Sums = DepthwiseSum<Simd>;
  using Sum = typename Sums::Sum;
  static constexpr int lanes = Simd::lanes;

  /// Two neighbouring taps are cheaper together.
  static constexpr bool by_twos = requires(Sum sum, typename Simd::Quads x, Int w) {
    Simd::dot_two(sum, x, w, x, w);
  };

  /// The weights [rows][quads][taps] of one vector of channels, behind bias and multiplier.
  static constexpr int weight(const ColumnsShape& s, int row, int quad, int tap) {
    return (2 + (row * s.quads + quad) * s.taps + tap) * Simd::bytes;
  }
  /// Of two rows of a 3x3 filter with stride 2, the first has no taps in the second quad.
  static constexpr bool is_zero(const ColumnsShape& s, int row, int quad) {
    return s.taps == 3 && quad == 1 && row == 0;
  }

  /// Quads and outputs of a group of rows, at a channel.
  template <ColumnsShape s>
  struct Place {
    const std::byte* pattern;
    const std::byte* quads[s.quads];
    uint8_t* output[s.rows];
    std::ptrdiff_t column_quads;   ///< Bytes from a column to the next.
    std::ptrdiff_t column_output;  ///< Bytes.

    void move(int32_t columns) {
      advance(columns * s.stride * column_quads, columns * column_output);
    }
    void advance(std::ptrdiff_t quads_step, std::ptrdiff_t output_step) {
#pragma GCC unroll 4
      for (int g = 0; g < s.quads; ++g) quads[g] += quads_step;
#pragma GCC unroll 4
      for (int r = 0; r < s.rows; ++r) output[r] += output_step;
    }
  };

  /// All weights of some vectors of channels; the compiler has to expect that storing bytes changes
  /// what is in memory.
  template <ColumnsShape s>
  struct Weights {
    Weights(const std::byte* pattern, std::size_t pattern_bytes) {
#pragma GCC unroll 4
      for (int v = 0; v < s.vectors; ++v) {
#pragma GCC unroll 4
        for (int r = 0; r < s.rows; ++r) {
#pragma GCC unroll 4
          for (int g = 0; g < s.quads; ++g) {
#pragma GCC unroll 8
            for (int k = 0; k < s.taps; ++k) {
              of[v][r][g][k] = Simd::load(pattern + static_cast<std::size_t>(v) * pattern_bytes +
                                          weight(s, r, g, k));
            }
          }
        }
      }
    }
    Int of[s.vectors][s.rows][s.quads][s.taps];
  };

  template <ColumnsShape s, class Accumulators>
  [[gnu::always_inline]] static void add_products_of_two_quads(const Place<s>& at,
                                                               const Weights<s>& weights,
                                                               Accumulators& sum) {
    static_assert(s.vectors == 1);
    constexpr int read = (s.columns - 1) * s.stride + s.taps;
#pragma GCC unroll 4
    for (int g = 0; g < s.quads; ++g) {
      const std::byte* from = at.quads[g];
#pragma GCC unroll 16
      for (int j = 0; j < read; j += 2) {
        typename Simd::Quads x0[1];
        typename Simd::Quads x1[1];
        from = Simd::template load_and_move<1>(from, at.column_quads, x0);
        if (j + 1 < read) from = Simd::template load_and_move<1>(from, at.column_quads, x1);
#pragma GCC unroll 8
        for (int i = 0; i < s.columns; ++i) {
          const int k = j - i * s.stride;
          const bool first = k >= 0 && k < s.taps;
          const bool second = k + 1 >= 0 && k + 1 < s.taps;
#pragma GCC unroll 4
          for (int r = 0; r < s.rows; ++r) {
            if (is_zero(s, r, g)) continue;
            const Int(&w)[s.taps] = weights.of[0][r][g];
            Sum& to = sum[i][r][0];
            if (first && second) {
              to = Simd::dot_two(to, x0[0], w[k], x1[0], w[k + 1]);
            } else if (first) {
              to = Simd::dot(to, x0[0], w[k]);
            } else if (second) {
              to = Simd::dot(to, x1[0], w[k + 1]);
            }
          }
        }
      }
    }
  }

  template <ColumnsShape s, class Accumulators>
  [[gnu::always_inline]] static void add_products_of_quads(const Place<s>& at,
                                                           const Weights<s>& weights,
                                                           Accumulators& sum) {
    constexpr int read = (s.columns - 1) * s.stride + s.taps;
#pragma GCC unroll 4
    for (int g = 0; g < s.quads; ++g) {
      const std::byte* from = at.quads[g];
#pragma GCC unroll 16
      for (int j = 0; j < read; ++j) {
        typename Simd::Quads x[s.vectors];
        from = Simd::template load_and_move<s.vectors>(from, at.column_quads, x);
#pragma GCC unroll 4
        for (int v = 0; v < s.vectors; ++v) {
#pragma GCC unroll 8
          for (int i = 0; i < s.columns; ++i) {
            const int k = j - i * s.stride;
            if (k < 0 || k >= s.taps) continue;
#pragma GCC unroll 4
            for (int r = 0; r < s.rows; ++r) {
              if (is_zero(s, r, g)) continue;
              sum[i][r][v] = Simd::dot(sum[i][r][v], x[v], weights.of[v][r][g][k]);
            }
          }
        }
      }
    }
  }

  template <ColumnsShape s, class Accumulators>
  [[gnu::always_inline]] static void add_products_of_weights(const Place<s>& at,
                                                             Accumulators& sum) {
    static_assert(s.vectors == 1);
    constexpr int read = (s.columns - 1) * s.stride + s.taps;
#pragma GCC unroll 4
    for (int g = 0; g < s.quads; ++g) {
      typename Simd::Quads x[read][1];
      const std::byte* quads = at.quads[g];
#pragma GCC unroll 16
      for (int j = 0; j < read; ++j) {
        quads = Simd::template load_and_move<1>(quads, at.column_quads, x[j]);
      }
#pragma GCC unroll 4
      for (int r = 0; r < s.rows; ++r) {
        // Two at a time, since two that lie side by side are one load.
#pragma GCC unroll 8
        for (int k = 0; k < s.taps; k += 2) {
          const std::byte* from = at.pattern + weight(s, r, g, k);
          Int w0;
          Int w1;
          if (k + 1 < s.taps) {
            Simd::load_pair(from, w0, w1);
          } else {
            w0 = Simd::load(from);
          }
          if constexpr (by_twos) {
            if (k + 1 < s.taps) {
#pragma GCC unroll 8
              for (int i = 0; i < s.columns; ++i) {
                const auto* columns = x + i * s.stride + k;
                sum[i][r][0] = Simd::dot_two(sum[i][r][0], columns[0][0], w0, columns[1][0], w1);
              }
              continue;
            }
          }
#pragma GCC unroll 8
          for (int i = 0; i < s.columns; ++i) {
            sum[i][r][0] = Simd::dot(sum[i][r][0], x[i * s.stride + k][0], w0);
          }
          if (k + 1 == s.taps) continue;
#pragma GCC unroll 8
          for (int i = 0; i < s.columns; ++i) {
            sum[i][r][0] = Simd::dot(sum[i][r][0], x[i * s.stride + k + 1][0], w1);
          }
        }
      }
    }
  }

  /// Moves the outputs on.
  template <ColumnsShape s, shared::Rounding rounding>
  [[gnu::always_inline]] static void store(const Requantizer<Simd>* layer, Place<s>& at,
                                           const Sum (&sum)[s.columns][s.rows][s.vectors],
                                           std::size_t pattern_bytes) {
    // Read anew each time: while products are added up, there are no registers for it.
    asm("" : "+r"(layer));
    const Requantizer<Simd> requantizer = *layer;
    typename Simd::Float multiplier[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const std::byte* pattern =
          at.pattern + static_cast<std::size_t>(i % s.vectors) * pattern_bytes;
      multiplier[i] = Simd::load_float(reinterpret_cast<const float*>(pattern + Simd::bytes));
    }
    // From the last row to the first: see run_channels.
    constexpr int together = 4 / s.vectors;
#pragma GCC unroll 4
    for (int r = s.rows - 1; r >= 0; --r) {
      uint8_t* to = at.output[r];
#pragma GCC unroll 8
      for (int i = 0; i < s.columns; i += together) {
        Int four[4];
#pragma GCC unroll 4
        for (int p = 0; p < together; ++p) {
          const int column = i + p < s.columns ? i + p : s.columns - 1;
#pragma GCC unroll 4
          for (int v = 0; v < s.vectors; ++v) {
            four[p * s.vectors + v] = Sums::total(sum[column][r][v]);
          }
        }
        constexpr int pixels = s.columns < together ? s.columns : together;
        static_assert(s.columns % pixels == 0);
        to = Simd::template scatter_and_move<s.vectors, pixels>(
            requantizer.template to_bytes<rounding>(four, multiplier), to, at.column_output);
      }
      at.output[r] = to;
    }
  }

  /// s.columns output columns of s.vectors vectors of channels; moves the outputs on.
  template <ColumnsShape s, class KeptWeights>
  [[gnu::always_inline]] static void run_columns(const Requantizer<Simd>& requantizer, Place<s>& at,
                                                 const KeptWeights& weights,
                                                 std::size_t pattern_bytes, bool odd_zero_point) {
    Sum sum[s.columns][s.rows][s.vectors];
#pragma GCC unroll 4
    for (int v = 0; v < s.vectors; ++v) {
      const Sum bias =
          Sums::begin_sum(Simd::load(at.pattern + static_cast<std::size_t>(v) * pattern_bytes));
#pragma GCC unroll 8
      for (int i = 0; i < s.columns; ++i) {
#pragma GCC unroll 4
        for (int r = 0; r < s.rows; ++r) sum[i][r][v] = bias;
      }
    }
    if constexpr (s.keeps_weights && by_twos) {
      add_products_of_two_quads<s>(at, weights, sum);
    } else if constexpr (s.keeps_weights) {
      add_products_of_quads<s>(at, weights, sum);
    } else {
      add_products_of_weights<s>(at, sum);
    }
    if (odd_zero_point) {
      store<s, shared::Rounding::s16_odd>(&requantizer, at, sum, pattern_bytes);
    } else {
      store<s, shared::Rounding::s16_even>(&requantizer, at, sum, pattern_bytes);
    }
  }

  static constexpr ColumnsShape with(ColumnsShape shape, int vectors, int columns) {
    shape.vectors = vectors;
    shape.columns = columns;
    return shape;
  }

  struct NoWeights {
    NoWeights(const std::byte*, std::size_t) {}
  };

  /// All columns of a piece, for s.vectors vectors of channels from `channel` on.
  template <ColumnsShape s, class Layer, class Piece, class RowsCall>
  [[gnu::noinline]] static void run_channels(const Layer& layer, const Piece& piece,
                                             const RowsCall& call, std::size_t channel) {
    if (piece.columns < s.columns) {
      if constexpr (s.columns > 1) {
        run_channels<with(s, s.vectors, 1)>(layer, piece, call, channel);
      }
      return;
    }
    const ConvParams& params = layer.params;
    const auto channels = static_cast<std::size_t>(params.geometry.output_channels);
    const std::size_t output_row = static_cast<std::size_t>(params.geometry.output_w) * channels;
    const std::size_t pattern_bytes = layer.plan.pattern_bytes;
    Place<s> at;
    at.pattern = piece.patterns + channel / lanes * pattern_bytes;
    at.column_quads = static_cast<std::ptrdiff_t>(layer.plan.piece_channels * 4);
    at.column_output = params.geometry.output_channels;
#pragma GCC unroll 4
    for (int q = 0; q < s.quads; ++q) at.quads[q] = call.slots[q] + channel * 4;
      // Rows that there are none of are written where the last one is, before it.
#pragma GCC unroll 4
    for (int r = 0; r < s.rows; ++r) {
      const auto row = static_cast<std::size_t>(r < call.rows ? r : call.rows - 1);
      at.output[r] = static_cast<uint8_t*>(layer.buffers.output) + call.first_value + channel +
                     row * output_row;
    }
    const std::conditional_t<s.keeps_weights, Weights<s>, NoWeights> weights(at.pattern,
                                                                             pattern_bytes);
    const bool odd_zero_point = layer.plan.rounding == shared::Rounding::s16_odd;
    const std::ptrdiff_t quads_step = s.columns * s.stride * at.column_quads;
    // Once is enough: g++ 12 would unroll the loop, which it was told of those inside, and repeat
    // it for the last columns.
#pragma GCC unroll 1
    for (int32_t left = piece.columns; left > 0; left -= s.columns) {
      if (left < s.columns) at.move(left - s.columns);  // some are made again
      asm("" : "+r"(left));
      run_columns<s>(layer.requantizer, at, weights, pattern_bytes, odd_zero_point);
      at.advance(quads_step, 0);
    }
  }

  template <ColumnsShape s, class Layer, class Piece, class RowsCall>
  static void run(const Layer& layer, const Piece& piece, const RowsCall& call) {
    const std::size_t channels = layer.plan.piece_channels;
    constexpr std::size_t step = s.vectors * lanes;
    std::size_t channel = 0;
    for (; channel + step <= channels; channel += step) {
      run_channels<s>(layer, piece, call, channel);
    }
    if constexpr (s.vectors > 1) {
      for (; channel < channels; channel += lanes) {
        run_channels<with(s, 1, 4)>(layer, piece, call, channel);
      }
    }
  }

  // As wide as leaves room for the sums: where one takes two registers, half as wide.
  static constexpr bool wide = sizeof(Sum) > sizeof(Int);
  static constexpr ColumnsShape square3 = {.vectors = wide ? 1 : 2,
                                           .columns = 4,
                                           .rows = 2,
                                           .quads = 1,
                                           .taps = 3,
                                           .stride = 1,
                                           .keeps_weights = true};
  static constexpr ColumnsShape square3_stride2 = {.vectors = 1,
                                                   .columns = 4,
                                                   .rows = 2,
                                                   .quads = 2,
                                                   .taps = 3,
                                                   .stride = 2,
                                                   .keeps_weights = true};
  static constexpr ColumnsShape square5 = {.vectors = 1,
                                           .columns = wide ? 2 : 4,
                                           .rows = 4,
                                           .quads = 2,
                                           .taps = 5,
                                           .stride = 1,
                                           .keeps_weights = false};
  static constexpr ColumnsShape square5_stride2 = {.vectors = 1,
                                                   .columns = 4,
                                                   .rows = 2,
                                                   .quads = 2,
                                                   .taps = 5,
                                                   .stride = 2,
                                                   .keeps_weights = true};

  /// -> what runs a group of output rows, or null where that is not by columns
  template <class Layer, class Piece, class RowsCall>
  static auto choose(const shared::DepthwisePlan& plan, const ConvParams& params)
      -> void (*)(const Layer&, const Piece&, const RowsCall&) {
    const Window& w = params.geometry.window;
    if (plan.rounding == shared::Rounding::general || params.has_residual || w.dilation_w != 1 ||
        w.stride_h != w.stride_w || plan.piece_channels % lanes != 0 ||
        (by_twos && plan.has_extreme)) {
      return nullptr;
    }
    // A filter with zero points has two parts a tap: plan.columns says so.
    const auto is = [&](const ColumnsShape& s) {
      return plan.rows == s.rows && plan.quads == s.quads && plan.columns == s.taps &&
             w.kernel_h == s.taps && w.stride_w == s.stride;
    };
    if (is(square3)) return run<square3, Layer, Piece, RowsCall>;
    if (is(square3_stride2)) return run<square3_stride2, Layer, Piece, RowsCall>;
    if (is(square5)) return run<square5, Layer, Piece, RowsCall>;
    if (is(square5_stride2)) return run<square5_stride2, Layer, Piece, RowsCall>;
    return nullptr;
  }
};

}  // namespace
}  // namespace octet::kernels
