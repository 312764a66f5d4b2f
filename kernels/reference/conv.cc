// Convolution, depthwise convolution and linear layers: the sum as docs/quantization.md writes it.
#include <algorithm>
#include <cmath>

#include "kernels/reference/reference.h"
#include "kernels/scalar/requantize.h"

namespace octet::kernels::reference {
namespace {

// Weights are packed as s16, minus their zero points, so that every sum is a plain product of s16
// values: dense layers as [O][K], K = kernel_h * kernel_w * I / groups; depthwise ones as [kernel_h
// * kernel_w][C], so that neighbouring channels lie side by side.

bool is_depthwise(const ConvGeometry& geometry) {
  return geometry.groups == geometry.input_channels && geometry.groups == geometry.output_channels;
}

/// How many products an output value sums up.
std::size_t filter_size(const ConvGeometry& geometry) {
  return static_cast<std::size_t>(geometry.window.kernel_h) *
         static_cast<std::size_t>(geometry.window.kernel_w) *
         static_cast<std::size_t>(geometry.input_channels / geometry.groups);
}

/// Calls visit(tap, pixel) for each tap of output pixel `item`'s window, with the input pixel [I]
/// it meets, or null where it meets padding.
template <class Visit>
void for_each_tap(const ConvGeometry& geometry, const uint8_t* input, std::size_t item,
                  const Visit& visit) {
  const Window& window = geometry.window;
  const auto output_w = static_cast<std::size_t>(geometry.output_w);
  const auto output_h = static_cast<std::size_t>(geometry.output_h);
  const auto input_h = static_cast<std::size_t>(geometry.input_h);
  const auto input_w = static_cast<std::size_t>(geometry.input_w);
  const std::size_t image = item / output_w / output_h;
  const int32_t top =
      static_cast<int32_t>(item / output_w % output_h) * window.stride_h - window.pad_top;
  const int32_t left = static_cast<int32_t>(item % output_w) * window.stride_w - window.pad_left;
  std::size_t tap = 0;
  for (int32_t kh = 0; kh < window.kernel_h; ++kh) {
    const int32_t h = top + kh * window.dilation_h;
    for (int32_t kw = 0; kw < window.kernel_w; ++kw) {
      const int32_t w = left + kw * window.dilation_w;
      const bool inside = h >= 0 && h < geometry.input_h && w >= 0 && w < geometry.input_w;
      const std::size_t pixel = inside ? (image * input_h + static_cast<std::size_t>(h)) * input_w +
                                             static_cast<std::size_t>(w)
                                       : 0;
      visit(tap++,
            inside ? input + pixel * static_cast<std::size_t>(geometry.input_channels) : nullptr);
    }
  }
}

/// The window's differences x - z_x as s16, [groups][K]. Padding means real 0.
void gather_differences(const ConvParams& params, const uint8_t* input, std::size_t item,
                        int16_t* differences) {
  const ConvGeometry& geometry = params.geometry;
  const auto channels = static_cast<std::size_t>(geometry.input_channels / geometry.groups);
  const std::size_t size = filter_size(geometry);
  for_each_tap(geometry, input, item, [&](std::size_t tap, const uint8_t* pixel) {
    for (std::size_t group = 0; group < static_cast<std::size_t>(geometry.groups); ++group) {
      int16_t* to = differences + group * size + tap * channels;
      for (std::size_t c = 0; c < channels; ++c) {
        const int32_t x = pixel != nullptr ? pixel[group * channels + c] -
                                                 params.zero_point_of_input(group * channels + c)
                                           : 0;
        to[c] = static_cast<int16_t>(x);
      }
    }
  });
}

int32_t dot(const int16_t* x, const int16_t* w, std::size_t count) {
  int32_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += x[i] * w[i];
  return sum;
}

/// sums [O] = bias + the sum over the window of output pixel `item`.
void accumulate(const ConvParams& params, const int16_t* weights, const uint8_t* input,
                std::size_t item, int16_t* differences, int32_t* sums) {
  const ConvGeometry& geometry = params.geometry;
  const auto outputs = static_cast<std::size_t>(geometry.output_channels);
  if (is_depthwise(geometry)) {
    std::copy_n(params.weights.bias, outputs, sums);
    for_each_tap(geometry, input, item, [&](std::size_t tap, const uint8_t* pixel) {
      if (pixel == nullptr) return;
      const int16_t* w = weights + tap * outputs;
      for (std::size_t c = 0; c < outputs; ++c) {
        sums[c] += static_cast<int16_t>(pixel[c] - params.zero_point_of_input(c)) * w[c];
      }
    });
    return;
  }
  gather_differences(params, input, item, differences);
  const std::size_t size = filter_size(geometry);
  const std::size_t outputs_a_group = outputs / static_cast<std::size_t>(geometry.groups);
  for (std::size_t o = 0; o < outputs; ++o) {
    sums[o] = params.weights.bias[o] +
              dot(differences + o / outputs_a_group * size, weights + o * size, size);
  }
}

float clamp(float value, float min, float max) {
  const float above = value > min ? value : min;
  return above < max ? above : max;
}

float piecewise(const LayerFunction& function, float t) {
  const float x = function.symmetry == Symmetry::none ? t : std::fabs(t);
  const auto piece = std::lrintf(clamp(x, 0, function_pieces - 1));
  const float* a = function.coefficients + piece;
  float v = a[(piece_coefficients - 1) * function_pieces];
  for (int k = piece_coefficients - 2; k >= 0; --k) v = std::fma(v, x, a[k * function_pieces]);
  switch (function.symmetry) {
    case Symmetry::none:
      break;
    case Symmetry::even:
      return std::fma(t > 0 ? t : 0.0F, function.term, v);
    case Symmetry::odd:
      return (std::signbit(t) ? -v : v) + function.term;
  }
  return v;
}

/// The layer's function, of the sum of channel `o`. `residual` is its term, or 0.
float apply_function(const ConvParams& params, int32_t o, int32_t sum, float residual) {
  const LayerFunction& function = params.function;
  const float m = params.multiplier[o];
  if (function.form == FunctionForm::pieces) {
    const float t = std::fma(static_cast<float>(sum), m, function.offset);
    return piecewise(function, function.takes_residual ? t + residual : t);
  }
  float r = static_cast<float>(sum) * m;
  if (function.takes_residual) r = r + residual;
  switch (function.form) {
    case FunctionForm::hard_swish:
      return (r * clamp(r + 3, 0, 6)) * function.factor;
    case FunctionForm::slopes: {
      const float negative = r < 0 ? r : 0.0F;
      return (r > 0 ? r : 0.0F) + negative * function.slopes[o];
    }
    case FunctionForm::none:
    case FunctionForm::pieces:
      break;
  }
  return r;
}

/// Requantizes and stores output value `index`, which is of channel `o`.
void store(const ConvParams& params, const ConvBuffers& buffers, std::size_t index, int32_t o,
           int32_t sum) {
  if (params.output == ConvOutput::float32) {
    float value = static_cast<float>(sum) * params.multiplier[o];
    if (value < params.float_min) value = params.float_min;
    if (value > params.float_max) value = params.float_max;
    static_cast<float*>(buffers.output)[index] = value;
    return;
  }
  float residual = 0;
  if (params.has_residual) {
    const int32_t difference = buffers.residual[index] - params.residual_zero_point;
    residual = static_cast<float>(difference) * params.residual_multiplier;
  }
  float value = apply_function(params, o, sum, residual);
  if (params.channel_output.factor != nullptr) {
    value = std::fma(value, params.channel_output.factor[o], params.channel_output.zero_point[o]);
  }
  if (params.has_residual && !params.function.takes_residual) {
    value = clamp(value, params.inner_min, params.inner_max) + residual;
  }
  static_cast<uint8_t*>(buffers.output)[index] =
      round_to_u8(value, params.output_zero_point, params.output_min, params.output_max);
}

bool supports(const ConvParams&) { return true; }

std::size_t packed_size(const ConvParams& params) {
  return static_cast<std::size_t>(params.geometry.output_channels) * filter_size(params.geometry) *
         sizeof(int16_t);
}

void pack(const ConvParams& params, std::byte* packed) {
  auto* to = reinterpret_cast<int16_t*>(packed);
  const auto outputs = static_cast<std::size_t>(params.geometry.output_channels);
  const std::size_t size = filter_size(params.geometry);
  const bool depthwise = is_depthwise(params.geometry);
  for (std::size_t o = 0; o < outputs; ++o) {
    const int32_t zero_point = params.weights.zero_points ? params.weights.zero_points[o] : 0;
    for (std::size_t k = 0; k < size; ++k) {
      const int32_t weight = params.weights.values[o * size + k] - zero_point;
      to[depthwise ? k * outputs + o : o * size + k] = static_cast<int16_t>(weight);
    }
  }
}

/// Room for the sums of one output pixel and for its window.
std::size_t scratch_size(const ConvParams& params) {
  const ConvGeometry& geometry = params.geometry;
  const std::size_t differences =
      is_depthwise(geometry) ? 0
                             : static_cast<std::size_t>(geometry.groups) * filter_size(geometry);
  return static_cast<std::size_t>(geometry.output_channels) * sizeof(int32_t) +
         differences * sizeof(int16_t);
}

/// Work items are output pixels.
std::size_t items(const ConvParams& params) {
  const ConvGeometry& geometry = params.geometry;
  return static_cast<std::size_t>(geometry.batch) * static_cast<std::size_t>(geometry.output_h) *
         static_cast<std::size_t>(geometry.output_w);
}

void run(const ConvParams& params, const std::byte* packed, const ConvBuffers& buffers, Range items,
         std::byte* scratch) {
  const auto* weights = reinterpret_cast<const int16_t*>(packed);
  const int32_t channels = params.geometry.output_channels;
  auto* sums = reinterpret_cast<int32_t*>(scratch);
  auto* differences = reinterpret_cast<int16_t*>(sums + channels);
  for (std::size_t item = items.begin; item < items.end; ++item) {
    accumulate(params, weights, buffers.input, item, differences, sums);
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
