// Tests what `octet run` prints of a classifier's scores, for every format of models.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <numeric>

#include "tests/loaders/sample_exports.h"
#include "tests/onnx/onnx_maker.h"
#include "tests/tflite/tflite_maker.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {

using Strings = std::vector<std::string>;

/// The values that `octet run --dump` wrote: float32, behind NumPy's header.
std::vector<float> dumped(const std::string& folder, const std::string& image,
                          const std::string& output) {
  const std::string file = contents_of(folder + "/" + image + "." + output + ".npy");
  const auto header = static_cast<std::size_t>(static_cast<uint8_t>(file[8])) +
                      256 * static_cast<std::size_t>(static_cast<uint8_t>(file[9]));
  std::vector<float> values((file.size() - 10 - header) / sizeof(float));
  std::memcpy(values.data(), file.data() + 10 + header, values.size() * sizeof(float));
  return values;
}

/// The probability of each class, computed from scores of the given type.
std::vector<double> expected(const std::string& type, const std::vector<float>& scores) {
  std::vector<double> out(scores.begin(), scores.end());
  if (type == "logits" || type == "log-probabilities") {
    for (double& s : out) s = std::exp(s);
  }
  if (type == "logits") {
    const double sum = std::accumulate(out.begin(), out.end(), 0.0);
    for (double& s : out) s /= sum;
  }
  return out;
}

/// Converts the file, and compares what is printed as JSON and as text with the model's values.
void check_scores(const std::string& in, const Strings& more, const std::string& type) {
  const Workplace& w = workplace();
  const TemporaryFolder folder;
  const std::string model = folder.path("m.octet");
  Strings convert = {"convert", in, "-o", model};
  convert.insert(convert.end(), more.begin(), more.end());
  const Outcome converted = octet_tool(convert);
  INFO(converted.err);
  REQUIRE(converted.code == 0);
  CHECK(octet_tool({"inspect", model, "--json"}).json()["score_type"] == type);
  CHECK(contains(octet_tool({"inspect", model}).out, "its scores are " + type));

  const std::string image = w.images[0];
  const Outcome answer =
      octet_tool({"run", model, image, "--json", "--top", "1000", "--dump", folder.path("d")});
  INFO(answer.err);
  REQUIRE(answer.code == 0);
  const auto json = answer.json();
  CHECK(json["score_type"] == type);
  const std::vector<float> raw = dumped(folder.path("d"), "one", json["outputs"][0]["name"]);
  const std::vector<double> probabilities = expected(type, raw);
  REQUIRE(json["top"].size() == raw.size());
  for (const auto& answered : json["top"]) {
    const std::size_t index = answered["index"];
    INFO(index);
    CHECK(answered["score"].get<double>() == Approx(probabilities[index]).epsilon(1e-5));
  }
  const std::string text = octet_tool({"run", model, image}).out;
  char best[16];
  std::snprintf(best, sizeof(best), "%6.2f %%", 100 * json["top"][0]["score"].get<double>());
  CHECK(contains(text, best));
  CHECK(contains(text, "each class by itself") == (type == "independent"));
}

struct Head {
  const char* type;
  Strings operators;
};

const std::vector<Head> export_heads = {{"logits", {}},
                                        {"probabilities", {"softmax"}},
                                        {"log-probabilities", {"softmax", "log"}},
                                        {"independent", {"sigmoid"}},
                                        {"independent", {"hard_sigmoid"}}};

std::string float_export_with(const Head& head) {
  SampleExport sample = sample_classifier();
  sample.graph["tensors"]["scores"] = {{"shape", {1, 5}}, {"scale", 0.02}, {"zero_point", 128}};
  std::string last = "scores";
  const auto add = [&](const std::string& op, const nlohmann::json& shape) {
    const std::string name = last + "." + op;
    nlohmann::json node = {{"name", name}, {"op", op}, {"inputs", {last}}, {"outputs", {name}}};
    if (op == "softmax") node["attributes"] = {{"axis", 1}};
    if (op == "reshape") node["attributes"] = {{"shape", shape}};
    sample.graph["nodes"].push_back(std::move(node));
    sample.graph["tensors"][name] = {{"shape", shape}};
    if (op == "log") {
      sample.graph["tensors"][name]["scale"] = 0.02;
      sample.graph["tensors"][name]["zero_point"] = 255;
    }
    last = name;
  };
  for (const std::string& op : head.operators) add(op, {1, 5});
  add("reshape", {1, 1, 5});
  sample.graph["outputs"] = {last};
  return sample.file();
}

std::string onnx_with(const Strings& operators) {
  OnnxMaker m;
  m.input("image", {1, 3, 8, 8})
      .floats("w", {4, 3}, {3, -2, 0, 1, 2, -1, -2, 1, 4, 0.5F, 0.5F, 0.5F})
      .integers("row", {1, 3})
      .integers("column", {1, 4, 1});
  m.node("GlobalAveragePool", {"image"}, {"pooled"}).node("Reshape", {"pooled", "row"}, {"mean"});
  m.node("Gemm", {"mean", "w"}, {"y"}, {{"transB", int64_t{1}}});
  std::string last = "y";
  for (const std::string& op : operators) {
    m.node(op, {last}, {last + op});
    last += op;
  }
  m.node("Reshape", {last, "column"}, {"scores"}).output("scores");
  return m.file();
}

