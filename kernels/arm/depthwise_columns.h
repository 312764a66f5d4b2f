// Depthwise 3x3 and 5x5 filters by columns: for four or eight channels at a time, a few
// neighbouring output columns are computed from stacks that are each loaded once. A template of the
// instruction set's Simd. All other depthwise layers are in depthwise_any.h, and the rest of a
// layer, stacks included, is in vector/depthwise.h.
#pragma once

#include <type_traits>

#include "kernels/arm/depthwise_any.h"
#include "kernels/vector/depthwise.h"
#include "kernels/vector/epilogue.h"

namespace octet::kernels {
namespace {

/// What is computed at once.
struct ColumnsShape {
  int vectors;  ///< Vectors of four channels.
  int columns;  ///< Output columns.
  int rows;
  int stacks;  ///< Stacks one below the other.
  int taps;    ///< The filter's width and height.
  int stride;
  /// True: registers hold all weights, and stacks are loaded one by one. False: registers hold a
  /// row of stacks, and weights are loaded one by one.
  bool keeps_weights;
};

template <class Simd>
struct DepthwiseColumns {
  using Int = typename Simd::Int;
  static constexpr int lanes = Simd::lanes;
  static constexpr vector::DepthwiseTraits traits = Simd::depthwise_traits();
  static constexpr int stack_rows = traits.stack_rows;
  /// Stacks are two rows high, and a pattern has the weights of two vectors of channels.
  static constexpr bool pairs = stack_rows == 2;

  /// Bytes from a pattern's begin to a weight: [rows][stacks][taps] stand behind biases and
  /// multipliers.
  static constexpr int weight(const ColumnsShape& s, int row, int stack, int tap) {
    return (2 * traits.pattern_vectors() + (row * s.stacks + stack) * s.taps + tap) * Simd::bytes;
  }
  static constexpr int first_stack(const ColumnsShape& s, int row) {
    return row * s.stride / stack_rows;
  }
  static constexpr int last_stack(const ColumnsShape& s, int row) {
    return (row * s.stride + s.taps - 1) / stack_rows;
  }
  /// Whether the filter, at output row `row`, does not reach the stack.
  static constexpr bool is_zero(const ColumnsShape& s, int row, int stack) {
    return stack < first_stack(s, row) || stack > last_stack(s, row);
  }

  /// Where the weights, stacks and outputs of a strip lie, for some channels.
  template <ColumnsShape s>
  struct Cursor {
    const std::byte* pattern;
    const std::byte* stacks[s.stacks];
    uint8_t* output[s.rows];
    std::ptrdiff_t column_stacks;  ///< Bytes from one column to the next.
    std::ptrdiff_t column_output;  ///< Bytes from one column to the next.

    void move(int32_t columns) {
      advance(columns * s.stride * column_stacks, columns * column_output);
    }
    void advance(std::ptrdiff_t stacks_stride, std::ptrdiff_t output_stride) {
#pragma GCC unroll 4
      for (int g = 0; g < s.stacks; ++g) stacks[g] += stacks_stride;
#pragma GCC unroll 4
      for (int r = 0; r < s.rows; ++r) output[r] += output_stride;
    }
  };

  /// A copy of all weights of some vectors of channels, since the compiler has to expect that
  /// storing output bytes changes the packed weights.
  template <ColumnsShape s>
  struct Weights {
    Weights(const std::byte* pattern, std::size_t pattern_bytes) {
#pragma GCC unroll 4
      for (int v = 0; v < s.vectors; ++v) {
#pragma GCC unroll 4
        for (int r = 0; r < s.rows; ++r) {
#pragma GCC unroll 4
          for (int g = 0; g < s.stacks; ++g) {
#pragma GCC unroll 8
            for (int k = 0; k < s.taps; ++k) {
              of[v][r][g][k] = Simd::load(pattern + static_cast<std::size_t>(v) * pattern_bytes +
                                          weight(s, r, g, k));
            }
          }
        }
      }
    }
    Int of[s.vectors][s.rows][s.stacks][s.taps];
  };

