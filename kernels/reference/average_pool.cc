// The mean of each window and channel, requantized to the output's scale.
#include <algorithm>

#include "kernels/reference/reference.h"
#include "kernels/scalar/requantize.h"

namespace octet::kernels {
namespace {

/// Half-open range of an axis' positions within the kernel.
struct Taps {
  int32_t begin = 0;
  int32_t end = 0;
  int32_t count() const { return std::max(end - begin, 0); }
};

/// Returns the taps k in [0, kernel) with low <= first + k * dilation < high.
Taps taps_within(int32_t first, int32_t kernel, int32_t dilation, int32_t low, int32_t high) {
  Taps taps = {.begin = 0, .end = kernel};
  while (taps.begin < taps.end && first + taps.begin * dilation < low) ++taps.begin;
  while (taps.end > taps.begin && first + (taps.end - 1) * dilation >= high) --taps.end;
  return taps;
}

}  // namespace

template <>
void KernelSet<Reference>::average_pool(const PoolParams& params, const uint8_t* input,
                                        uint8_t* output, Range rows) {
  const Window& window = params.window;
  const auto channels = static_cast<std::size_t>(params.channels);
  const auto input_h = static_cast<std::size_t>(params.input_h);
  const auto input_w = static_cast<std::size_t>(params.input_w);
  const auto output_h = static_cast<std::size_t>(params.output_h);
  const auto output_w = static_cast<std::size_t>(params.output_w);
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    const uint8_t* image = input + row / output_h * input_h * input_w * channels;
    const int32_t top = static_cast<int32_t>(row % output_h) * window.stride_h - window.pad_top;
    const Taps vertical = taps_within(top, window.kernel_h, window.dilation_h, 0, params.input_h);
    const Taps padded_vertical = taps_within(top, window.kernel_h, window.dilation_h,
                                             -window.pad_top, params.input_h + window.pad_bottom);
    for (std::size_t column = 0; column < output_w; ++column) {
      const int32_t left = static_cast<int32_t>(column) * window.stride_w - window.pad_left;
      const Taps horizontal =
          taps_within(left, window.kernel_w, window.dilation_w, 0, params.input_w);
      const Taps padded_horizontal =
          taps_within(left, window.kernel_w, window.dilation_w, -window.pad_left,
                      params.input_w + window.pad_right);
      const int32_t count = params.count_include_pad
                                ? padded_vertical.count() * padded_horizontal.count()
                                : vertical.count() * horizontal.count();
      // A window that lies in the padding has the sum 0, whatever it is divided by.
      const float divisor = static_cast<float>(std::max(count, 1));
      const float multiplier = params.input_scale / (params.output_scale * divisor);
      for (std::size_t c = 0; c < channels; ++c) {
        int32_t sum = 0;
        for (int32_t kh = vertical.begin; kh < vertical.end; ++kh) {
          const auto h = static_cast<std::size_t>(top + kh * window.dilation_h);
          for (int32_t kw = horizontal.begin; kw < horizontal.end; ++kw) {
            const auto w = static_cast<std::size_t>(left + kw * window.dilation_w);
            sum += image[(h * input_w + w) * channels + c] - params.input_zero_point;
          }
        }
        output[(row * output_w + column) * channels + c] =
            round_to_u8(static_cast<float>(sum) * multiplier, params.output_zero_point,
                        params.output_min, params.output_max);
      }
    }
  }
}

}  // namespace octet::kernels
