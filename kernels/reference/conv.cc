// Convolution, depthwise convolution and linear layers: the sum as docs/quantization.md writes it.
#include "kernels/reference/reference.h"
#include "kernels/requantize.h"

namespace octet::kernels::reference {
namespace {

/// Position of an output value's window in the input.
struct Site {
  int32_t image = 0;
  int32_t top = 0;   ///< May lie in the padding: negative or beyond the image.
  int32_t left = 0;  ///< Likewise.
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

/// -> bias + the sum over the window of output channel `o`. Padding means real 0: it adds nothing.
int32_t accumulate(const ConvParams& params, const uint8_t* input, const Site& site, int32_t o) {
  const ConvGeometry& geometry = params.geometry;
  const Window& window = geometry.window;
  const int32_t channels = geometry.input_channels / geometry.groups;
  const int32_t group = o / (geometry.output_channels / geometry.groups);
  const int32_t w_zero_point = params.weights.zero_points ? params.weights.zero_points[o] : 0;
  const int8_t* filter = params.weights.values + static_cast<std::size_t>(o) *
                                                     static_cast<std::size_t>(window.kernel_h) *
                                                     static_cast<std::size_t>(window.kernel_w) *
                                                     static_cast<std::size_t>(channels);

  int32_t sum = params.weights.bias[o];
  for (int32_t kh = 0; kh < window.kernel_h; ++kh) {
    const int32_t h = site.top + kh * window.dilation_h;
    if (h < 0 || h >= geometry.input_h) continue;
    const std::size_t row =
        (static_cast<std::size_t>(site.image) * static_cast<std::size_t>(geometry.input_h) +
         static_cast<std::size_t>(h)) *
        static_cast<std::size_t>(geometry.input_w);
    for (int32_t kw = 0; kw < window.kernel_w; ++kw) {
      const int32_t w = site.left + kw * window.dilation_w;
      if (w < 0 || w >= geometry.input_w) continue;
      const std::size_t pixel = row + static_cast<std::size_t>(w);
      sum += dot(input + pixel * static_cast<std::size_t>(geometry.input_channels) +
                     static_cast<std::size_t>(group * channels),
                 params.input_zero_point, filter + (kh * window.kernel_w + kw) * channels,
                 w_zero_point, channels);
    }
  }
  return sum;
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
std::size_t scratch_size(const ConvParams&) { return 0; }

/// An item is an output pixel.
std::size_t items(const ConvParams& params) {
  const ConvGeometry& geometry = params.geometry;
  return static_cast<std::size_t>(geometry.batch) * static_cast<std::size_t>(geometry.output_h) *
         static_cast<std::size_t>(geometry.output_w);
}

void run(const ConvParams& params, const std::byte*, const ConvBuffers& buffers, Range items,
         std::byte*) {
  const ConvGeometry& geometry = params.geometry;
  const Window& window = geometry.window;
  const std::size_t width = static_cast<std::size_t>(geometry.output_w);
  const std::size_t height = static_cast<std::size_t>(geometry.output_h);
  for (std::size_t item = items.begin; item < items.end; ++item) {
    const Site site = {
        .image = static_cast<int32_t>(item / width / height),
        .top = static_cast<int32_t>(item / width % height) * window.stride_h - window.pad_top,
        .left = static_cast<int32_t>(item % width) * window.stride_w - window.pad_left};
    for (int32_t o = 0; o < geometry.output_channels; ++o) {
      const std::size_t index =
          item * static_cast<std::size_t>(geometry.output_channels) + static_cast<std::size_t>(o);
      store(params, buffers, index, o, accumulate(params, buffers.input, site, o));
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