  /// Adds the products of two taps at a time, in the order in which their weights are packed.
  template <ColumnsShape s>
  [[gnu::always_inline]] static void add_products_of_pairs(
      const Cursor<s>& at, Int (&sum)[s.columns][s.rows][s.vectors]) {
    static_assert(s.vectors == 2);
    constexpr int read = (s.columns - 1) * s.stride + s.taps;
    Int x[s.stacks][read];
    const std::byte* from[s.stacks];
#pragma GCC unroll 4
    for (int g = 0; g < s.stacks; ++g) from[g] = at.stacks[g];
#pragma GCC unroll 32
    for (int t = 0; t < s.stacks * s.taps; ++t) {
      const int g = t / s.taps;
      const int k = t % s.taps;
      // A column is loaded when it is first needed.
      constexpr int last = (s.columns - 1) * s.stride;
#pragma GCC unroll 16
      for (int j = k == 0 ? 0 : last + k; j <= last + k; ++j) {
        Int loaded[1];
        from[g] = Simd::template load_and_move<1>(from[g], at.column_stacks, loaded);
        x[g][j] = loaded[0];
      }
#pragma GCC unroll 4
      for (int r = 0; r < s.rows; ++r) {
        const int own = t - first_stack(s, r) * s.taps;
        const int count = (last_stack(s, r) - first_stack(s, r) + 1) * s.taps;
        if (own < 0 || own >= count) continue;
        if (own % 2 == 1) {
          const int before = (t - 1) / s.taps;
          const int k_before = (t - 1) % s.taps;
          Int w0;
          Int w1;
          Simd::load_pair(at.pattern + weight(s, r, before, k_before), w0, w1);
#pragma GCC unroll 8
          for (int i = 0; i < s.columns; ++i) {
            Simd::dot_pairs(sum[i][r][0], sum[i][r][1], x[before][i * s.stride + k_before], w0,
                            x[g][i * s.stride + k], w1);
          }
        } else if (own == count - 1) {
          const Int w = Simd::load(at.pattern + weight(s, r, g, k));
#pragma GCC unroll 8
          for (int i = 0; i < s.columns; ++i) {
            Simd::dot_pairs(sum[i][r][0], sum[i][r][1], x[g][i * s.stride + k], w);
          }
        }
      }
    }
  }

