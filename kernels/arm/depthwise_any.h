// Depthwise layers of any kind, an output row at a time: filters of any size, residuals, float32
// results, any number of channels. A template of the instruction set's Simd. Common filters have
// loops of their own in depthwise_columns.h. The rest of a depthwise layer, stacks included, is in
// vector/depthwise.h.
#pragma once

#include "kernels/arm/store_sums.h"
#include "kernels/vector/depthwise.h"
#include "kernels/vector/epilogue.h"

namespace octet::kernels {
namespace {

template <class Simd>
struct DepthwiseAny {
  using Int = typename Simd::Int;
  using Float = typename Simd::Float;
  static constexpr vector::DepthwiseTraits traits = Simd::depthwise_traits();
  static constexpr std::size_t lanes = Simd::lanes;
  static constexpr std::size_t chunk = 4 * lanes;  // values that fill a vector of bytes
  static constexpr std::size_t pattern_vectors = traits.pattern_vectors();

  /// Where the weights and stacks of the next vectors lie.
  struct Cursor {
    std::size_t vector = 0;         ///< A vector of weights.
    std::size_t column_vector = 0;  ///< A vector of stacks in the column.
    std::size_t stacks;             ///< Bytes from a slot's begin.
  };

  /// Where the bias, multiplier, weights and stacks of a vector of channels lie.
  struct Vector {
    template <class Piece>
    Vector(const Cursor& cursor, const Piece& piece, const vector::DepthwisePlan& plan)
        : stacks(cursor.stacks) {
      const std::byte* pattern =
          piece.patterns + cursor.vector / pattern_vectors * plan.pattern_bytes;
      const std::size_t side = cursor.vector % pattern_vectors;
      bias = pattern + side * Simd::bytes;
      multiplier = bias + pattern_vectors * Simd::bytes;
      weights = pattern + 2 * pattern_vectors * Simd::bytes + side * Simd::bytes / pattern_vectors;
      rows = reinterpret_cast<const float*>(pattern + plan.pattern_rows) + side * lanes;
    }
    const std::byte* bias;
    const std::byte* multiplier;
    const std::byte* weights;
    const float* rows;  ///< Channel rows, which only some layers have.
    std::size_t stacks;
  };

  static void advance(const vector::DepthwisePlan& plan, Cursor& cursor) {
    cursor.stacks += lanes * traits.stack_rows;
    if (++cursor.column_vector == plan.column_vectors) {
      cursor.column_vector = 0;
      cursor.stacks += plan.column_skip;
    }
    if (++cursor.vector == plan.piece_vectors) cursor.vector = 0;
  }

  /// Runs one strip.
  template <class Layer, class Piece, class RowsCall>
  [[gnu::noinline]] static void run(const Layer& layer, const Piece& piece, const RowsCall& call) {
    const std::size_t output_row = static_cast<std::size_t>(layer.params.geometry.output_w) *
                                   static_cast<std::size_t>(layer.params.geometry.output_channels);
    for (int32_t row = 0; row < call.rows; ++row) {
      const std::size_t first = call.first_value + static_cast<std::size_t>(row) * output_row;
      for (std::size_t period = 0; period < piece.periods; ++period) {
        const std::size_t values =
            period + 1 == piece.periods ? piece.last_period_values : piece.period_values;
        Cursor cursor{.stacks = period * piece.source_stride};
        for (std::size_t value = 0; value < values; value += chunk) {
          const std::size_t left = values - value;
          run_chunk(layer, piece, call, row, cursor, first + period * piece.output_stride + value,
                    left < chunk ? left : chunk);
        }
      }
    }
  }

  /// Computes `count` values, which go to index `at` of the output.
  template <class Layer, class Piece, class RowsCall>
  [[gnu::always_inline]] static void run_chunk(const Layer& layer, const Piece& piece,
                                               const RowsCall& call, int32_t row, Cursor& cursor,
                                               std::size_t at, std::size_t count) {
    const vector::DepthwisePlan& plan = layer.plan;
    std::size_t stacks[4];
    const std::byte* weights[4];
    Int sum[4];
    Float multiplier[4];
    ChannelRows<Simd> rows[4];
    const auto row_weights =
        static_cast<std::size_t>(row * plan.stacks * plan.columns) * Simd::bytes;
#pragma GCC unroll 1
    for (int v = 0; v < 4; ++v) {
      const Vector vector(cursor, piece, plan);
      sum[v] = Simd::load(vector.bias);
      multiplier[v] = Simd::load_float(reinterpret_cast<const float*>(vector.multiplier));
      weights[v] = vector.weights + row_weights;
      stacks[v] = vector.stacks;
      rows[v] = {.first = vector.rows, .stride = pattern_vectors * lanes};
      advance(plan, cursor);
    }
    std::size_t weight = 0;
    for (int32_t g = 0; g < plan.stacks; ++g) {
      for (int32_t k = 0; k < plan.columns; ++k, weight += Simd::bytes) {
        const std::byte* tap = call.slots[g] + layer.taps[k];
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) {
          sum[v] = Simd::dot(sum[v], Simd::load_stacks(tap + stacks[v]), weights[v] + weight);
        }
      }
    }
    const bool is_float = layer.params.output == ConvOutput::float32;
    if (is_float || ending_of(layer.params) == Ending::function) {
      auto* output = static_cast<uint8_t*>(layer.buffers.output) + at;
      auto* float_output = static_cast<float*>(layer.buffers.output) + at;
      float channel_rows[vector::channel_rows * chunk];
      if (vector::has_channel_rows(layer.params)) copy_rows(rows, channel_rows);
      arm::store_sums(
          layer.params,
          {.vectors = 4,
           .channels = static_cast<int32_t>(count),
           .sums_stride = chunk,
           .stride = chunk,
           .multiplier = reinterpret_cast<const float*>(multiplier),
           .rows = channel_rows,
           .rows_stride = chunk,
           .output = is_float ? nullptr : output,
           .float_output = is_float ? float_output : nullptr,
           .residual = layer.params.has_residual ? layer.buffers.residual + at : nullptr},
          reinterpret_cast<const int32_t*>(sum), 1);
    } else {
      store_bytes(layer, sum, multiplier, at, count);
    }
  }

  /// Copies the rows of four vectors, so that each row's lie side by side.
  static void copy_rows(const ChannelRows<Simd> (&rows)[4], float* to) {
    for (std::size_t row = 0; row < vector::channel_rows; ++row) {
      for (const ChannelRows<Simd>& of_vector : rows) {
        Simd::store_float(to, Simd::load_float(of_vector.first + row * of_vector.stride));
        to += lanes;
      }
    }
  }

  template <class Layer>
  [[gnu::always_inline]] static void store_bytes(const Layer& layer, const Int (&sum)[4],
                                                 const Float (&multiplier)[4], std::size_t at,
                                                 std::size_t count) {
    const Requantizer<Simd>& requantizer = layer.requantizer;
    Int q[4];
    if (layer.params.has_residual) {
      Float residual[4];
      residual_vectors<Simd>(load_residual<Simd>(layer.buffers.residual + at), residual);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        q[v] = requantizer.template scale<Ending::bounded>(sum[v], multiplier[v], residual[v]);
      }
    } else {
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) q[v] = requantizer.scale(sum[v], multiplier[v]);
    }
    Simd::store_first(static_cast<uint8_t*>(layer.buffers.output) + at,
                      requantizer.pack(q[0], q[1], q[2], q[3]), count);
  }
};

}  // namespace
}  // namespace octet::kernels
