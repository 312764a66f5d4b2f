// The largest value of each window and channel. Padding takes no part.
#include <algorithm>

#include "kernels/reference/reference.h"

namespace octet::kernels {

template <>
void KernelSet<Reference>::max_pool(const PoolParams& params, const uint8_t* input, uint8_t* output,
                                    Range rows) {
  const Window& window = params.window;
  const auto channels = static_cast<std::size_t>(params.channels);
  const auto input_h = static_cast<std::size_t>(params.input_h);
  const auto input_w = static_cast<std::size_t>(params.input_w);
  const auto output_h = static_cast<std::size_t>(params.output_h);
  const auto output_w = static_cast<std::size_t>(params.output_w);
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    const uint8_t* image = input + row / output_h * input_h * input_w * channels;
    const int32_t top = static_cast<int32_t>(row % output_h) * window.stride_h - window.pad_top;
    for (std::size_t column = 0; column < output_w; ++column) {
      const int32_t left = static_cast<int32_t>(column) * window.stride_w - window.pad_left;
      uint8_t* result = output + (row * output_w + column) * channels;
      // The maximum starts at the clamp's lower bound.
      std::fill_n(result, channels, params.output_min);
      for (int32_t kh = 0; kh < window.kernel_h; ++kh) {
        const int32_t h = top + kh * window.dilation_h;
        if (h < 0 || h >= params.input_h) continue;
        for (int32_t kw = 0; kw < window.kernel_w; ++kw) {
          const int32_t w = left + kw * window.dilation_w;
          if (w < 0 || w >= params.input_w) continue;
          const uint8_t* pixel =
              image +
              (static_cast<std::size_t>(h) * input_w + static_cast<std::size_t>(w)) * channels;
          for (std::size_t c = 0; c < channels; ++c) result[c] = std::max(result[c], pixel[c]);
        }
      }
      for (std::size_t c = 0; c < channels; ++c) result[c] = std::min(result[c], params.output_max);
    }
  }
}

}  // namespace octet::kernels