  template <ColumnsShape s, class Accumulators>
  [[gnu::always_inline]] static void add_products_of_stacks(const Cursor<s>& at,
                                                            const Weights<s>& weights,
                                                            Accumulators& sum) {
    constexpr int read = (s.columns - 1) * s.stride + s.taps;
#pragma GCC unroll 4
    for (int g = 0; g < s.stacks; ++g) {
      const std::byte* from = at.stacks[g];
#pragma GCC unroll 16
      for (int j = 0; j < read; ++j) {
        Int x[s.vectors];
        from = Simd::template load_and_move<s.vectors>(from, at.column_stacks, x);
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
  [[gnu::always_inline]] static void add_products_of_weights(const Cursor<s>& at,
                                                             Accumulators& sum) {
    static_assert(s.vectors == 1);
    constexpr int read = (s.columns - 1) * s.stride + s.taps;
#pragma GCC unroll 4
    for (int g = 0; g < s.stacks; ++g) {
      Int x[read][1];
      const std::byte* stacks = at.stacks[g];
#pragma GCC unroll 16
      for (int j = 0; j < read; ++j) {
        stacks = Simd::template load_and_move<1>(stacks, at.column_stacks, x[j]);
      }
#pragma GCC unroll 4
      for (int r = 0; r < s.rows; ++r) {
        // Two weights at a time, since two that lie side by side take one load.
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

  static const std::byte* bias_of(const std::byte* pattern, int vector, std::size_t pattern_bytes) {
    return pattern + static_cast<std::size_t>(vector) * (pairs ? Simd::bytes : pattern_bytes);
  }

  /// Requantizes and stores the sums, and moves the outputs on.
  template <ColumnsShape s, vector::Rounding rounding>
  [[gnu::always_inline]] static void store(const Requantizer<Simd>* layer, Cursor<s>& at,
                                           const Int (&sum)[s.columns][s.rows][s.vectors],
                                           std::size_t pattern_bytes) {
    // The requantizer is read anew each time: while products are added up, there are no registers
    // for it.
    asm("" : "+r"(layer));
    const Requantizer<Simd> requantizer = *layer;
    typename Simd::Float multiplier[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const std::byte* bias = bias_of(at.pattern, i % s.vectors, pattern_bytes);
      multiplier[i] = Simd::load_float(
          reinterpret_cast<const float*>(bias + traits.pattern_vectors() * Simd::bytes));
    }
    // The last row is stored first: see run_channels.
    constexpr int together = 4 / s.vectors;
    static_assert(s.columns % together == 0);
#pragma GCC unroll 4
    for (int r = s.rows - 1; r >= 0; --r) {
      uint8_t* to = at.output[r];
#pragma GCC unroll 8
      for (int i = 0; i < s.columns; i += together) {
        Int four[4];
#pragma GCC unroll 4
        for (int p = 0; p < together; ++p) {
#pragma GCC unroll 4
          for (int v = 0; v < s.vectors; ++v) four[p * s.vectors + v] = sum[i + p][r][v];
        }
        to = Simd::template scatter_and_move<s.vectors, together>(
            requantizer.template to_bytes<rounding>(four, multiplier), to, at.column_output);
      }
      at.output[r] = to;
    }
  }

  /// Stores the first four of eight channels, where there are only four. sums: [columns][rows][2]
  [[gnu::noinline]] static void store_first_vector(const Requantizer<Simd>& requantizer,
                                                   const std::byte* bias, const Int* sums,
                                                   int columns, int rows, uint8_t** output,
                                                   std::ptrdiff_t column_output) {
    const typename Simd::Float multiplier = Simd::load_float(
        reinterpret_cast<const float*>(bias + traits.pattern_vectors() * Simd::bytes));
    for (int r = rows - 1; r >= 0; --r) {
      for (int i = 0; i < columns; ++i, output[r] += column_output) {
        const Int q = requantizer.scale(sums[(i * rows + r) * 2], multiplier);
        Simd::store_first(output[r], requantizer.pack(q, q, q, q), lanes);
      }
    }
  }

  /// How the sums of columns are stored.
  struct Storing {
    bool odd_zero_point;
    bool one_vector;  ///< Only the first of two vectors' channels exist.
    bool function;    ///< Ending::function
    std::size_t pattern_bytes;
    std::size_t pattern_rows;
  };

  /// Stores the results of a layer with a function, a row after the other. sums:
  /// [columns][rows][vectors]
  template <ColumnsShape s>
  [[gnu::noinline]] static void store_function(const ConvParams& params, Cursor<s>& at,
                                               const Storing& how, const Int* sums) {
    // The multipliers and rows of vectors lie side by side, or in patterns of their own.
    float multiplier[s.vectors * lanes];
    float rows[vector::channel_rows * s.vectors * lanes];
    for (int v = 0; v < s.vectors; ++v) {
      const std::byte* bias = bias_of(at.pattern, v, how.pattern_bytes);
      __builtin_memcpy(multiplier + v * lanes, bias + traits.pattern_vectors() * Simd::bytes,
                       Simd::bytes);
      if (!vector::has_channel_rows(params)) continue;
      for (int row = 0; row < vector::channel_rows; ++row) {
        __builtin_memcpy(rows + (row * s.vectors + v) * lanes,
                         bias + how.pattern_rows + row * traits.pattern_vectors() * Simd::bytes,
                         Simd::bytes);
      }
    }
    for (int r = s.rows - 1; r >= 0; --r) {
      arm::store_sums(params,
                      {.vectors = s.vectors,
                       .channels = (how.one_vector ? 1 : s.vectors) * lanes,
                       .sums_stride = s.rows * s.vectors * lanes,
                       .stride = static_cast<std::size_t>(at.column_output),
                       .multiplier = multiplier,
                       .rows = rows,
                       .rows_stride = s.vectors * lanes,
                       .output = at.output[r]},
                      reinterpret_cast<const int32_t*>(sums + r * s.vectors), s.columns);
      at.output[r] += s.columns * at.column_output;
    }
  }

  /// Computes s.columns output columns of s.vectors vectors of channels, and moves the outputs on.
  template <ColumnsShape s, class KeptWeights>
  [[gnu::always_inline]] static void run_columns(const ConvParams& params,
                                                 const Requantizer<Simd>& requantizer,
                                                 Cursor<s>& at, const KeptWeights& weights,
                                                 const Storing& how) {
    const std::size_t pattern_bytes = how.pattern_bytes;
    Int sum[s.columns][s.rows][s.vectors];
#pragma GCC unroll 4
    for (int v = 0; v < s.vectors; ++v) {
      const Int bias = Simd::load(bias_of(at.pattern, v, pattern_bytes));
#pragma GCC unroll 8
      for (int i = 0; i < s.columns; ++i) {
#pragma GCC unroll 4
        for (int r = 0; r < s.rows; ++r) sum[i][r][v] = bias;
      }
    }
    if constexpr (pairs) {
      add_products_of_pairs<s>(at, sum);
    } else if constexpr (s.keeps_weights) {
      add_products_of_stacks<s>(at, weights, sum);
    } else {
      add_products_of_weights<s>(at, sum);
    }
    if (how.function) {
      Int stored[s.columns][s.rows][s.vectors];  // a copy, so that `sum` stays in registers
      __builtin_memcpy(stored, sum, sizeof(sum));
      store_function<s>(params, at, how, &stored[0][0][0]);
    } else if (pairs && how.one_vector) {
      Int stored[s.columns][s.rows][s.vectors];  // a copy, so that `sum` stays in registers
      __builtin_memcpy(stored, sum, sizeof(sum));
      store_first_vector(requantizer, bias_of(at.pattern, 0, 0), &stored[0][0][0], s.columns,
                         s.rows, at.output, at.column_output);
    } else if (how.odd_zero_point) {
      store<s, vector::Rounding::s16_odd>(&requantizer, at, sum, pattern_bytes);
    } else {
      store<s, vector::Rounding::s16_even>(&requantizer, at, sum, pattern_bytes);
    }
  }

  struct NoWeights {
    NoWeights(const std::byte*, std::size_t) {}
  };

  /// Computes all columns of a piece, for s.vectors vectors of channels from `channel` on.
  template <ColumnsShape s, class Layer, class Piece, class RowsCall>
  [[gnu::noinline]] static void run_channels(const Layer& layer, const Piece& piece,
                                             const RowsCall& call, std::size_t channel) {
    const ConvParams& params = layer.params;
    const auto channels = static_cast<std::size_t>(params.geometry.output_channels);
    const std::size_t output_row = static_cast<std::size_t>(params.geometry.output_w) * channels;
    const std::size_t pattern_bytes = layer.plan.pattern_bytes;
    Cursor<s> at;
    at.pattern = piece.patterns + channel / lanes / traits.pattern_vectors() * pattern_bytes;
    at.column_stacks = static_cast<std::ptrdiff_t>(layer.plan.piece_channels * stack_rows);
    at.column_output = params.geometry.output_channels;
#pragma GCC unroll 4
    for (int q = 0; q < s.stacks; ++q) at.stacks[q] = call.slots[q] + channel * stack_rows;
#pragma GCC unroll 4
    for (int r = 0; r < s.rows; ++r) {
      // A row that the output does not have is written where the last row goes, before the last
      // row.
      const auto row = static_cast<std::size_t>(r < call.rows ? r : call.rows - 1);
      at.output[r] = static_cast<uint8_t*>(layer.buffers.output) + call.first_value + channel +
                     row * output_row;
    }
    const std::conditional_t<s.keeps_weights, Weights<s>, NoWeights> weights(at.pattern,
                                                                             pattern_bytes);
    const Storing how = {.odd_zero_point = layer.plan.rounding == vector::Rounding::s16_odd,
                         .one_vector = pairs && channel + lanes == layer.plan.piece_channels,
                         .function = ending_of(params) == Ending::function,
                         .pattern_bytes = pattern_bytes,
                         .pattern_rows = layer.plan.pattern_rows};
    const std::ptrdiff_t stacks_stride = s.columns * s.stride * at.column_stacks;
    // Not unrolled: g++ 12 would treat this loop like the inner ones, which it was told to unroll,
    // and repeat it for the last columns.
#pragma GCC unroll 1
    for (int32_t left = piece.columns; left > 0; left -= s.columns) {
      if (left < s.columns) at.move(left - s.columns);  // some columns are computed again
      asm("" : "+r"(left));
      run_columns<s>(params, layer.requantizer, at, weights, how);
      at.advance(stacks_stride, 0);
    }
  }

  template <ColumnsShape s, class Layer, class Piece, class RowsCall>
  static void run(const Layer& layer, const Piece& piece, const RowsCall& call) {
    if (piece.columns < s.columns) {
      return DepthwiseAny<Simd>::template run<Layer, Piece, RowsCall>(layer, piece, call);
    }
    const std::size_t channels = layer.plan.piece_channels;
    constexpr std::size_t together = s.vectors * lanes;
    std::size_t channel = 0;
    for (; channel + together <= channels; channel += together) {
      run_channels<s>(layer, piece, call, channel);
    }
    if (channel == channels) return;
    if constexpr (pairs) {
      run_channels<s>(layer, piece, call, channel);
    } else if constexpr (s.vectors > 1) {
      constexpr ColumnsShape one = [](ColumnsShape shape) {
        shape.vectors = 1;
        return shape;
      }(s);
      run_channels<one>(layer, piece, call, channel);
    }
  }

  static constexpr ColumnsShape make_shape(int vectors, int rows, int taps, int stride,
                                           bool keeps_weights) {
    return {.vectors = pairs ? 2 : vectors,
            .columns = 4,
            .rows = rows,
            .stacks = ((rows - 1) * stride + taps + stack_rows - 1) / stack_rows,
            .taps = taps,
            .stride = stride,
            .keeps_weights = keeps_weights && !pairs};
  }
  static constexpr ColumnsShape square3 = make_shape(2, 2, 3, 1, true);
  static constexpr ColumnsShape square3_stride2 = make_shape(1, 2, 3, 2, true);
  static constexpr ColumnsShape square5 = make_shape(1, traits.max_rows, 5, 1, false);
  static constexpr ColumnsShape square5_stride2 = make_shape(1, 2, 5, 2, true);

  /// Returns the function that runs a strip.
  template <class Layer, class Piece, class RowsCall>
  static auto choose(const vector::DepthwisePlan& plan, const ConvParams& params)
      -> void (*)(const Layer&, const Piece&, const RowsCall&) {
    constexpr auto any = DepthwiseAny<Simd>::template run<Layer, Piece, RowsCall>;
    const Window& w = params.geometry.window;
    if (plan.rounding == vector::Rounding::general || params.has_residual || w.dilation_w != 1 ||
        w.stride_h != w.stride_w || plan.piece_channels % lanes != 0 ||
        (pairs && plan.has_extreme)) {
      return any;
    }
    // A weight with a zero point has two halves, which doubles plan.columns: such a filter has no
    // loop of its own.
    const auto is = [&](const ColumnsShape& s) {
      return plan.rows == s.rows && plan.stacks == s.stacks && plan.columns == s.taps &&
             w.kernel_h == s.taps && w.stride_w == s.stride;
    };
    if (is(square3)) return run<square3, Layer, Piece, RowsCall>;
    if (is(square3_stride2)) return run<square3_stride2, Layer, Piece, RowsCall>;
    if (is(square5)) return run<square5, Layer, Piece, RowsCall>;
    if (is(square5_stride2)) return run<square5_stride2, Layer, Piece, RowsCall>;
    return any;
  }
};

}  // namespace
}  // namespace octet::kernels
