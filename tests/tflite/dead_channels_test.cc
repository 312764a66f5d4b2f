// int8 files as converters write them: biases that need all 32 bits, channels and tensors that
// training left dead, bytes without a scale.
#include <catch2/catch.hpp>
#include <limits>

#include "loaders/loader.h"
#include "tests/tflite/run_tflite.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {

using tflite::Activation;
using tflite::BuiltinOperator;
using tflite::Padding;
using tflite::TensorType;

constexpr int32_t most = std::numeric_limits<int32_t>::max();

struct DeadLayer {
  std::vector<int32_t> weights = {1, -2, 3, 4, -5, 6};  ///< [3, 1, 1, 2]
  std::vector<float> scale = {0.01f, 0.02f, 0.03f};
  std::vector<int32_t> bias = {5, -6, 7};
  float output_scale = 0.05f;
};

TfliteMaker convolution(const DeadLayer& layer) {
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 4, 4, 2}, TensorType::INT8, 0.02f, -3)};
  const int32_t w = m.bytes("w", {3, 1, 1, 2}, TensorType::INT8, layer.weights,
                            {layer.scale, std::vector<int64_t>(layer.scale.size(), 0), 0});
  const int32_t b = m.biases("b", layer.bias);
  m.outputs = {m.activation("y", {1, 4, 4, 3}, TensorType::INT8, layer.output_scale, 4)};
  return m.node(BuiltinOperator::CONV_2D, {0, w, b}, m.outputs,
                options<tflite::Conv2DOptions>(tflite::CreateConv2DOptions, Padding::SAME, 1, 1,
                                               Activation::NONE, 1, 1));
}

const graph::Tensor& bias_of(const Graph& graph) {
  for (const graph::Node& node : graph.nodes) {
    if (node.op == Op::conv2d) return graph.tensor(node.inputs[2]);
  }
  FAIL("no convolution");
  return graph.tensors[0];
}

std::string error_of(const TfliteMaker& maker) {
  const TemporaryFolder folder;
  const auto graph = loaders::load(folder.write("model.tflite", maker.file()), {});
  return graph ? "" : graph.error().message;
}

void check_both(const TfliteMaker& maker) {
  check_int8(maker);
  const Model in_float = build(load_tflite_graph(maker.file()), {.float_only = true});
  const auto elements = static_cast<std::size_t>(element_count(in_float.inputs()[0].shape));
  const auto outputs = run(in_float, {Values(elements, 0.1f)});
  for (const float v : outputs[0]) CHECK(std::isfinite(v));
}

}  // namespace

TEST_CASE("TFLite: a bias of 32 bits reaches the model as the number that it is") {
  for (const int32_t q : {16777217, -123456789, most - 2 * 255 * 255, 2000000001}) {
    const Graph graph = load_tflite_graph(convolution({.bias = {5, q, 7}}).file());
    REQUIRE(bias_of(graph).bias_s32);
    CHECK(bias_of(graph).bias_s32->values == std::vector<int32_t>{5, q, 7});
    check_int8(convolution({.scale = {0.01f, 1e-7f, 0.03f}, .bias = {5, q, 7}}));
  }
}

TEST_CASE("TFLite: a bias that fills 32 bits in a channel without weights") {
  for (const int32_t q : {most, -most, -most - 1}) {
    check_both(convolution(
        {.weights = {1, -2, 0, 0, -5, 6}, .scale = {0.01f, 1e-8f, 0.03f}, .bias = {5, q, 7}}));
  }
}

TEST_CASE("TFLite: a layer whose sums could leave 32 bits runs in float, and says so") {
  const TfliteMaker m = convolution({.scale = {0.01f, 1e-8f, 0.03f}, .bias = {5, most, 7}});
  check_int8(m, false);
  const Graph graph = load_tflite_graph(m.file());
  CHECK(contains(graph.nodes[0].reason, "2147483647 of channel 1, could leave 32 bits"));
}

TEST_CASE("TFLite: scales of dead channels") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float dead : {0.0f, 1.4e-45f, 1e-42f, 1e-37f}) {
    for (const int32_t q : {0, most, -most - 1}) {
      INFO(dead << ", bias " << q);
      check_both(convolution({.scale = {0.01f, dead, 0.03f}, .bias = {5, q, 7}}));
    }
  }
  check_both(convolution({.scale = {0.0f}, .bias = {0, 0, 0}}));
  const TfliteMaker infinite = convolution(
      {.weights = {1, -2, 0, 0, -5, 6}, .scale = {0.01f, infinity, 0.03f}, .bias = {5, 0, 7}});
  CHECK(error_of(infinite).empty());
  CHECK(contains(error_of(convolution({.scale = {0.01f, infinity, 0.03f}})),
                 "'w' has a scale of inf"));
  CHECK(contains(error_of(convolution({.scale = {0.01f, -1, 0.03f}})), "'w' has a scale of -1"));
}