/// A TFLite model: the mean of each colour, a linear layer with a score for each of 601 classes,
/// and a softmax in u8.
std::string many_classes(tflite::BuiltinOperator head) {
  using tflite::TensorType;
  constexpr int32_t classes = 601;
  TfliteMaker m;
  m.inputs = {m.activation("image", {1, 8, 8, 3}, TensorType::UINT8, 1.0F / 255, 0)};
  const int32_t mean = m.activation("mean", {1, 3}, TensorType::UINT8, 1.0F / 255, 0);
  const int32_t axes = m.integers("axes", {1, 2});
  std::vector<int32_t> weights(3 * classes, 128);
  weights[1] = 129;
  std::vector<int32_t> biases(classes, 0);
  biases[0] = 1800;  // in units of 1 / 255
  const int32_t w = m.bytes("w", {classes, 3}, TensorType::UINT8, weights, {{1.0F}, {128}, 0});
  const int32_t b = m.biases("b", biases);
  const int32_t logits = m.activation("logits", {1, classes}, TensorType::UINT8, 0.04F, 0);
  const int32_t end = m.activation("end", {1, classes}, TensorType::UINT8, 1.0F / 256, 0);
  const int32_t last = m.activation("last", {1, classes, 1}, TensorType::UINT8, 1.0F / 256, 0);
  m.outputs = {last};
  m.node(tflite::BuiltinOperator::MEAN, {0, axes}, {mean},
         options<tflite::ReducerOptions>(tflite::CreateReducerOptions, false));
  m.node(tflite::BuiltinOperator::FULLY_CONNECTED, {mean, w, b}, {logits},
         options<tflite::FullyConnectedOptions>(tflite::CreateFullyConnectedOptions,
                                                tflite::Activation::NONE,
                                                tflite::WeightsFormat::DEFAULT, false));
  if (head == tflite::BuiltinOperator::SOFTMAX) {
    m.node(head, {logits}, {end},
           options<tflite::SoftmaxOptions>(tflite::CreateSoftmaxOptions, 1.0F));
  } else {
    m.node(head, {logits}, {end});
  }
  m.node(tflite::BuiltinOperator::RESHAPE, {end, m.integers("shape", {1, classes, 1})}, {last});
  return m.file();
}

}  // namespace

TEST_CASE("run prints a float export's scores as what they are, in int8 and in float") {
  const TemporaryFolder folder;
  for (const Head& head : export_heads) {
    INFO(head.type << " " << head.operators.size());
    const std::string in = folder.write("in.safetensors", float_export_with(head));
    check_scores(in, {}, head.type);
    check_scores(in, {"--float"}, head.type);
  }
}

TEST_CASE("run prints an ONNX model's scores as what they are, in int8 and in float") {
  const TemporaryFolder folder;
  const std::vector<Head> heads = {{"logits", {}},
                                   {"probabilities", {"Softmax"}},
                                   {"log-probabilities", {"LogSoftmax"}},
                                   {"log-probabilities", {"Softmax", "Log"}},
                                   {"independent", {"Sigmoid"}},
                                   {"independent", {"HardSigmoid"}}};
  for (const Head& head : heads) {
    INFO(head.type << " " << head.operators.size());
    const std::string in = folder.write("in.onnx", onnx_with(head.operators));
    const Strings more = {"--task", "classify", "--preprocess", "zero-one"};
    Strings calibrated = more;
    calibrated.insert(calibrated.end(), {"--calibrate", workplace().path(".")});
    check_scores(in, calibrated, head.type);
    Strings in_float = more;
    in_float.emplace_back("--float");
    check_scores(in, in_float, head.type);
  }
}

TEST_CASE("run prints u8 probabilities of TFLite as they are, whatever their sum is") {
  const TemporaryFolder folder;
  for (const auto& [head, type] : {std::pair{tflite::BuiltinOperator::SOFTMAX, "probabilities"},
                                   std::pair{tflite::BuiltinOperator::LOGISTIC, "independent"}}) {
    const std::string in = folder.write("in.tflite", many_classes(head));
    check_scores(in, {"--task", "classify"}, type);
    check_scores(in, {"--task", "classify", "--float"}, type);
  }
  const std::string in = folder.write("in.tflite", many_classes(tflite::BuiltinOperator::SOFTMAX));
  const std::string model = folder.path("m.octet");
  REQUIRE(octet_tool({"convert", in, "-o", model, "--task", "classify"}).code == 0);
  const auto top =
      octet_tool({"run", model, workplace().images[0], "--json", "--top", "1000"}).json()["top"];
  double sum = 0;
  for (const auto& answer : top) sum += answer["score"].get<double>();
  CHECK(sum > 0.5);
  CHECK(sum < 0.9);  // the share of 600 classes was rounded off
}

}  // namespace octet::test
