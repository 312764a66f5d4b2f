// Convolution, depthwise convolution and linear layers: the sum as docs/quantization.md writes it.
#include <algorithm>

#include "kernels/reference/reference.h"
#include "kernels/requantize.h"

namespace octet::kernels::reference {
namespace {

/// A tap of a window: one input pixel and the weights that meet it.
struct Tap {
  const uint8_t* pixel;   ///< [I]
  const int8_t* weights;  ///< Output channel 0's; the next channel's are `filter_size` further.
};

/// -> sum (x - z_x) * (w - z_w). Differences fit s16, which lets the compiler use its 16-bit dot
/// product.
int32_t dot(const uint8_t* x, int32_t x_zero_point, const int8_t* w, int32_t w_zero_point,
            int32_t count) {
  const auto x_zero = static_cast<int16_t>(x_zero_point);
  const auto w_zero = static_cast<int16_t>(w_zero_point);
  int32_t sum = 0;
  for (int32_t i = 0; i < count; ++i) {
    const auto x_real = static_cast<int16_t>(x[i] - x_zero);
    const auto w_real = static_cast<int16_t>(w[i] - w_zero);
    sum += x_real * w_real;
  }
  return sum;
}

/// Adds a tap to the sums [O] of an output pixel.
void add_tap(const ConvParams& params, const Tap& tap, int32_t* sums) {
  const ConvGeometry& geometry = params.geometry;
  const int32_t channels = geometry.input_channels / geometry.groups;
  const int32_t outputs = geometry.output_channels / geometry.groups;
  const int32_t* zero_points = params.weights.zero_points;
  const std::ptrdiff_t filter_size =
      static_cast<std::ptrdiff_t>(geometry.window.kernel_h) * geometry.window.kernel_w * channels;
  for (int32_t group = 0; group < geometry.groups; ++group) {
    const uint8_t* x = tap.pixel + group * channels;
    for (int32_t o = group * outputs; o < (group + 1) * outputs; ++o) {
      sums[o] += dot(x, params.input_zero_point, tap.weights + o * filter_size,
                     zero_points ? zero_points[o] : 0, channels);
    }
  }
}

/// The same where each group is one input and one output channel, without loops of one round.
void add_depthwise_tap(const ConvParams& params, const Tap& tap, int32_t* sums) {
  const int32_t* zero_points = params.weights.zero_points;
  const std::ptrdiff_t filter_size = static_cast<std::ptrdiff_t>(params.geometry.window.kernel_h) *
                                     params.geometry.window.kernel_w;
  for (int32_t c = 0; c < params.geometry.output_channels; ++c) {
    const int32_t weight = tap.weights[c * filter_size] - (zero_points ? zero_points[c] : 0);
    sums[c] += (tap.pixel[c] - params.input_zero_point) * weight;
  }
}

/// sums [O] = bias + the sum over the window of output pixel `item`. Padding means real 0: its taps
/// add nothing.
void accumulate(const ConvParams& params, const uint8_t* input, std::size_t item, int32_t* sums) {
  const ConvGeometry& geometry = params.geometry;
  const Window& window = geometry.window;
  const auto output_w = static_cast<std::size_t>(geometry.output_w);
  const auto output_h = static_cast<std::size_t>(geometry.output_h);
  const auto input_h = static_cast<std::size_t>(geometry.input_h);
  const auto input_w = static_cast<std::size_t>(geometry.input_w);
  const std::size_t image = item / output_w / output_h;
  const int32_t top =
      static_cast<int32_t>(item / output_w % output_h) * window.stride_h - window.pad_top;
  const int32_t left = static_cast<int32_t>(item % output_w) * window.stride_w - window.pad_left;
  const int32_t channels = geometry.input_channels / geometry.groups;
  const bool depthwise = channels == 1 && geometry.groups == geometry.output_channels;

  std::copy_n(params.weights.bias, geometry.output_channels, sums);
  for (int32_t kh = 0; kh < window.kernel_h; ++kh) {
    const int32_t h = top + kh * window.dilation_h;
    if (h < 0 || h >= geometry.input_h) continue;
    for (int32_t kw = 0; kw < window.kernel_w; ++kw) {
      const int32_t w = left + kw * window.dilation_w;
      if (w < 0 || w >= geometry.input_w) continue;
      const std::size_t pixel =
          (image * input_h + static_cast<std::size_t>(h)) * input_w + static_cast<std::size_t>(w);
      const Tap tap = {.pixel = input + pixel * static_cast<std::size_t>(geometry.input_channels),
                       .weights = params.weights.values + (kh * window.kernel_w + kw) * channels};
      depthwise ? add_depthwise_tap(params, tap, sums) : add_tap(params, tap, sums);
    }
  }
}

/// Requantizes and stores output value `index`, which is of channel `o`.
void store(const ConvParams& params, const ConvBuffers& buffers, std::size_t index, int32_t o,
           int32_t sum) {
  float value = static_cast<float>(sum) * params.multiplier[o];
  if (params.output == ConvOutput::float32) {
    if (value < params.float_min) value = params.float_min;
    if (value > params.float_max) value = params.float_max;
    static_cast<float*>(buffers.output)[index] = value;
    return;
  }
  if (params.has_residual) {
    const int32_t residual = buffers.residual[index] - params.residual_zero_point;
    value = value + static_cast<float>(residual) * params.residual_multiplier;
  }
  static_cast<uint8_t*>(buffers.output)[index] =
      round_to_u8(value, params.output_zero_point, params.output_min, params.output_max);
}

bool supports(const ConvParams&) { return true; }

// Weights are read where they are.
std::size_t packed_size(const ConvParams&) { return 0; }
void pack(const ConvParams&, std::byte*) {}

/// The sums of one output pixel.
std::size_t scratch_size(const ConvParams& params) {
  return static_cast<std::size_t>(params.geometry.output_channels) * sizeof(int32_t);
}

/// An item is an output pixel.
std::size_t items(const ConvParams& params) {
  const ConvGeometry& geometry = params.geometry;
  return static_cast<std::size_t>(geometry.batch) * static_cast<std::size_t>(geometry.output_h) *
         static_cast<std::size_t>(geometry.output_w);
}

void run(const ConvParams& params, const std::byte*, const ConvBuffers& buffers, Range items,
         std::byte* scratch) {
  auto* sums = reinterpret_cast<int32_t*>(scratch);
  const int32_t channels = params.geometry.output_channels;
  for (std::size_t item = items.begin; item < items.end; ++item) {
    accumulate(params, buffers.input, item, sums);
    const std::size_t first = item * static_cast<std::size_t>(channels);
    for (int32_t o = 0; o < channels; ++o) {
      store(params, buffers, first + static_cast<std::size_t>(o), o, sums[o]);
    }
  }
}

}  // namespace

constinit const ConvKernel conv = {.name = "reference",
                                   .supports = supports,
                                   .packed_size = packed_size,
                                   .pack = pack,
                                   .scratch_size = scratch_size,
                                   .items = items,
                                   .run = run};

}  // namespace octet::kernels::reference
