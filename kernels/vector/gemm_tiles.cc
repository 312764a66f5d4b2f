#include "kernels/vector/gemm_tiles.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>

#include "kernels/vector/channel_rows.h"

namespace octet::kernels::vector {
namespace {

/// What a pixel costs in a tile, in sixteenths of a cycle: its dot products or the loads for them,
/// whichever takes longer, each at two in a cycle; then for each sum two conversions and a
/// multiplication, and for each store the packing.
int32_t tile_cost(const GemmTraits& traits, int32_t vectors, int32_t dots) {
  const int32_t pixels = traits.tile_pixels[vectors];
  const int32_t dot_products = 8 * vectors;
  const int32_t loads = 8 + ceil_div(8 * vectors, pixels);
  const int32_t stores = vectors >= 3 ? 8 * 8 : 2 * 8 * vectors;
  return std::max(dot_products, loads) * dots + 3 * 8 * vectors + stores;
}

}  // namespace

std::vector<int32_t> tile_widths(const GemmTraits& traits, int32_t vectors, int32_t dots) {
  std::vector<int32_t> cost{0};
  std::vector<int32_t> last{0};
  for (int32_t covered = 1; covered <= vectors; ++covered) {
    cost.push_back(std::numeric_limits<int32_t>::max());
    last.push_back(0);
    for (int32_t width = 1; width <= std::min(traits.max_vectors, covered); ++width) {
      const auto at = static_cast<std::size_t>(covered);
      const int32_t total =
          cost[static_cast<std::size_t>(covered - width)] + tile_cost(traits, width, dots);
      if (total > cost[at]) continue;
      cost[at] = total;
      last[at] = width;
    }
  }
  std::vector<int32_t> widths;
  for (int32_t left = vectors; left > 0; left -= widths.back()) {
    widths.push_back(last[static_cast<std::size_t>(left)]);
  }
  std::ranges::sort(widths, std::greater<>());
  return widths;
}

int32_t tile_channel(const GemmTile& tile, int32_t vector, int32_t lane) {
  if (tile.loop == GemmLoop::pairs) return vector == 0 ? lane : 16 + lane % 8;
  return 4 * tile.vectors * (lane / 4) + 4 * vector + lane % 4;
}

std::size_t place_channel_rows(const GemmTraits& traits, const ConvParams& params,
                               std::size_t bytes, GemmTile& tile) {
  tile.rows = has_channel_rows(params) ? aligned(bytes) : 0;
  return tile.rows == 0
             ? 0
             : tile.rows - bytes +
                   channel_row_bytes(params, static_cast<std::size_t>(tile.vectors * traits.lanes));
}

std::byte* pack_bias(const GemmTraits& traits, const ConvParams& params, const GemmTile& tile,
                     std::byte* packed) {
  const WeightReader reader(params, 1);
  const int32_t lanes = tile.vectors * traits.lanes;
  auto* bias = reinterpret_cast<uint32_t*>(packed);
  auto* multiplier = reinterpret_cast<float*>(bias + lanes);
  auto* rows = tile.rows != 0 ? reinterpret_cast<float*>(packed + tile.rows) : nullptr;
  for (int32_t v = 0; v < tile.vectors; ++v) {
    for (int32_t lane = 0; lane < traits.lanes; ++lane) {
      const int32_t channel = tile_channel(tile, v, lane);
      const int32_t o = tile.first_channel + channel;
      const bool real = channel < tile.channels;
      // The sum may wrap on the way. It is exact at the end, since all of it together fits s32.
      const uint32_t zero = real ? reader.sum_of_zeros(o, traits.pixel_offset()) : 0;
      bias[v * traits.lanes + lane] =
          real ? static_cast<uint32_t>(params.weights.bias[o]) - zero : 0;
      multiplier[v * traits.lanes + lane] = real ? params.multiplier[o] : 0.0F;
      if (rows != nullptr) {
        write_channel_rows(params, real ? o : -1, static_cast<std::size_t>(lanes),
                           rows + v * traits.lanes + lane);
      }
    }
  }
  return reinterpret_cast<std::byte*>(multiplier + lanes);
}

namespace {

/// The sum of |weight - zero point|.
int64_t sum_of_magnitudes(const int8_t* weights, int64_t count, int32_t zero_point) {
  constexpr int64_t together = 1 << 20;  // their sum fits s32, so it is vectorised
  int64_t total = 0;
  for (int64_t begin = 0; begin < count; begin += together) {
    const int64_t end = std::min(begin + together, count);
    int32_t sum = 0;
    for (int64_t k = begin; k < end; ++k) sum += std::abs(weights[k] - zero_point);
    total += sum;
  }
  return total;
}

/// A bound of |function|, where its operand, without the offset of pieces, is within [-largest,
/// largest].
double largest_of_function(const LayerFunction& function, int32_t o, double largest) {
  const auto coefficient = [&](int k, int piece) {
    return std::fabs(static_cast<double>(function.coefficients[k * function_pieces + piece]));
  };
  switch (function.form) {
    case FunctionForm::none:
      return largest;
    case FunctionForm::hard_swish:
      return 6 * largest * std::fabs(static_cast<double>(function.factor));
    case FunctionForm::slopes:
      return largest * std::max(1.0, std::fabs(static_cast<double>(function.slopes[o])));
    case FunctionForm::pieces:
      break;
  }
  const double farthest = largest + std::fabs(static_cast<double>(function.offset));
  double result = 0;
  for (int piece = 0; piece < function_pieces; ++piece) {
    const bool is_line =
        piece == function_pieces - 1 || (piece == 0 && function.symmetry == Symmetry::none);
    const double t = is_line ? farthest : piece + 0.5;
    double sum = 0;
    for (int k = is_line ? 1 : piece_coefficients - 1; k >= 0; --k) {
      sum = sum * t + coefficient(k, piece);
    }
    result = std::max(result, sum);
  }
  const double term = std::fabs(static_cast<double>(function.term));
  return result + (function.symmetry == Symmetry::even ? term * farthest : term);
}

/// Whether |v| stays below the limit for every input: |sum| * multiplier (+ the residual's share),
/// or what the layer's function and its channels' scales make of them.
bool results_fit(const ConvParams& params, double limit) {
  const ConvGeometry& g = params.geometry;
  const int64_t depth =
      int64_t{g.window.kernel_h} * g.window.kernel_w * (g.input_channels / g.groups);
  const double residual = params.has_residual
                              ? 255.0 * std::fabs(static_cast<double>(params.residual_multiplier))
                              : 0.0;
  const LayerFunction& function = params.function;
  for (int32_t o = 0; o < g.output_channels; ++o) {
    const int64_t sum = sum_of_magnitudes(params.weights.values + int64_t{o} * depth, depth,
                                          zero_point_of(params, o));
    const double largest =
        static_cast<double>(255 * sum + std::abs(int64_t{params.weights.bias[o]}));
    double result = largest * std::fabs(static_cast<double>(params.multiplier[o]));
    if (function.takes_residual) result += residual;
    result = largest_of_function(function, o, result);
    if (params.channel_output.factor != nullptr) {
      result = result * std::fabs(static_cast<double>(params.channel_output.factor[o])) + 255;
    }
    if (!function.takes_residual) result += residual;
    if (!(result < limit)) return false;
  }
  return true;
}

}  // namespace

bool results_fit_s32(const ConvParams& params) {
  return params.output == ConvOutput::float32 || results_fit(params, std::exp2(30));
}

Rounding rounding_of(const ConvParams& params) {
  const bool fits_s16 = params.output == ConvOutput::u8 && params.output_min == 0 &&
                        params.output_max == 255 && results_fit(params, std::exp2(15) - 256);
  if (!fits_s16) return Rounding::general;
  return params.output_zero_point % 2 == 0 ? Rounding::s16_even : Rounding::s16_odd;
}

}  // namespace octet::kernels::vector
