#include "tests/tflite/fixed_point.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <stdexcept>

namespace octet::test {

namespace tflite = loaders::tflite::format;
using loaders::tflite::ModelFile;
using loaders::tflite::OperatorRecord;
using loaders::tflite::TensorRecord;
using Bytes = std::vector<int8_t>;

namespace {

// real = multiplier / 2^31 * 2^shift
class FixedMultiplier {
 public:
  FixedMultiplier(double real, FixedPointRounding rounding) : rounding_(rounding) {
    int64_t q = std::llround(std::frexp(real, &shift_) * 0x1p31);
    if (q == int64_t{1} << 31) {
      q /= 2;
      ++shift_;
    }
    multiplier_ = q;
  }

  int32_t operator()(int64_t x) const {
    if (rounding_ == FixedPointRounding::once) {
      const int total = 31 - shift_;
      return static_cast<int32_t>((x * multiplier_ + (int64_t{1} << (total - 1))) >> total);
    }
    // Takes the high half of the doubled product, rounded to the nearest; then shifts, rounding
    // half away from zero.
    const int64_t product = (shift_ > 0 ? x * (1 << shift_) : x) * multiplier_;
    const int64_t nudge = product >= 0 ? int64_t{1} << 30 : 1 - (int64_t{1} << 30);
    const auto high = static_cast<int32_t>((product + nudge) / (int64_t{1} << 31));
    const int right = std::max(-shift_, 0);
    const auto mask = static_cast<int32_t>((int64_t{1} << right) - 1);
    const int32_t rest = high & mask;
    return (high >> right) + (rest > (mask >> 1) + (high < 0 ? 1 : 0) ? 1 : 0);
  }

 private:
  FixedPointRounding rounding_;
  int64_t multiplier_ = 0;
  int shift_ = 0;
};

struct Call {
  const ModelFile& file;
  const OperatorRecord& record;
  const std::map<int32_t, Bytes>& values;
  FixedPointRounding rounding;

