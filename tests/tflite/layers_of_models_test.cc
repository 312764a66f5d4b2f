// Real models of bytes, layer by layer: each operator is computed in double from the very bytes
// that octet's operator read.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "tests/kernels/random.h"
#include "tests/loaders/float_export_maker.h"
#include "tests/shared_data.h"
#include "tests/tflite/run_tflite.h"

namespace octet::test {
namespace {

using loaders::tflite::ModelFile;
using loaders::tflite::OperatorRecord;
using loaders::tflite::TensorRecord;

bool is_whole_number(const TensorRecord& tensor) {
  return tensor.type == tflite::TensorType::INT32 || tensor.type == tflite::TensorType::INT64;
}

// octet's model of the file, with every tensor as an output.
Model with_all_tensors(Graph graph, const graph::BuildOptions& options = {}) {
  for (std::size_t i = 0; i < graph.tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    const bool computed = !graph.tensor(id).is_constant() && !graph.is_input(id);
    if (computed && graph.producer_of(id) >= 0 && !graph.is_output(id)) graph.outputs.push_back(id);
  }
  return build(std::move(graph), options);
}

void take_outputs(const ModelFile& file, const Model& model, const std::vector<Values>& outputs,
                  RealValues& values) {
  std::map<std::string, std::size_t> by_name;
  for (std::size_t o = 0; o < outputs.size(); ++o) by_name.emplace(model.outputs()[o].name, o);
  for (std::size_t t = 0; t < file.tensors.size(); ++t) {
    const auto found = by_name.find(file.tensors[t].name);
    if (found == by_name.end()) continue;
    const Values& output = outputs[found->second];
    values[static_cast<int32_t>(t)].assign(output.begin(), output.end());
  }
}

// Clips floats to the range of the tensor's bytes, as octet does.
void clip_to_bytes(const TensorRecord& tensor, std::vector<double>& values) {
  if (tensor.scale.empty() || is_whole_number(tensor)) return;
  const double low = tensor.type == tflite::TensorType::INT8 ? -128 : 0;
  const double zero_point = static_cast<double>(tensor.zero_point[0]);
  for (double& v : values) {
    v = std::clamp(v, double{tensor.scale[0]} * (low - zero_point),
                   double{tensor.scale[0]} * (low + 255 - zero_point));
  }
}

// A smooth picture with noise on it, so that all layers have something to do.
std::vector<double> picture(const TensorRecord& input, uint32_t seed) {
  Random random(seed);
  std::vector<double> values;
  const int32_t width = input.shape[2] * input.shape[3];
  for (int32_t i = 0; i < input.shape[1] * width; ++i) {
    const double wave = 128 + 90 * std::sin(i % width * 0.02 + seed) * std::cos(i / width * 0.05);
    const double q = std::clamp(std::round(wave + random.real(-30, 30)), 0.0, 255.0);
    const double byte = input.type == tflite::TensorType::INT8 ? q - 128 : q;
    if (input.scale.empty()) {  // the values are plain numbers
      values.push_back(byte);
      continue;
    }
    values.push_back(double{input.scale[0]} * (byte - static_cast<double>(input.zero_point[0])));
  }
  return values;
}

// The scale of a byte tensor. For floats that a QUANTIZE reads, its scale, to which they are
// rounded on the way. 0 for other floats and for whole numbers.
double scale_of(const ModelFile& file, int32_t tensor) {
  const TensorRecord& t = file.tensors[static_cast<std::size_t>(tensor)];
  if (is_whole_number(t)) return 0;
  if (!t.scale.empty()) return double{t.scale[0]};
  for (const OperatorRecord& op : file.operators) {
    if (op.op == "QUANTIZE" && op.inputs[0] == tensor)
      return double{file.tensors[static_cast<std::size_t>(op.outputs[0])].scale[0]};
  }
  return 0;
}

// Finds the operators that lead to an output. octet's model has only these.
std::vector<bool> needed(const ModelFile& file) {
  std::vector<bool> is_needed(file.operators.size(), false);
  std::set<int32_t> wanted(file.outputs.begin(), file.outputs.end());
  for (std::size_t i = file.operators.size(); i-- > 0;) {
    const OperatorRecord& op = file.operators[i];
    is_needed[i] = std::ranges::any_of(op.outputs, [&](int32_t t) { return wanted.contains(t); });
    if (is_needed[i]) wanted.insert(op.inputs.begin(), op.inputs.end());
  }
  return is_needed;
}

void check_every_layer(const std::string& path, int pictures) {
  const std::string bytes = contents_of(path);
  const ModelFile file = loaders::tflite::read_model(std::as_bytes(std::span(bytes)));
  const Model model = with_all_tensors(load_tflite_graph(bytes));
  const std::vector<bool> is_needed = needed(file);
  int64_t compared = 0;
  int64_t apart = 0;
  for (int p = 0; p < pictures; ++p) {
    RealValues ours;
    const int32_t input = file.inputs[0];
    ours[input] = picture(file.tensors[static_cast<std::size_t>(input)], static_cast<uint32_t>(p));
    const auto outputs = run(model, {Values(ours[input].begin(), ours[input].end())});
    take_outputs(file, model, outputs, ours);
    for (std::size_t i = 0; i < file.operators.size(); ++i) {
      if (!is_needed[i]) continue;
      const OperatorRecord& op = file.operators[i];
      // octet may give the operand another name instead of running the operator.
      const bool passes =
          op.op == "QUANTIZE" || op.op == "DEQUANTIZE" || op.op == "RESHAPE" || op.op == "CAST";
      if (passes && !ours.contains(op.outputs[0])) ours[op.outputs[0]] = ours.at(op.inputs[0]);
      std::map<int32_t, std::vector<double>> got;
      for (const int32_t result : op.outputs) {
        REQUIRE(ours.contains(result));
        got[result] = ours.at(result);
      }
      evaluate(file, i, ours);
      for (const int32_t result : op.outputs) {
        const TensorRecord& tensor = file.tensors[static_cast<std::size_t>(result)];
        INFO("operator " << i << " " << op.op << " '" << tensor.name << "'");
        const double scale = scale_of(file, result);
        const std::vector<double>& expected = ours.at(result);
        REQUIRE(got[result].size() == expected.size());
        double largest = 0;
        for (std::size_t k = 0; k < expected.size(); ++k) {
          const double difference = std::abs(got[result][k] - expected[k]);
          const double levels = scale > 0
                                    ? std::round(difference / scale)
                                    : difference / (1e-6 * std::max(1.0, std::abs(expected[k])));
          largest = std::max(largest, levels);
          apart += scale > 0 && levels > 0 ? 1 : 0;
        }
        CHECK(largest <= 1);
        compared += static_cast<int64_t>(expected.size());
        ours[result] = got[result];  // the next layer reads octet's value
      }
    }
  }
  WARN(path.substr(path.rfind('/') + 1) << ": " << apart << " of " << compared
                                        << " bytes are one step from the evaluation in double");
}

// Checks the model in float, from bytes on: each operator is computed in double from the very
// floats that octet's operator read.
void check_every_layer_in_float(const std::string& path) {
  const std::string bytes = contents_of(path);
  const ModelFile file = loaders::tflite::read_model(std::as_bytes(std::span(bytes)));
  const Model model = with_all_tensors(load_tflite_graph(bytes), {.float_only = true});
  const std::vector<bool> is_needed = needed(file);
  RealValues ours;
  const int32_t input = file.inputs[0];
  ours[input] = picture(file.tensors[static_cast<std::size_t>(input)], 1);
  take_outputs(file, model, run(model, {Values(ours[input].begin(), ours[input].end())}), ours);
  int64_t compared = 0;
  for (std::size_t i = 0; i < file.operators.size(); ++i) {
    const OperatorRecord& op = file.operators[i];
    for (std::size_t k = 0; k < op.outputs.size() && is_needed[i]; ++k) {
      const int32_t result = op.outputs[k];
      const TensorRecord& tensor = file.tensors[static_cast<std::size_t>(result)];
      INFO("operator " << i << " " << op.op << " '" << tensor.name << "'");
      std::vector<double> expected = exact_result(file, i, ours, k);
      clip_to_bytes(tensor, expected);
      if (!ours.contains(result)) {  // the operand under another name, or a step on the way to one
        ours[result] = expected;
        continue;
      }
      const std::vector<double>& got = ours.at(result);
      REQUIRE(got.size() == expected.size());
      double widest = 1e-6;
      double largest = 0;
      for (std::size_t n = 0; n < got.size(); ++n) {
        widest = std::max(widest, std::abs(expected[n]));
        largest = std::max(largest, std::abs(got[n] - expected[n]));
      }
      CHECK(largest <= (is_whole_number(tensor) ? 0 : 3e-5 * widest));
      compared += static_cast<int64_t>(got.size());
    }
  }
  CHECK(compared > 0);
}

}  // namespace

TEST_CASE("the u8 models give at every layer what double precision gives, to one level") {
  const std::string small = shared_data("tflite/mobilenet_v1_0.25_128_quant.tflite");
  if (!small.empty()) check_every_layer(small, 3);
  const std::string large = shared_data("tflite/mobilenet_v2_1.0_224_quant.tflite");
  if (!large.empty()) check_every_layer(large, 1);
}

TEST_CASE("models with dead channels give at every layer what double precision gives") {
  for (const char* name : {"zoo/mnv3_post_quant_aware.tflite", "zoo/portrait_video_quant.tflite"}) {
    const std::string path = shared_data(name);
    if (!path.empty()) check_every_layer(path, 1);
  }
}

TEST_CASE("a pose network's indices, and what they gather, are what double precision gives") {
  const std::string path = shared_data("zoo/movenet_single_pose_lightning_ptq.tflite");
  if (path.empty()) return;
  check_every_layer(path, 2);
  check_every_layer_in_float(path);
}

}  // namespace octet::test