TEST_CASE("TFLite: a tensor whose scale is no normal number holds zeros") {
  TfliteMaker m = convolution({.output_scale = 4.6e-41f});
  const int32_t z = m.activation("z", {1, 4, 4, 3}, TensorType::INT8, 0.05f, 7);
  m.node(BuiltinOperator::RELU, {m.outputs[0]}, {z});
  m.outputs = {z};
  for (const bool in_float : {false, true}) {
    const Model model = build(load_tflite_graph(m.file()), {.float_only = in_float});
    const auto outputs = run(model, {Values(32, 1.0f)});
    for (const float v : outputs[0]) CHECK(v == Approx(0).margin(1e-30));
  }
  CHECK(load_tflite_graph(m.file()).remarks.size() == 1);
}

TEST_CASE("TFLite: bytes without a scale are numbers to a CAST, and to what moves them there") {
  for (const TensorType type : {TensorType::UINT8, TensorType::INT8}) {
    TfliteMaker m;
    m.inputs = {m.tensor({.name = "x", .shape = {1, 2, 2, 3}, .type = type})};
    const int32_t moved = m.tensor({.name = "moved", .shape = {1, 12}, .type = type});
    const int32_t cast = m.activation("cast", {1, 12});
    m.outputs = {m.activation("y", {1, 12}, TensorType::INT8, 0.5f, -128)};
    m.node(BuiltinOperator::RESHAPE, {0, m.integers("to", {1, 12})}, {moved});
    m.node(BuiltinOperator::CAST, {moved}, {cast});
    m.node(BuiltinOperator::QUANTIZE, {cast}, m.outputs);
    const Values numbers = {0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 127};
    for (const bool in_float : {false, true}) {
      const Model model = build(load_tflite_graph(m.file()), {.float_only = in_float});
      CHECK(run(model, {numbers})[0] == numbers);
    }
  }
}

TEST_CASE("TFLite: what computes with bytes without a scale is refused by name") {
  for (const auto code : {BuiltinOperator::RELU, BuiltinOperator::LOGISTIC,
                          BuiltinOperator::QUANTIZE, BuiltinOperator::DEQUANTIZE}) {
    TfliteMaker m;
    m.inputs = {m.tensor({.name = "x", .shape = {1, 3}, .type = TensorType::UINT8})};
    m.outputs = {m.activation("y", {1, 3}, TensorType::UINT8, 0.1f, 0)};
    CHECK(contains(error_of(m.node(code, {0}, m.outputs)), "'x' is UINT8 without a scale"));
  }
  TfliteMaker m;
  m.inputs = {m.tensor({.name = "x", .shape = {1, 3}, .type = TensorType::UINT8})};
  m.outputs = {m.activation("y", {3}, TensorType::UINT8, 0.1f, 0)};
  m.node(BuiltinOperator::RESHAPE, {0, m.integers("to", {3})}, m.outputs);
  CHECK(contains(error_of(m), "'y', bytes with a scale, of 'x', bytes without one"));
}

TEST_CASE("TFLite: a CAST of bytes with a scale gives the numbers of the bytes") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 2, 2, 3}, TensorType::INT8, 0.25f, 10)};
  const int32_t cast = m.activation("cast", {1, 2, 2, 3});
  m.outputs = {m.activation("y", {1, 2, 2, 3}, TensorType::UINT8, 1, 128)};
  m.node(BuiltinOperator::CAST, {0}, {cast}).node(BuiltinOperator::QUANTIZE, {cast}, m.outputs);
  check_int8(m, false);
}

TEST_CASE("TFLite: an extent of 0 and types that octet does not know by use") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 0, 3})};
  m.outputs = {m.activation("y", {1, 0, 3})};
  m.node(BuiltinOperator::RELU, {0}, m.outputs);
  CHECK(contains(error_of(m), "'x' is [1, 0, 3]: an extent of 0 holds nothing"));
  CHECK(loaders::tflite::type_name(static_cast<TensorType>(20)) == "UINT4");
  CHECK(loaders::tflite::type_name(static_cast<TensorType>(22)) == "FLOAT8_E5M2");
}

}  // namespace octet::test