  const TensorRecord& input(std::size_t i) const {
    return file.tensors[static_cast<std::size_t>(record.inputs[i])];
  }
  const TensorRecord& output() const {
    return file.tensors[static_cast<std::size_t>(record.outputs[0])];
  }
  const Bytes& operand(std::size_t i) const { return values.at(record.inputs[i]); }
};

int32_t zero_point(const TensorRecord& tensor) {
  return static_cast<int32_t>(tensor.zero_point[0]);
}

struct Layer {
  int32_t stride = 1;
  tflite::Padding padding = tflite::Padding::SAME;
  tflite::Activation activation = tflite::Activation::NONE;
  bool depthwise = false;
};

Layer layer_of(const OperatorRecord& record) {
  if (const auto* o = record.options->builtin_options_as<tflite::Conv2DOptions>())
    return {o->stride_h(), o->padding(), o->fused_activation(), false};
  const auto* o = record.options->builtin_options_as<tflite::DepthwiseConv2DOptions>();
  return {o->stride_h(), o->padding(), o->fused_activation(), true};
}

int32_t padding_before(const Layer& layer, int32_t input, int32_t output, int32_t kernel) {
  if (layer.padding == tflite::Padding::VALID) return 0;
  return std::max((output - 1) * layer.stride + kernel - input, 0) / 2;
}

// Adds one tap of the window to the sums of all output channels.
void add_tap(const Layer& layer, const int8_t* x, int32_t x_zero, const int8_t* weights,
             std::size_t tap, std::size_t taps, std::size_t channels, std::vector<int32_t>& sums) {
  if (layer.depthwise) {
    for (std::size_t o = 0; o < sums.size(); ++o)
      sums[o] += (x[o] - x_zero) * weights[tap * sums.size() + o];
    return;
  }
  for (std::size_t o = 0; o < sums.size(); ++o) {
    const int8_t* w = weights + (o * taps + tap) * channels;
    int32_t sum = 0;
    for (std::size_t i = 0; i < channels; ++i) sum += (x[i] - x_zero) * w[i];
    sums[o] += sum;
  }
}

Bytes conv(const Call& call) {
  const Layer layer = layer_of(call.record);
  const TensorRecord& x = call.input(0);
  const TensorRecord& w = call.input(1);
  const TensorRecord& y = call.output();
  const auto channels = static_cast<std::size_t>(x.shape[3]);
  std::vector<int32_t> bias(static_cast<std::size_t>(y.shape[3]));
  std::memcpy(bias.data(), call.input(2).data->data(), bias.size() * sizeof(int32_t));
  std::vector<FixedMultiplier> multipliers;
  for (std::size_t o = 0; o < bias.size(); ++o) {
    const double scale = double{x.scale[0]} * double{w.scale[w.scale.size() == 1 ? 0 : o]};
    multipliers.emplace_back(scale / double{y.scale[0]}, call.rounding);
  }
  const bool relu6 = layer.activation == tflite::Activation::RELU6;
  const int32_t low = relu6 ? std::max(-128, zero_point(y)) : -128;
  const int32_t high =
      relu6 ? std::min(127, zero_point(y) + static_cast<int32_t>(std::round(6 / y.scale[0]))) : 127;

  const int32_t kernel_h = w.shape[1];
  const int32_t kernel_w = w.shape[2];
  const int32_t top = padding_before(layer, x.shape[1], y.shape[1], kernel_h);
  const int32_t left = padding_before(layer, x.shape[2], y.shape[2], kernel_w);
  const auto* weights = reinterpret_cast<const int8_t*>(w.data->data());
  Bytes out;
  for (int32_t oh = 0; oh < y.shape[1]; ++oh) {
    for (int32_t ow = 0; ow < y.shape[2]; ++ow) {
      std::vector<int32_t> sums = bias;
      for (int32_t tap = 0; tap < kernel_h * kernel_w; ++tap) {
        const int32_t h = oh * layer.stride - top + tap / kernel_w;
        const int32_t v = ow * layer.stride - left + tap % kernel_w;
        if (h < 0 || h >= x.shape[1] || v < 0 || v >= x.shape[2]) continue;
        const auto pixel = static_cast<std::size_t>(h * x.shape[2] + v);
        add_tap(layer, &call.operand(0)[pixel * channels], zero_point(x), weights,
                static_cast<std::size_t>(tap), static_cast<std::size_t>(kernel_h * kernel_w),
                channels, sums);
      }
      for (std::size_t o = 0; o < sums.size(); ++o) {
        const int32_t q = multipliers[o](sums[o]) + zero_point(y);
        out.push_back(static_cast<int8_t>(std::clamp(q, low, high)));
      }
    }
  }
  return out;
}

Bytes add(const Call& call) {
  const TensorRecord& a = call.input(0);
  const TensorRecord& b = call.input(1);
  const TensorRecord& y = call.output();
  // Both operands are converted to twice the larger scale, with 20 more bits below.
  const double twice = 2 * std::max(double{a.scale[0]}, double{b.scale[0]});
  const FixedMultiplier of_a(a.scale[0] / twice, call.rounding);
  const FixedMultiplier of_b(b.scale[0] / twice, call.rounding);
  const FixedMultiplier of_sum(twice / (0x1p20 * double{y.scale[0]}), call.rounding);
  Bytes out;
  for (std::size_t i = 0; i < call.operand(0).size(); ++i) {
    const int32_t sum = of_a((call.operand(0)[i] - zero_point(a)) * (1 << 20)) +
                        of_b((call.operand(1)[i] - zero_point(b)) * (1 << 20));
    out.push_back(static_cast<int8_t>(std::clamp(of_sum(sum) + zero_point(y), -128, 127)));
  }
  return out;
}

Bytes mean(const Call& call) {
  const TensorRecord& x = call.input(0);
  const TensorRecord& y = call.output();
  const auto channels = static_cast<std::size_t>(x.shape[3]);
  const int32_t count = x.shape[1] * x.shape[2];
  const FixedMultiplier multiplier(double{x.scale[0]} / double{y.scale[0]}, call.rounding);
  Bytes out;
  for (std::size_t c = 0; c < channels; ++c) {
    int32_t sum = -count * zero_point(x);
    for (std::size_t at = c; at < call.operand(0).size(); at += channels)
      sum += call.operand(0)[at];
    const int32_t scaled = multiplier(sum);
    const int32_t rounded = (scaled > 0 ? scaled + count / 2 : scaled - count / 2) / count;
    out.push_back(static_cast<int8_t>(std::clamp(rounded + zero_point(y), -128, 127)));
  }
  return out;
}

Bytes softmax(const Call& call) {
  const double scale = double{call.input(0).scale[0]};
  const Bytes& x = call.operand(0);
  const int32_t largest = *std::ranges::max_element(x);
  double sum = 0;
  for (const int8_t q : x) sum += std::exp(scale * (q - largest));
  Bytes out;
  for (const int8_t q : x) {
    const auto score =
        static_cast<int32_t>(std::lround(256 * std::exp(scale * (q - largest)) / sum));
    out.push_back(static_cast<int8_t>(std::min(score, 255) - 128));
  }
  return out;
}

Bytes result(const Call& call) {
  switch (call.record.code) {
    case tflite::BuiltinOperator::CONV_2D:
    case tflite::BuiltinOperator::DEPTHWISE_CONV_2D:
      return conv(call);
    case tflite::BuiltinOperator::ADD:
      return add(call);
    case tflite::BuiltinOperator::MEAN:
      return mean(call);
    case tflite::BuiltinOperator::SOFTMAX:
      return softmax(call);
    case tflite::BuiltinOperator::RESHAPE:
    // From u8 to s8 with the same reals. The bytes here are s8 already.
    case tflite::BuiltinOperator::QUANTIZE:
      return call.operand(0);
    default:
      throw std::runtime_error("no fixed-point form of " + call.record.op);
  }
}

}  // namespace

std::vector<uint8_t> run_fixed_point(const ModelFile& file, std::span<const uint8_t> image,
                                     FixedPointRounding rounding) {
  std::map<int32_t, Bytes> values;
  for (const uint8_t pixel : image)
    values[file.inputs[0]].push_back(static_cast<int8_t>(pixel - 128));
  for (const OperatorRecord& record : file.operators)
    values[record.outputs[0]] = result({file, record, values, rounding});
  std::vector<uint8_t> scores;
  for (const int8_t q : values.at(file.outputs[0])) scores.push_back(static_cast<uint8_t>(q + 128));
  return scores;
}

}  // namespace octet::test
