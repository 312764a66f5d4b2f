// One operator with its operands, and the operators as functions of it. evaluator.cc chooses
// between them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "tests/tflite/evaluator.h"

namespace octet::test {

namespace tflite = loaders::tflite::format;
using loaders::tflite::ModelFile;
using loaders::tflite::OperatorRecord;
using loaders::tflite::TensorRecord;
using Doubles = std::vector<double>;
using Extents = std::vector<int32_t>;

inline std::size_t count(const Extents& shape) {
  std::size_t n = 1;
  for (const int32_t extent : shape) n *= static_cast<std::size_t>(extent);
  return n;
}

struct Call {
  const ModelFile& file;
  const OperatorRecord& record;
  RealValues& values;
  std::size_t output = 0;  ///< Which of its results is computed.

  const TensorRecord& tensor(int32_t index) const {
    return file.tensors[static_cast<std::size_t>(index)];
  }
  bool has(std::size_t i) const { return i < record.inputs.size() && record.inputs[i] >= 0; }
  const Extents& shape(std::size_t i) const { return tensor(record.inputs[i]).shape; }
  const TensorRecord& result() const { return tensor(record.outputs[output]); }
  const Extents& output_shape() const { return result().shape; }
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
  /// A bias. For s32, the scale of the products is used instead of its own.
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
      out[c] = q == 0 ? 0 : q * (double{input} * double{w[w.size() == 1 ? 0 : c]});
    }
    return out;
  }
};

inline double activated(double value, tflite::Activation activation) {
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

/// Calls visit(position) for all positions of a shape, in order.
void for_each_position(const Extents& shape, const std::function<void(const Extents&)>& visit);

/// Returns the element of a tensor that is broadcast to position `at` of a larger one.
double broadcast_at(const Doubles& values, const Extents& shape, const Extents& at);

// evaluator_layers.cc
Doubles conv_2d(const Call& call);
Doubles depthwise_conv_2d(const Call& call);
Doubles fully_connected(const Call& call);
Doubles transpose_conv(const Call& call);
Doubles pool(const Call& call, bool is_max);

// evaluator_elements.cc
Doubles binary(const Call& call, tflite::Activation activation,
               const std::function<double(double, double)>& f);
Doubles unary(const Call& call, const std::function<double(double)>& f);
Doubles mean(const Call& call, bool is_sum);
Doubles reduce_max(const Call& call);
Doubles softmax(const Call& call, bool logarithm);
Doubles argmax(const Call& call);

// evaluator_whole_numbers.cc
bool is_whole(const TensorRecord& tensor);
Doubles whole_binary(const Call& call);  ///< INT32 wraps around; a division by 0 throws.
Doubles cast(const Call& call);
Doubles gather(const Call& call);
Doubles gather_nd(const Call& call);

// evaluator_movement.cc
struct ResizeRule {
  bool bilinear, corners, half_pixel;
};
Doubles concatenation(const Call& call);
Doubles pack(const Call& call);
Doubles unpack(const Call& call);
Doubles pad(const Call& call);
Doubles slice(const Call& call);
Doubles strided_slice(const Call& call);  ///< Forwards only, with begins and ends only.
Doubles transpose(const Call& call);
Doubles depth_to_space(const Call& call);
Doubles space_to_depth(const Call& call);
Doubles resize(const Call& call, const ResizeRule& rule);

}  // namespace octet::test
