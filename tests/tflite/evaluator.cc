#include "tests/tflite/evaluator.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <stdexcept>

#include "loaders/half.h"

namespace octet::test {

namespace tflite = loaders::tflite::format;
using loaders::tflite::ModelFile;
using loaders::tflite::OperatorRecord;
using loaders::tflite::TensorRecord;
using Code = tflite::BuiltinOperator;
using Doubles = std::vector<double>;
using Extents = std::vector<int32_t>;

namespace {

std::size_t count(const Extents& shape) {
  std::size_t n = 1;
  for (const int32_t extent : shape) n *= static_cast<std::size_t>(extent);
  return n;
}

// One operator with its operands at hand.
struct Call {
  const ModelFile& file;
  const OperatorRecord& record;
  RealValues& values;

  const TensorRecord& tensor(int32_t index) const {
    return file.tensors[static_cast<std::size_t>(index)];
  }
  bool has(std::size_t i) const { return i < record.inputs.size() && record.inputs[i] >= 0; }
  const Extents& shape(std::size_t i) const { return tensor(record.inputs[i]).shape; }
  const Extents& output_shape() const { return tensor(record.outputs[0]).shape; }
  const Doubles& operand(std::size_t i) const {
    const int32_t index = record.inputs[i];
    if (!values.contains(index)) values[index] = real_constant(tensor(index));
    return values[index];
  }
  std::vector<int64_t> integers(std::size_t i) const {
    std::vector<int64_t> out;
    for (const double v : operand(i)) out.push_back(std::llround(v));
    return out;
  }
  template <class Options>
  const Options& options() const {
    return *record.options->builtin_options_as<Options>();
  }
  /// s32 as a bias: its own scale is not read.
  Doubles bias(std::size_t i) const {
    if (!has(i)) return {};
    const TensorRecord& b = tensor(record.inputs[i]);
    Doubles out = operand(i);
    if (b.type != tflite::TensorType::INT32) return out;
    const std::size_t x = i == 3 ? 2 : 0;  // TRANSPOSE_CONV has its input third
    const float input = tensor(record.inputs[x]).scale[0];
    const auto& w = tensor(record.inputs[1]).scale;
    for (std::size_t c = 0; c < out.size(); ++c) {
      int32_t q = 0;
      std::memcpy(&q, &(*b.data)[c * 4], 4);
      out[c] = q * (double{input} * double{w[w.size() == 1 ? 0 : c]});
    }
    return out;
  }
};

double activated(double value, tflite::Activation activation) {
  switch (activation) {
    case tflite::Activation::RELU:
      return std::max(value, 0.0);
    case tflite::Activation::RELU6:
      return std::clamp(value, 0.0, 6.0);
    case tflite::Activation::RELU_N1_TO_1:
      return std::clamp(value, -1.0, 1.0);
    default:
      return value;
  }
}

// Where the first window begins: SAME puts the smaller half of the padding in front.
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

// Every input value is spread over the outputs that its window reaches.
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

// Calls visit(position) for all positions of a shape, in order.
void for_each_position(const Extents& shape, const std::function<void(const Extents&)>& visit) {
  Extents at(shape.size(), 0);
  for (std::size_t i = 0; i < count(shape); ++i) {
    visit(at);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++at[axis] < shape[axis]) break;
      at[axis] = 0;
    }
  }
}

// The element of a tensor that broadcasts to a larger one.
double broadcast_at(const Doubles& values, const Extents& shape, const Extents& at) {
  std::size_t index = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const int32_t position = at[at.size() - shape.size() + i];
    index = index * static_cast<std::size_t>(shape[i]) +
            static_cast<std::size_t>(shape[i] == 1 ? 0 : position);
  }
  return values[index];
}

Doubles binary(const Call& call, tflite::Activation activation,
               const std::function<double(double, double)>& f) {
  Doubles out;
  const Doubles& a = call.operand(0);
  const Doubles& b = call.operand(1);
  for_each_position(call.output_shape(), [&](const Extents& at) {
    out.push_back(activated(
        f(broadcast_at(a, call.shape(0), at), broadcast_at(b, call.shape(1), at)), activation));
  });
  return out;
}

Doubles unary(const Call& call, const std::function<double(double)>& f) {
  Doubles out;
  for (const double v : call.operand(0)) out.push_back(f(v));
  return out;
}

