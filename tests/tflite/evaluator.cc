#include "tests/tflite/evaluator.h"

#include <stdexcept>

#include "loaders/float16.h"
#include "tests/tflite/evaluator_call.h"

namespace octet::test {

using Code = tflite::BuiltinOperator;

namespace {

double hard_swish(double x) { return x * std::clamp(x + 3, 0.0, 6.0) / 6; }

Doubles result(const Call& call) {
  const bool on_whole = !call.record.inputs.empty() && is_whole(call.tensor(call.record.inputs[0]));
  switch (call.record.code) {
    case Code::FLOOR_DIV:
    case Code::FLOOR_MOD:
      return whole_binary(call);
    case Code::GATHER:
      return gather(call);
    case Code::GATHER_ND:
      return gather_nd(call);
    case Code::PACK:
      return pack(call);
    case Code::UNPACK:
      return unpack(call);
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
      if (on_whole) return whole_binary(call);
      return binary(call, call.options<tflite::AddOptions>().fused_activation(), std::plus<>());
    case Code::SUB:
      if (on_whole) return whole_binary(call);
      return binary(call, call.options<tflite::SubOptions>().fused_activation(), std::minus<>());
    case Code::MUL:
      if (on_whole) return whole_binary(call);
      return binary(call, call.options<tflite::MulOptions>().fused_activation(),
                    std::multiplies<>());
    case Code::DIV:
      if (on_whole) return whole_binary(call);
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
      if (const auto* gelu = call.record.options->builtin_options_as<tflite::GeluOptions>();
          gelu != nullptr && gelu->approximate()) {
        return unary(call, [](double x) {
          return 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
        });
      }
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
    case Code::SLICE:
      return slice(call);
    case Code::STRIDED_SLICE:
      return strided_slice(call);
    case Code::CAST:
      return cast(call);
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
      return loaders::float16_to_float(element<uint16_t>(tensor, i));
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
      const double levels = value - static_cast<double>(tensor.zero_point[s]);
      // The scale of a dead channel may be infinite.
      value = levels == 0 ? 0 : double{tensor.scale[s]} * levels;
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

Doubles exact_result(const ModelFile& file, std::size_t index, RealValues& values,
                     std::size_t output) {
  return result(Call{file, file.operators[index], values, output});
}

void evaluate(const ModelFile& file, std::size_t index, RealValues& values) {
  const std::vector<int32_t>& outputs = file.operators[index].outputs;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    values[outputs[k]] = rounded(file.tensors[static_cast<std::size_t>(outputs[k])],
                                 exact_result(file, index, values, k));
  }
}

}  // namespace octet::test
