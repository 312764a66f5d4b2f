// Random quantized ONNX graphs, with the expected value of each of their tensors. They have movers,
// pools, concats, splits, sums, pads and layers between QuantizeLinear and DequantizeLinear. Each
// result has its own scale, zero point and type.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/onnx/onnx_maker.h"
#include "tests/onnx/real_tensor.h"

namespace octet::test {

/// Returns a number below `count`, from a generator of random numbers or from a fuzzer's bytes.
using Choose = std::function<uint32_t(uint32_t count)>;

/// real = scale * (byte - zero_point). Bytes go from `low` to `low` + 255.
struct ByteScale {
  float scale = 1;
  int64_t zero_point = 0;
  bool is_signed = false;

  int64_t low() const { return is_signed ? -128 : 0; }
  double least() const { return double{scale} * static_cast<double>(low() - zero_point); }
  double most() const { return double{scale} * static_cast<double>(low() + 255 - zero_point); }
  double rounded(double real) const;
};

/// A dequantized value of the graph, and how it is computed from earlier ones.
struct QdqStep {
  std::string operators;  ///< For messages, such as "MaxPool Pad".
  /// Names of values: the model's input, or outputs of earlier steps.
  std::vector<std::string> inputs;
  std::string output;
  ByteScale scale;
  bool is_probability = false;  ///< 1 may be one level beyond the bytes.
  /// Computes the value in double, before it is rounded.
  std::function<RealTensor(const std::vector<RealTensor>&)> evaluate;
};

struct QdqGraph {
  OnnxMaker file;              ///< The file without outputs.
  std::string input;           ///< The only input: floats or bytes.
  Dims input_dims;             ///< [N, C, H, W]
  std::vector<double> values;  ///< The reals of the input.
  std::vector<QdqStep> steps;
  std::vector<std::string> ends;  ///< Outputs of steps that no other step reads.

  std::string description() const;
};

QdqGraph draw_qdq_graph(const Choose& choose);

/// Returns how octet's values differ from the expected ones; "" if they do not. `got` has the
/// output of every step. Each step is evaluated on octet's own values. The result may differ by one
/// level of its scale or, in float, where nothing is rounded, by rounding errors.
std::string differences(const QdqGraph& graph, const std::map<std::string, RealTensor>& got,
                        bool in_float);

}  // namespace octet::test