Doubles mean(const Call& call, bool is_sum) {
  const Extents& x = call.shape(0);
  std::vector<bool> reduced(x.size(), false);
  for (const int64_t axis : call.integers(1))
    reduced[static_cast<std::size_t>(axis < 0 ? axis + static_cast<int64_t>(x.size()) : axis)] =
        true;
  Extents kept = x;
  for (std::size_t i = 0; i < x.size(); ++i) kept[i] = reduced[i] ? 1 : x[i];
  Doubles out(count(kept), 0.0);
  const Doubles& input = call.operand(0);
  std::size_t from = 0;
  for_each_position(x, [&](const Extents& at) {
    std::size_t to = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      to =
          to * static_cast<std::size_t>(kept[i]) + static_cast<std::size_t>(reduced[i] ? 0 : at[i]);
    out[to] += input[from++];
  });
  const double n = static_cast<double>(input.size()) / static_cast<double>(out.size());
  if (!is_sum)
    for (double& v : out) v /= n;
  return out;
}

// Over height and width.
Doubles reduce_max(const Call& call) {
  const Extents& x = call.shape(0);
  const auto channels = static_cast<std::size_t>(x[3]);
  const auto image = static_cast<std::size_t>(x[1] * x[2]) * channels;
  Doubles out(static_cast<std::size_t>(x[0]) * channels, -1e300);
  for (std::size_t i = 0; i < call.operand(0).size(); ++i) {
    double& largest = out[i / image * channels + i % channels];
    largest = std::max(largest, call.operand(0)[i]);
  }
  return out;
}

Doubles softmax(const Call& call, bool logarithm) {
  const auto length = static_cast<std::size_t>(call.shape(0).back());
  Doubles out = call.operand(0);
  for (std::size_t row = 0; row < out.size(); row += length) {
    const double largest = *std::max_element(&out[row], &out[row] + length);
    double sum = 0;
    for (std::size_t i = 0; i < length; ++i) sum += std::exp(out[row + i] - largest);
    for (std::size_t i = 0; i < length; ++i) {
      const double log_share = out[row + i] - largest - std::log(sum);
      out[row + i] = logarithm ? log_share : std::exp(log_share);
    }
  }
  return out;
}

Doubles concatenation(const Call& call) {
  const auto& o = call.options<tflite::ConcatenationOptions>();
  const Extents& y = call.output_shape();
  const auto axis =
      static_cast<std::size_t>(o.axis() < 0 ? o.axis() + static_cast<int32_t>(y.size()) : o.axis());
  Doubles out;
  for_each_position(y, [&](Extents at) {
    std::size_t part = 0;
    while (at[axis] >= call.shape(part)[axis]) at[axis] -= call.shape(part++)[axis];
    out.push_back(
        activated(broadcast_at(call.operand(part), call.shape(part), at), o.fused_activation()));
  });
  return out;
}

Doubles pad(const Call& call) {
  const Extents& x = call.shape(0);
  const std::vector<int64_t> pads = call.integers(1);
  const double value = call.has(2) ? call.operand(2)[0] : 0;
  Doubles out;
  for_each_position(call.output_shape(), [&](Extents at) {
    bool inside = true;
    for (std::size_t i = 0; i < x.size(); ++i) {
      at[i] -= static_cast<int32_t>(pads[2 * i]);
      inside = inside && at[i] >= 0 && at[i] < x[i];
    }
    out.push_back(inside ? broadcast_at(call.operand(0), x, at) : value);
  });
  return out;
}

Doubles transpose(const Call& call) {
  const std::vector<int64_t> order = call.integers(1);
  Doubles out;
  for_each_position(call.output_shape(), [&](const Extents& at) {
    Extents from(at.size());
    for (std::size_t i = 0; i < at.size(); ++i) from[static_cast<std::size_t>(order[i])] = at[i];
    out.push_back(broadcast_at(call.operand(0), call.shape(0), from));
  });
  return out;
}

Doubles depth_to_space(const Call& call) {
  const int32_t b = call.options<tflite::DepthToSpaceOptions>().block_size();
  Doubles out;
  const int32_t channels = call.output_shape()[3];
  for_each_position(call.output_shape(), [&](const Extents& at) {
    const int32_t block = at[1] % b * b + at[2] % b;
    out.push_back(broadcast_at(call.operand(0), call.shape(0),
                               {at[0], at[1] / b, at[2] / b, block * channels + at[3]}));
  });
  return out;
}

Doubles space_to_depth(const Call& call) {
  const int32_t b = call.options<tflite::SpaceToDepthOptions>().block_size();
  Doubles out;
  const int32_t channels = call.shape(0)[3];
  for_each_position(call.output_shape(), [&](const Extents& at) {
    const int32_t block = at[3] / channels;
    out.push_back(
        broadcast_at(call.operand(0), call.shape(0),
                     {at[0], at[1] * b + block / b, at[2] * b + block % b, at[3] % channels}));
  });
  return out;
}

