#include "kernels/vector/depthwise_plan.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernels/vector/channel_rows.h"
#include "kernels/vector/gemm_plan.h"
#include "kernels/vector/weight_halves.h"

namespace octet::kernels::vector {
namespace {

constexpr std::size_t alignment = 64;
// Half of a small first-level cache; the other half is for the image rows and weights.
constexpr std::size_t piece_bytes = 16 * 1024;

constexpr std::size_t aligned(std::size_t size) {
  return (size + alignment - 1) / alignment * alignment;
}

constexpr int32_t ceil_div(int32_t a, int32_t b) { return (a + b - 1) / b; }

/// How many input columns `output_columns` neighbouring output columns read.
int32_t columns_read(const Window& w, int32_t output_columns) {
  return (output_columns - 1) * w.stride_w + (w.kernel_w - 1) * w.dilation_w + 1;
}

/// The index of the weight for byte `k` of a lane's stack, among the weights of one filter column.
/// Wide weights are two vectors of s16 pairs, for bytes 0 and 2, then 1 and 3: four bytes of pixels
/// are widened to this order.
std::size_t stack_position(const DepthwiseTraits& traits, int32_t lane, std::size_t k) {
  const auto at = static_cast<std::size_t>(lane);
  if (!traits.wide_weights) return at * static_cast<std::size_t>(traits.stack_rows) + k;
  return (k % 2) * static_cast<std::size_t>(traits.lanes) * 2 + at * 2 + k / 2;
}

struct Layout {
  DepthwisePlan plan{};
  std::size_t vectors = 0;  ///< Vectors of weights.
  std::size_t packed_size = 0;
  std::size_t scratch_size = 0;
};

/// Output rows of a strip: as many as share all of their stacks, for filters that have a loop of
/// their own; else 1.
int32_t rows_of_strip(const DepthwiseTraits& traits, const Window& w) {
  if (w.dilation_h != 1 || w.kernel_h != w.kernel_w) return 1;
  if (w.kernel_h == 3) return w.stride_h <= 2 ? 2 : 1;
  if (w.kernel_h == 5) return w.stride_h == 1 ? traits.max_rows : w.stride_h == 2 ? 2 : 1;
  return 1;
}

/// Bytes of a pattern's weights for one column of one stack.
std::size_t weight_vector_bytes(const DepthwiseTraits& traits) {
  return static_cast<std::size_t>(traits.lanes) * 4 * (traits.wide_weights ? 2 : 1);
}

/// Chooses the columns and channels of a piece so that its stacks take about `piece_bytes`.
void cut_pieces(const DepthwiseTraits& traits, const ConvGeometry& g, DepthwisePlan& plan) {
  const auto channels = static_cast<std::size_t>(g.input_channels);
  const auto lanes = static_cast<std::size_t>(traits.lanes);
  const auto stacks = static_cast<std::size_t>(plan.stacks);
  const auto height = static_cast<std::size_t>(traits.stack_rows);
  const std::size_t whole_vectors = 4 * lanes;
  const auto bytes = [&](std::size_t piece_channels, int32_t columns) {
    return stacks * height * piece_channels *
           static_cast<std::size_t>(columns_read(g.window, columns));
  };
  plan.piece_channels = channels;
  plan.piece_columns = g.output_w;
  if (channels % whole_vectors == 0) {
    while (bytes(plan.piece_channels, g.output_w) > piece_bytes &&
           plan.piece_channels % (2 * whole_vectors) == 0) {
      plan.piece_channels /= 2;
    }
    while (bytes(plan.piece_channels, g.output_w) > piece_bytes &&
           plan.piece_channels % (3 * whole_vectors) == 0) {
      plan.piece_channels /= 3;
    }
  }
  // A piece begins where a pattern of the weights does. Two neighbouring pieces both interleave the
  // columns that their windows share: kernel - stride columns, where a piece has columns * stride
  // of them. Pieces are wide enough that this is at most an eighth.
  const auto unit = static_cast<int32_t>(lanes / std::gcd(channels, lanes));
  const int32_t least =
      std::max(8 * g.window.kernel_w / (g.window.stride_w * g.window.stride_w), unit);
  for (int32_t pieces = 2; bytes(plan.piece_channels, plan.piece_columns) > piece_bytes; ++pieces) {
    const int32_t narrower = ceil_div(ceil_div(g.output_w, pieces), unit) * unit;
    if (narrower < least) break;
    plan.piece_columns = narrower;
    if (narrower == unit) break;  // none is narrower
  }
}

Layout make_layout(const DepthwiseTraits& traits, const ConvParams& params) {
  const ConvGeometry& g = params.geometry;
  const Window& w = g.window;
  const auto channels = static_cast<std::size_t>(g.input_channels);
  const auto lanes = static_cast<std::size_t>(traits.lanes);
  const auto height = static_cast<std::size_t>(traits.stack_rows);
  Layout layout;
  DepthwisePlan& plan = layout.plan;
  plan.rows = rows_of_strip(traits, w);
  plan.stacks = ceil_div((plan.rows - 1) * w.stride_h + w.kernel_h, traits.stack_rows);
  plan.rounding = rounding_of(params);
  plan.has_extreme = has_extreme_weight(params);
  // Where a weight has two halves, both meet the same stacks: the filter is twice as wide.
  plan.columns = w.kernel_w * weight_halves(params, traits.wide_weights);
  plan.strips = ceil_div(g.output_h, plan.rows);
  const int32_t distance = plan.rows * w.stride_h;  // input rows from a strip to the next
  const bool shares = w.dilation_h == 1 && distance % traits.stack_rows == 0 &&
                      distance / traits.stack_rows < plan.stacks;
  plan.new_stacks = shares ? distance / traits.stack_rows : plan.stacks;

  cut_pieces(traits, g, plan);
  const std::size_t piece_input = static_cast<std::size_t>(columns_read(w, plan.piece_columns));
  const bool whole_columns = plan.piece_channels % lanes == 0;
  plan.planes = whole_columns ? 1 : w.stride_w;
  plan.column_stride = whole_columns ? w.stride_w : 1;
  plan.column_vectors = plan.piece_channels / lanes;
  plan.column_skip =
      static_cast<std::size_t>(plan.column_stride - 1) * plan.piece_channels * height;
  plan.period_values = traits.periods > 1
                           ? std::lcm(channels, 4 * lanes)
                           : static_cast<std::size_t>(plan.piece_columns) * plan.piece_channels;
  const auto planes = static_cast<std::size_t>(plan.planes);
  // Vectors are written and read a little beyond the last column: up to three fill up the last
  // vector of bytes, and each may skip columns.
  const std::size_t beyond =
      4 * lanes + 3 * static_cast<std::size_t>(plan.column_stride - 1) * plan.piece_channels;
  plan.plane_stacks = aligned((piece_input + planes - 1) / planes * plan.piece_channels + beyond);
  plan.slot_stacks = plan.plane_stacks * planes;

  layout.vectors = channels / std::gcd(channels, lanes);
  plan.piece_vectors =
      plan.piece_channels == channels ? layout.vectors : plan.piece_channels / lanes;
  const auto pattern_vectors = static_cast<std::size_t>(traits.pattern_vectors());
  plan.pattern_rows = pattern_vectors * lanes * (sizeof(int32_t) + sizeof(float)) +
                      static_cast<std::size_t>(plan.rows * plan.stacks * plan.columns) *
                          weight_vector_bytes(traits);
  plan.pattern_bytes = plan.pattern_rows + channel_row_bytes(params, pattern_vectors * lanes);
  plan.tap_table = aligned(sizeof(DepthwisePlan));
  plan.patterns =
      plan.tap_table + aligned(static_cast<std::size_t>(plan.columns) * sizeof(int64_t));
  const std::size_t patterns = (layout.vectors + pattern_vectors - 1) / pattern_vectors;
  layout.packed_size = plan.patterns + patterns * plan.pattern_bytes;

  const std::size_t in_order = plan.planes > 1 ? piece_input * plan.piece_channels + 4 * lanes : 0;
  plan.padding_row = aligned(in_order * height);
  plan.padding_column =
      plan.padding_row + aligned(static_cast<std::size_t>(g.input_w) * channels + 4 * lanes);
  plan.slots =
      plan.padding_column + (params.input_zero_points != nullptr ? aligned(channels * height) : 0);
  layout.scratch_size =
      plan.slots + static_cast<std::size_t>(plan.stacks) * plan.slot_stacks * height;
  return layout;
}

/// Packs the weights of vector `vector` of channels, for output row `row` of a strip.
void pack_row(const DepthwiseTraits& traits, const ConvParams& params, const DepthwisePlan& plan,
              std::size_t vector, int32_t row, std::byte* packed) {
  const ConvGeometry& g = params.geometry;
  const Window& w = g.window;
  const auto channels = static_cast<std::size_t>(g.input_channels);
  const int32_t shift = row * w.stride_h;
  const std::size_t vector_bytes = weight_vector_bytes(traits);
  const int32_t halves = weight_halves(params, traits.wide_weights);
  for (int32_t lane = 0; lane < traits.lanes; ++lane) {
    const std::size_t channel =
        (vector * static_cast<std::size_t>(traits.lanes) + static_cast<std::size_t>(lane)) %
        channels;
    const auto pattern_lane =
        static_cast<int32_t>(vector % static_cast<std::size_t>(traits.pattern_vectors())) *
            traits.lanes +
        lane;
    for (int32_t kh = 0; kh < w.kernel_h; ++kh) {
      const int32_t at = shift + kh;
      for (int32_t column = 0; column < plan.columns; ++column) {
        const int32_t kw = column % w.kernel_w;
        const int8_t value = params.weights.values[(channel * static_cast<std::size_t>(w.kernel_h) +
                                                    static_cast<std::size_t>(kh)) *
                                                       static_cast<std::size_t>(w.kernel_w) +
                                                   static_cast<std::size_t>(kw)];
        const int32_t weight =
            weight_half(value - zero_point_of(params, static_cast<int32_t>(channel)),
                        column / w.kernel_w, halves);
        std::byte* to =
            packed +
            static_cast<std::size_t>(at / traits.stack_rows * plan.columns + column) * vector_bytes;
        const std::size_t position =
            stack_position(traits, pattern_lane, static_cast<std::size_t>(at % traits.stack_rows));
        if (traits.wide_weights) {
          reinterpret_cast<int16_t*>(to)[position] = static_cast<int16_t>(weight);
        } else {
          reinterpret_cast<int8_t*>(to)[position] = static_cast<int8_t>(weight);
        }
      }
    }
  }
}

}  // namespace

bool depthwise_supports(const ConvParams& params) {
  const ConvGeometry& g = params.geometry;
  return g.groups == g.input_channels && g.groups == g.output_channels &&
         fit_weight_halves(params) && results_fit_s32(params);
}

std::size_t depthwise_packed_size(const DepthwiseTraits& traits, const ConvParams& params) {
  return make_layout(traits, params).packed_size;
}

std::size_t depthwise_scratch_size(const DepthwiseTraits& traits, const ConvParams& params) {
  return make_layout(traits, params).scratch_size;
}

std::size_t depthwise_items(const DepthwiseTraits& traits, const ConvParams& params) {
  return static_cast<std::size_t>(make_layout(traits, params).plan.strips) *
         static_cast<std::size_t>(params.geometry.batch);
}

void depthwise_pack(const DepthwiseTraits& traits, const ConvParams& params, std::byte* packed) {
  const Layout layout = make_layout(traits, params);
  const DepthwisePlan& plan = layout.plan;
  const ConvGeometry& g = params.geometry;
  const auto channels = static_cast<std::size_t>(g.input_channels);
  const auto lanes = static_cast<std::size_t>(traits.lanes);
  std::memset(packed, 0, layout.packed_size);
  std::memcpy(packed, &plan, sizeof(plan));
  auto* taps = reinterpret_cast<int64_t*>(packed + plan.tap_table);
  for (int32_t kw = 0; kw < plan.columns; ++kw) {
    const int32_t column = kw % g.window.kernel_w * g.window.dilation_w;
    taps[kw] =
        traits.stack_rows * (static_cast<int64_t>(plan.plane_stacks) * (column % plan.planes) +
                             static_cast<int64_t>(plan.piece_channels) * (column / plan.planes));
  }

  const std::size_t taps_a_filter =
      static_cast<std::size_t>(g.window.kernel_h) * static_cast<std::size_t>(g.window.kernel_w);
  const auto pattern_vectors = static_cast<std::size_t>(traits.pattern_vectors());
  for (std::size_t v = 0; v < layout.vectors; ++v) {
    std::byte* pattern = packed + plan.patterns + v / pattern_vectors * plan.pattern_bytes;
    auto* biases = reinterpret_cast<uint32_t*>(pattern);
    auto* multipliers = reinterpret_cast<float*>(biases + pattern_vectors * lanes);
    auto* weights = reinterpret_cast<std::byte*>(multipliers + pattern_vectors * lanes);
    uint32_t* bias = biases + v % pattern_vectors * lanes;
    float* multiplier = multipliers + v % pattern_vectors * lanes;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const std::size_t channel = (v * lanes + lane) % channels;
      const int8_t* filter = params.weights.values + channel * taps_a_filter;
      const int32_t sum = std::accumulate(filter, filter + taps_a_filter, int32_t{0}) -
                          static_cast<int32_t>(taps_a_filter) *
                              zero_point_of(params, static_cast<int32_t>(channel));
      const int32_t zero_point = params.zero_point_of_input(channel);
      bias[lane] =
          static_cast<uint32_t>(params.weights.bias[channel]) -
          static_cast<uint32_t>(zero_point - (traits.flips ? 128 : 0)) * static_cast<uint32_t>(sum);
      multiplier[lane] = params.multiplier[channel];
      if (has_channel_rows(params)) {
        write_channel_rows(params, static_cast<int32_t>(channel), pattern_vectors * lanes,
                           reinterpret_cast<float*>(pattern + plan.pattern_rows) +
                               v % pattern_vectors * lanes + lane);
      }
    }
    const std::size_t row_bytes =
        static_cast<std::size_t>(plan.stacks * plan.columns) * weight_vector_bytes(traits);
    for (int32_t row = 0; row < plan.rows; ++row) {
      pack_row(traits, params, plan, v, row, weights + static_cast<std::size_t>(row) * row_bytes);
    }
  }
}

}  // namespace octet::kernels::vector
