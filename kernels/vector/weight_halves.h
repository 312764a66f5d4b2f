// Weights with zero points. A weight minus its zero point needs nine bits. Where kernels multiply
// bytes, it is split into two halves, which both meet the same pixels; where they multiply s16, it
// is one value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace octet::kernels::vector {

/// Whether two bytes can hold each weight minus its zero point. They cannot hold 127 - (-128) =
/// 255, and nothing else is out of their reach.
inline bool fit_weight_halves(const ConvParams& params) {
  const int32_t* zero_points = params.weights.zero_points;
  return zero_points == nullptr ||
         std::all_of(zero_points, zero_points + params.geometry.output_channels,
                     [](int32_t zero_point) { return zero_point > -128; });
}

/// How many halves a weight has: 1, or 2 where it is a sum of two bytes. `wide`: weights are packed
/// as s16.
inline int32_t weight_halves(const ConvParams& params, bool wide) {
  return params.weights.zero_points != nullptr && !wide ? 2 : 1;
}

inline int32_t zero_point_of(const ConvParams& params, int32_t channel) {
  return params.weights.zero_points != nullptr ? params.weights.zero_points[channel] : 0;
}

/// Whether some weight is -128.
inline bool has_extreme_weight(const ConvParams& params) {
  const ConvGeometry& g = params.geometry;
  const int64_t count = int64_t{g.output_channels} * g.window.kernel_h * g.window.kernel_w *
                        (g.input_channels / g.groups);
  return std::find(params.weights.values, params.weights.values + count, int8_t{-128}) !=
         params.weights.values + count;
}

/// Half `half` of the `halves` halves of `weight`, which is a weight minus its zero point.
inline int32_t weight_half(int32_t weight, int32_t half, int32_t halves) {
  if (halves == 1) return weight;
  const int32_t first = std::clamp(weight, -128, 127);
  return half == 0 ? first : weight - first;
}

}  // namespace octet::kernels::vector