struct ResizeRule {
  bool bilinear, corners, half_pixel;
};

Doubles resize(const Call& call, const ResizeRule& rule) {
  const Extents& x = call.shape(0);
  const Extents& y = call.output_shape();
  const auto position = [&](int32_t at, int32_t in, int32_t out) {
    const double scale = rule.corners && out > 1 ? (in - 1.0) / (out - 1.0) : double(in) / out;
    const double offset = rule.half_pixel ? 0.5 : 0;
    const double p = (at + offset) * scale;
    if (rule.bilinear) return std::clamp(p - offset, 0.0, in - 1.0);
    return std::clamp(rule.corners ? std::round(p) : std::floor(p), 0.0, in - 1.0);
  };
  Doubles out;
  for_each_position(y, [&](const Extents& at) {
    const double h = position(at[1], x[1], y[1]);
    const double w = position(at[2], x[2], y[2]);
    double sum = 0;
    for (const int32_t below : {0, 1})
      for (const int32_t right : {0, 1}) {
        const auto row = static_cast<int32_t>(h);
        const auto column = static_cast<int32_t>(w);
        const double share =
            (below ? h - row : 1 - (h - row)) * (right ? w - column : 1 - (w - column));
        if (share == 0) continue;
        sum +=
            share * broadcast_at(call.operand(0), x, {at[0], row + below, column + right, at[3]});
      }
    out.push_back(sum);
  });
  return out;
}

Doubles argmax(const Call& call) {
  const Extents& x = call.shape(0);
  const auto axis = static_cast<std::size_t>(
      (call.integers(1)[0] + static_cast<int64_t>(x.size())) % static_cast<int64_t>(x.size()));
  Doubles out;
  for_each_position(call.output_shape(), [&](Extents at) {
    at.insert(at.begin() + static_cast<std::ptrdiff_t>(axis), 0);
    int32_t best = 0;
    double largest = -1e300;
    for (int32_t i = 0; i < x[axis]; ++i) {
      at[axis] = i;
      const double value = broadcast_at(call.operand(0), x, at);
      if (value > largest) largest = value, best = i;
    }
    out.push_back(best);
  });
  return out;
}

double hard_swish(double x) { return x * std::clamp(x + 3, 0.0, 6.0) / 6; }

Doubles result(const Call& call) {
  switch (call.record.code) {
    case Code::CONV_2D:
      return conv_2d(call);
    case Code::DEPTHWISE_CONV_2D:
      return depthwise_conv_2d(call);
    case Code::FULLY_CONNECTED:
      return fully_connected(call);
    case Code::TRANSPOSE_CONV:
      return transpose_conv(call);
    case Code::MAX_POOL_2D:
      return pool(call, true);
    case Code::AVERAGE_POOL_2D:
      return pool(call, false);
    case Code::ADD:
      return binary(call, call.options<tflite::AddOptions>().fused_activation(), std::plus<>());
    case Code::SUB:
      return binary(call, call.options<tflite::SubOptions>().fused_activation(), std::minus<>());
    case Code::MUL:
      return binary(call, call.options<tflite::MulOptions>().fused_activation(),
                    std::multiplies<>());
    case Code::DIV:
      return binary(call, call.options<tflite::DivOptions>().fused_activation(), std::divides<>());
    case Code::MAXIMUM:
      return binary(call, tflite::Activation::NONE,
                    [](double a, double b) { return std::max(a, b); });
    case Code::MINIMUM:
      return binary(call, tflite::Activation::NONE,
                    [](double a, double b) { return std::min(a, b); });
    case Code::PRELU:
      return binary(call, tflite::Activation::NONE,
                    [](double x, double slope) { return x > 0 ? x : slope * x; });
    case Code::LEAKY_RELU: {
      const double alpha = call.options<tflite::LeakyReluOptions>().alpha();
      return unary(call, [=](double x) { return x > 0 ? x : alpha * x; });
    }
    case Code::LOGISTIC:
      return unary(call, [](double x) { return 1 / (1 + std::exp(-x)); });
    case Code::TANH:
      return unary(call, [](double x) { return std::tanh(x); });
    case Code::HARD_SWISH:
      return unary(call, hard_swish);
    case Code::GELU:
      return unary(call, [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); });
    case Code::EXP:
      return unary(call, [](double x) { return std::exp(x); });
    case Code::LOG:
      return unary(call, [](double x) { return std::log(x); });
    case Code::SQRT:
      return unary(call, [](double x) { return std::sqrt(x); });
    case Code::ABS:
      return unary(call, [](double x) { return std::abs(x); });
    case Code::NEG:
      return unary(call, [](double x) { return -x; });
    case Code::ELU:
      return unary(call, [](double x) { return x > 0 ? x : std::expm1(x); });
    case Code::RELU:
      return unary(call, [](double x) { return activated(x, tflite::Activation::RELU); });
    case Code::RELU6:
      return unary(call, [](double x) { return activated(x, tflite::Activation::RELU6); });
    case Code::RELU_N1_TO_1:
      return unary(call, [](double x) { return activated(x, tflite::Activation::RELU_N1_TO_1); });
    case Code::RELU_0_TO_1:
      return unary(call, [](double x) { return std::clamp(x, 0.0, 1.0); });
    case Code::MEAN:
      return mean(call, false);
    case Code::SUM:
      return mean(call, true);
    case Code::REDUCE_MAX:
      return reduce_max(call);
    case Code::SOFTMAX:
      return softmax(call, false);
    case Code::LOG_SOFTMAX:
      return softmax(call, true);
    case Code::ARG_MAX:
      return argmax(call);
    case Code::CONCATENATION:
      return concatenation(call);
    case Code::PAD:
    case Code::PADV2:
      return pad(call);
    case Code::TRANSPOSE:
      return transpose(call);
    case Code::DEPTH_TO_SPACE:
      return depth_to_space(call);
    case Code::SPACE_TO_DEPTH:
      return space_to_depth(call);
    case Code::RESIZE_BILINEAR: {
      const auto& o = call.options<tflite::ResizeBilinearOptions>();
      return resize(call, {true, o.align_corners(), o.half_pixel_centers()});
    }
    case Code::RESIZE_NEAREST_NEIGHBOR: {
      const auto& o = call.options<tflite::ResizeNearestNeighborOptions>();
      return resize(call, {false, o.align_corners(), o.half_pixel_centers()});
    }
    case Code::RESHAPE:
    case Code::SQUEEZE:
    case Code::EXPAND_DIMS:
    case Code::QUANTIZE:
    case Code::DEQUANTIZE:
      return call.operand(0);
    default:
      throw std::runtime_error("no evaluation of " + call.record.op);
  }
}

