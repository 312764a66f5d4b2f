// Random quantized ONNX graphs, with what each of their values is to be: movers, pools, concats,
// splits, sums, pads and layers between QuantizeLinear and DequantizeLinear, each result with a
// scale, a zero point and a type of its own.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/onnx/onnx_maker.h"
#include "tests/onnx/real_tensor.h"

namespace octet::test {

/// A number below `count`: from a generator of random numbers, or from a fuzzer's bytes.
using Choose = std::function<uint32_t(uint32_t count)>;

/// real = scale * (byte - zero_point); bytes from `low` to `low` + 255.
struct ByteScale {
  float scale = 1;
  int64_t zero_point = 0;
  bool is_signed = false;

  int64_t low() const { return is_signed ? -128 : 0; }
  double least() const { return double{scale} * static_cast<double>(low() - zero_point); }
  double most() const { return double{scale} * static_cast<double>(low() + 255 - zero_point); }
  double rounded(double real) const;
};

/// A dequantized value of the graph, and what it is computed from since the last ones.
struct QdqStep {
  std::string operators;            ///< For messages: "MaxPool Pad".
  std::vector<std::string> inputs;  ///< Values: the model's input, or earlier outputs of steps.
  std::string output;
  ByteScale scale;
  bool is_probability = false;  ///< 1 may be a step beyond the bytes.
  /// In double, before it is rounded.
  std::function<RealTensor(const std::vector<RealTensor>&)> evaluate;
};

struct QdqGraph {
  OnnxMaker file;              ///< Without outputs.
  std::string input;           ///< One float input, or one of bytes.
  Dims input_dims;             ///< [N, C, H, W]
  std::vector<double> values;  ///< Of the input, in reals.
  std::vector<QdqStep> steps;
  std::vector<std::string> ends;  ///< Outputs of steps that no other step reads.

  std::string description() const;
};

QdqGraph draw_qdq_graph(const Choose& choose);

/// How octet's values differ from what they are to be: "" where none does. `got` has the output of
/// every step. Each step is fed with octet's own values, and may be off by one step of its scale;
/// in float, where nothing is rounded, by rounding errors.
std::string differences(const QdqGraph& graph, const std::map<std::string, RealTensor>& got,
                        bool in_float);

}  // namespace octet::test
