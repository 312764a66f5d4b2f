// Convolutions, matrix products, pools.
#include "tests/tflite/evaluator_call.h"

namespace octet::test {
namespace {

// Returns where the first window begins. SAME puts the smaller half of the padding in front.
int32_t first_window(tflite::Padding padding, int32_t input, int32_t output, int32_t kernel,
                     int32_t stride, int32_t dilation = 1) {
  if (padding == tflite::Padding::VALID) return 0;
  const int32_t covered = (output - 1) * stride + (kernel - 1) * dilation + 1;
  return -std::max(covered - input, 0) / 2;
}

struct ConvPlan {
  tflite::Padding padding;
  int32_t stride_h, stride_w, dilation_h, dilation_w;
  tflite::Activation activation;
  bool depthwise;
};

Doubles conv(const Call& call, const ConvPlan& p) {
  const Extents& x = call.shape(0);
  const Extents& w = call.shape(1);
  const Extents& y = call.output_shape();
  const Doubles& input = call.operand(0);
  const Doubles& weights = call.operand(1);
  const Doubles bias = call.bias(2);
  const int32_t top = first_window(p.padding, x[1], y[1], w[1], p.stride_h, p.dilation_h);
  const int32_t left = first_window(p.padding, x[2], y[2], w[2], p.stride_w, p.dilation_w);
  const int32_t group_inputs = p.depthwise ? 1 : w[3];
  const int32_t group_outputs = y[3] / (x[3] / group_inputs);
  Doubles out;
  out.reserve(count(y));
  for (int32_t n = 0; n < y[0]; ++n)
    for (int32_t oh = 0; oh < y[1]; ++oh)
      for (int32_t ow = 0; ow < y[2]; ++ow)
        for (int32_t o = 0; o < y[3]; ++o) {
          double sum = bias.empty() ? 0 : bias[static_cast<std::size_t>(o)];
          const int32_t first_input = o / group_outputs * group_inputs;
          for (int32_t kh = 0; kh < w[1]; ++kh)
            for (int32_t kw = 0; kw < w[2]; ++kw) {
              const int32_t h = top + oh * p.stride_h + kh * p.dilation_h;
              const int32_t v = left + ow * p.stride_w + kw * p.dilation_w;
              if (h < 0 || h >= x[1] || v < 0 || v >= x[2]) continue;
              const double* from = &input[static_cast<std::size_t>(
                  ((n * x[1] + h) * x[2] + v) * x[3] + first_input)];
              const double* by = &weights[static_cast<std::size_t>(
                  p.depthwise ? (kh * w[2] + kw) * w[3] + o
                              : ((o * w[1] + kh) * w[2] + kw) * w[3])];
              for (int32_t i = 0; i < group_inputs; ++i) sum += from[i] * by[i];
            }
          out.push_back(activated(sum, p.activation));
        }
  return out;
}

}  // namespace

Doubles conv_2d(const Call& call) {
  const auto& o = call.options<tflite::Conv2DOptions>();
  return conv(call, {o.padding(), o.stride_h(), o.stride_w(), o.dilation_h(), o.dilation_w(),
                     o.fused_activation(), false});
}

Doubles depthwise_conv_2d(const Call& call) {
  const auto& o = call.options<tflite::DepthwiseConv2DOptions>();
  return conv(call, {o.padding(), o.stride_h(), o.stride_w(), o.dilation_h(), o.dilation_w(),
                     o.fused_activation(), true});
}

Doubles fully_connected(const Call& call) {
  const Extents& w = call.shape(1);
  const Doubles& x = call.operand(0);
  const Doubles& weights = call.operand(1);
  const Doubles bias = call.bias(2);
  const auto inputs = static_cast<std::size_t>(w[1]);
  const auto outputs = static_cast<std::size_t>(w[0]);
  Doubles out;
  for (std::size_t row = 0; row < x.size() / inputs; ++row)
    for (std::size_t o = 0; o < outputs; ++o) {
      double sum = bias.empty() ? 0 : bias[o];
      for (std::size_t i = 0; i < inputs; ++i) sum += x[row * inputs + i] * weights[o * inputs + i];
      out.push_back(
          activated(sum, call.options<tflite::FullyConnectedOptions>().fused_activation()));
    }
  return out;
}

// Spreads every input value over the outputs that its window reaches.
Doubles transpose_conv(const Call& call) {
  const auto& o = call.options<tflite::TransposeConvOptions>();
  const Extents& x = call.shape(2);
  const Extents& w = call.shape(1);
  const Extents& y = call.output_shape();
  const Doubles& input = call.operand(2);
  const Doubles& weights = call.operand(1);
  const Doubles bias = call.bias(3);
  const int32_t top = first_window(o.padding(), y[1], x[1], w[1], o.stride_h());
  const int32_t left = first_window(o.padding(), y[2], x[2], w[2], o.stride_w());
  Doubles out(count(y), 0.0);
  for (int32_t n = 0; n < x[0]; ++n)
    for (int32_t ih = 0; ih < x[1]; ++ih)
      for (int32_t iw = 0; iw < x[2]; ++iw)
        for (int32_t kh = 0; kh < w[1]; ++kh)
          for (int32_t kw = 0; kw < w[2]; ++kw) {
            const int32_t h = top + ih * o.stride_h() + kh;
            const int32_t v = left + iw * o.stride_w() + kw;
            if (h < 0 || h >= y[1] || v < 0 || v >= y[2]) continue;
            for (int32_t c = 0; c < y[3]; ++c)
              for (int32_t i = 0; i < x[3]; ++i)
                out[static_cast<std::size_t>(((n * y[1] + h) * y[2] + v) * y[3] + c)] +=
                    input[static_cast<std::size_t>(((n * x[1] + ih) * x[2] + iw) * x[3] + i)] *
                    weights[static_cast<std::size_t>(((c * w[1] + kh) * w[2] + kw) * w[3] + i)];
          }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t c = i % static_cast<std::size_t>(y[3]);
    out[i] = activated(out[i] + (bias.empty() ? 0 : bias[c]), o.fused_activation());
  }
  return out;
}

Doubles pool(const Call& call, bool is_max) {
  const auto& o = call.options<tflite::Pool2DOptions>();
  const Extents& x = call.shape(0);
  const Extents& y = call.output_shape();
  const Doubles& input = call.operand(0);
  const int32_t top = first_window(o.padding(), x[1], y[1], o.filter_h(), o.stride_h());
  const int32_t left = first_window(o.padding(), x[2], y[2], o.filter_w(), o.stride_w());
  Doubles out;
  for (int32_t n = 0; n < y[0]; ++n)
    for (int32_t oh = 0; oh < y[1]; ++oh)
      for (int32_t ow = 0; ow < y[2]; ++ow)
        for (int32_t c = 0; c < y[3]; ++c) {
          double largest = -1e300, sum = 0;
          int32_t taken = 0;
          for (int32_t kh = 0; kh < o.filter_h(); ++kh)
            for (int32_t kw = 0; kw < o.filter_w(); ++kw) {
              const int32_t h = top + oh * o.stride_h() + kh;
              const int32_t v = left + ow * o.stride_w() + kw;
              if (h < 0 || h >= x[1] || v < 0 || v >= x[2]) continue;
              const double value =
                  input[static_cast<std::size_t>(((n * x[1] + h) * x[2] + v) * x[3] + c)];
              largest = std::max(largest, value);
              sum += value;
              ++taken;
            }
          out.push_back(activated(is_max ? largest : sum / taken, o.fused_activation()));
        }
  return out;
}

}  // namespace octet::test