template <class T>
T element(const TensorRecord& tensor, std::size_t index) {
  T value;
  std::memcpy(&value, &(*tensor.data)[index * sizeof(T)], sizeof(T));
  return value;
}

double stored_value(const TensorRecord& tensor, std::size_t i) {
  switch (tensor.type) {
    case tflite::TensorType::FLOAT32:
      return element<float>(tensor, i);
    case tflite::TensorType::FLOAT16:
      return loaders::half_to_float(element<uint16_t>(tensor, i));
    case tflite::TensorType::INT32:
      return element<int32_t>(tensor, i);
    case tflite::TensorType::INT64:
      return static_cast<double>(element<int64_t>(tensor, i));
    case tflite::TensorType::UINT8:
      return element<uint8_t>(tensor, i);
    default:
      return element<int8_t>(tensor, i);
  }
}

}  // namespace

std::vector<double> real_constant(const TensorRecord& tensor) {
  std::size_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(tensor.axis) + 1; i < tensor.shape.size(); ++i)
    inner *= static_cast<std::size_t>(tensor.shape[i]);
  const bool bytes =
      tensor.type == tflite::TensorType::UINT8 || tensor.type == tflite::TensorType::INT8;
  Doubles out;
  for (std::size_t i = 0; i < count(tensor.shape); ++i) {
    double value = stored_value(tensor, i);
    if (bytes && !tensor.scale.empty()) {
      const std::size_t s = tensor.scale.size() == 1 ? 0 : i / inner % tensor.scale.size();
      value = double{tensor.scale[s]} * (value - static_cast<double>(tensor.zero_point[s]));
    }
    out.push_back(value);
  }
  return out;
}

std::vector<double> rounded(const TensorRecord& tensor, std::vector<double> values) {
  const bool is_signed = tensor.type == tflite::TensorType::INT8;
  if (!is_signed && tensor.type != tflite::TensorType::UINT8) return values;
  const double scale = double{tensor.scale[0]};
  const auto zero_point = static_cast<double>(tensor.zero_point[0]);
  const double low = is_signed ? -128 : 0;
  for (double& v : values)
    v = scale * (std::clamp(std::round(v / scale) + zero_point, low, low + 255) - zero_point);
  return values;
}

void evaluate(const ModelFile& file, std::size_t index, RealValues& values) {
  const OperatorRecord& record = file.operators[index];
  const Call call{file, record, values};
  const int32_t output = record.outputs[0];
  values[output] = rounded(call.tensor(output), result(call));
}

}  // namespace octet::test
