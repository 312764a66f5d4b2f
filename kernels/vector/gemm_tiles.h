// Tiles of output channels, and what is packed in front of their weights. Shared by all kernels
// that compute by tiles.
#pragma once

#include <vector>

#include "kernels/vector/gemm_plan.h"
#include "kernels/vector/weight_halves.h"

namespace octet::kernels::vector {

constexpr std::size_t alignment = 64;

constexpr std::size_t aligned(std::size_t size) {
  return (size + alignment - 1) / alignment * alignment;
}

constexpr int32_t ceil_div(int32_t a, int32_t b) { return (a + b - 1) / b; }

/// Widths of the tiles that together cover `vectors` vectors at the least cost, the widest first. A
/// pixel takes `dots` dot products for each vector.
std::vector<int32_t> tile_widths(const GemmTraits& traits, int32_t vectors, int32_t dots);

/// The channel within a tile that is in lane `lane` of its vector `vector`: see GemmTile.
int32_t tile_channel(const GemmTile& tile, int32_t vector, int32_t lane);

/// Reads a layer's weights: each output channel has `segments` runs of equally many values. Zero
/// points are not subtracted from them.
class WeightReader {
 public:
  WeightReader(const ConvParams& params, int32_t segments)
      : params_(params),
        values_(params.weights.values),
        size_(static_cast<std::size_t>(params.geometry.window.kernel_h *
                                       params.geometry.window.kernel_w *
                                       (params.geometry.input_channels / params.geometry.groups))),
        length_(size_ / static_cast<std::size_t>(segments)) {}

  std::size_t segment_length() const { return length_; }
  const int8_t* segment(int32_t channel, std::size_t index) const {
    return values_ + static_cast<std::size_t>(channel) * size_ + index * length_;
  }
  /// The sum of a channel's weights, each minus the zero point.
  int32_t sum(int32_t channel) const {
    int32_t total = 0;
    const int8_t* weights = segment(channel, 0);
    const int32_t zero_point = zero_point_of(params_, channel);
    for (std::size_t k = 0; k < size_; ++k) total += weights[k] - zero_point;
    return total;
  }
  /// The sum of a channel's weights, each minus the zero point, times z_x of its input channel less
  /// `offset`. It may wrap.
  uint32_t sum_of_zeros(int32_t channel, int32_t offset) const {
    if (params_.input_zero_points == nullptr)
      return static_cast<uint32_t>(params_.input_zero_point - offset) *
             static_cast<uint32_t>(sum(channel));
    const ConvGeometry& g = params_.geometry;
    const auto inputs = static_cast<std::size_t>(g.input_channels / g.groups);
    const auto first = static_cast<std::size_t>(channel / (g.output_channels / g.groups)) * inputs;
    const uint8_t* zeros = params_.input_zero_points + first;
    const int8_t* weights = segment(channel, 0);
    const int32_t zero_point = zero_point_of(params_, channel);
    uint32_t total = 0;
    for (std::size_t k = 0; k < size_; ++k)
      total += static_cast<uint32_t>((weights[k] - zero_point) * (zeros[k % inputs] - offset));
    return total;
  }

 private:
  const ConvParams& params_;
  const int8_t* values_;
  std::size_t size_;
  std::size_t length_;
};

/// Places a tile's channel rows behind its other `bytes` bytes. Returns how many bytes more the
/// tile has then: 0 if the layer has no such rows.
std::size_t place_channel_rows(const GemmTraits& traits, const ConvParams& params,
                               std::size_t bytes, GemmTile& tile);

/// Writes a tile's channel rows, and its bias, minus z_x times the weights' sum, and its
/// multiplier. Returns the address behind the multiplier.
std::byte* pack_bias(const GemmTraits& traits, const ConvParams& params, const GemmTile& tile,
                     std::byte* packed);

}  // namespace octet::kernels::vector
