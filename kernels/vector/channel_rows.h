// Rows of float32 that the ending of some layers reads beside the multipliers. Each has one value
// for each channel, in the order of the multipliers, and they are packed with the weights.
#pragma once

#include "kernels/kernels.h"

namespace octet::kernels::vector {

/// Slopes, factors, zero points: see LayerFunction and ChannelOutput.
constexpr int32_t channel_rows = 3;

inline bool has_channel_rows(const ConvParams& params) {
  return params.function.form == FunctionForm::slopes || params.channel_output.factor != nullptr;
}

/// Bytes of the rows of `channels` channels; 0 where the layer has none.
inline std::size_t channel_row_bytes(const ConvParams& params, std::size_t channels) {
  return has_channel_rows(params) ? channel_rows * channels * sizeof(float) : 0;
}

/// Writes the values of channel `o`, or of no channel where it is negative, `stride` values apart.
inline void write_channel_rows(const ConvParams& params, int32_t o, std::size_t stride, float* to) {
  const auto value = [&](const float* values, float otherwise) {
    return values != nullptr && o >= 0 ? values[o] : otherwise;
  };
  to[0] = value(params.function.slopes, 0);
  to[stride] = value(params.channel_output.factor, 1);
  to[2 * stride] = value(params.channel_output.zero_point, 0);
}

}  // namespace octet::kernels::vector
