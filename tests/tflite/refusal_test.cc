// TFLite files that the loader refuses: the message names the file, the node or tensor, and the
// remedy.
#include <catch2/catch.hpp>
#include <fstream>
#include <regex>

#include "loaders/loader.h"
#include "loaders/tflite/operators.h"
#include "tests/loaders/check_refusal.h"
#include "tests/tflite/tflite_maker.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {

using tflite::Activation;
using tflite::BuiltinOperator;
using tflite::Padding;
using tflite::TensorType;

Expected<graph::Graph> load_file(const std::string& file,
                                 const loaders::LoadOptions& options = {}) {
  const TemporaryFolder folder;
  return loaders::load(folder.write("model.tflite", file), options);
}

void check_refused(const std::string& file, const std::vector<std::string>& parts,
                   const loaders::LoadOptions& options = {}) {
  check_refusal(load_file(file, options), "model.tflite", parts);
}

void check_loads(const std::string& file, const loaders::LoadOptions& options = {}) {
  const auto graph = load_file(file, options);
  INFO((graph ? "" : graph.error().message));
  CHECK(graph);
}

// A RELU of one input.
TfliteMaker relu(const TfliteMaker::Tensor& input) {
  TfliteMaker m;
  m.inputs = {m.tensor(input)};
  m.outputs = {m.activation("y", input.shape)};
  return m.node(BuiltinOperator::RELU, {0}, m.outputs);
}

// A CONV_2D of one input, with constants.
TfliteMaker conv(const TfliteMaker::Tensor& weights, const TfliteOptions& options,
                 const TfliteMaker::Tensor& input = {.name = "x", .shape = {1, 3, 3, 1}}) {
  TfliteMaker m;
  m.inputs = {m.tensor(input)};
  const int32_t w = m.tensor(weights);
  m.outputs = {m.activation("y", {1, 3, 3, 1})};
  return m.node(BuiltinOperator::CONV_2D, {0, w}, m.outputs, options);
}

TfliteOptions conv_options(int32_t stride = 1, Activation activation = Activation::NONE) {
  return options<tflite::Conv2DOptions>(tflite::CreateConv2DOptions, Padding::SAME, stride, stride,
                                        activation, 1, 1);
}

const std::string one_float(4, '\0');

}  // namespace

TEST_CASE("TFLite: docs/formats.md has every operator that octet reads") {
  std::ifstream file(std::string(OCTET_SOURCE_DIR) + "/docs/formats.md");
  REQUIRE(file.good());
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::size_t read = 0;
  for (const BuiltinOperator code : loaders::tflite::format::EnumValuesBuiltinOperator()) {
    if (loaders::tflite::find_operator(code) == nullptr) continue;
    const std::string name = loaders::tflite::format::EnumNameBuiltinOperator(code);
    INFO(name);
    CHECK(std::regex_search(text, std::regex("\\b" + name + "\\b")));
    ++read;
  }
  CHECK(read >= 60);
}

TEST_CASE("TFLite: all operators that octet lacks are listed at once, with their names") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 3})};
  const int32_t a = m.activation("a;joined", {1, 3});
  const int32_t b = m.activation("b", {1, 3});
  const int32_t c = m.activation("boxes", {1, 3});
  m.outputs = {m.activation("y", {1, 3})};
  m.node(BuiltinOperator::SIN, {0}, {a}).node(BuiltinOperator::RELU, {a}, {b});
  m.custom("TFLite_Detection_PostProcess", {0}, {c});
  m.node(BuiltinOperator::UNSORTED_SEGMENT_SUM, {b, c}, m.outputs);
  check_refused(
      m.file(),
      {"lacks 3 operators", "node 'a' (operator 0): SIN",
       "node 'boxes' (operator 2): custom operator TFLite_Detection_PostProcess",
       "node 'y' (operator 3): UNSORTED_SEGMENT_SUM", "docs/formats.md", "outputs before them"});
}

TEST_CASE("TFLite: operator numbers of old files, and operators that nobody needs") {
  TfliteMaker m = relu({.name = "x", .shape = {1, 3}});
  const int32_t unused = m.activation("unused", {1, 3});
  m.node(BuiltinOperator::SIN, {0}, {unused});
  m.old_codes = true;
  check_loads(m.file());
}

TEST_CASE("TFLite: an input that no output depends on is left out, with a remark") {
  TfliteMaker m = relu({.name = "x", .shape = {1, 3}});
  const int32_t unused = m.activation("unused", {1, 3});
  m.inputs.push_back(m.tensor({.name = "spare", .shape = {1, 3}, .type = TensorType::INT32}));
  m.node(BuiltinOperator::SIN, {m.inputs.back()}, {unused});
  const auto graph = load_file(m.file());
  REQUIRE(graph);
  CHECK(graph->inputs.size() == 1);
  REQUIRE(graph->remarks.size() == 1);
  CHECK(contains(graph->remarks[0], "'spare'"));
}

TEST_CASE("TFLite: forms of operators that octet lacks") {
  const TfliteMaker::Tensor w = {.name = "w", .shape = {1, 1, 1, 1}, .data = one_float};
  check_refused(conv(w, conv_options(1, Activation::TANH)).file(),
                {"'y' (operator 0): CONV_2D with the fused activation TANH"});
  check_refused(conv({.name = "w", .shape = {1, 1, 1, 1}}, conv_options()).file(),
                {"CONV_2D with its weights computed ('w')"});
  TfliteMaker::Tensor four = w;
  four.type = TensorType::INT4;
  check_refused(conv(four, conv_options()).file(), {"'w' of INT4"});
  TfliteMaker::Tensor sparse = w;
  sparse.sparse = true;
  check_refused(conv(sparse, conv_options()).file(), {"sparse weights 'w'", "dense"});
  check_refused(
      conv(w, conv_options(),
           {.name = "x", .shape = {1, 3, 3, 1}, .type = TensorType::INT16, .scale = {{0.1f}, {0}}})
          .file(),
      {"'x'", "INT16"});
}

TEST_CASE("TFLite: STRIDED_SLICE whose ends are offsets") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {4, 3})};
  m.outputs = {m.activation("y", {2, 3})};
  m.node(
      BuiltinOperator::STRIDED_SLICE,
      {0, m.integers("begin", {1, 0}), m.integers("end", {2, 3}), m.integers("steps", {1, 1})},
      m.outputs,
      options<tflite::StridedSliceOptions>(tflite::CreateStridedSliceOptions, 0, 0, 0, 0, 0, true));
  check_refused(m.file(), {"'y' (operator 0): STRIDED_SLICE with ends that are offsets"});
}

TEST_CASE("TFLite: operators that are wrong") {
  const TfliteMaker::Tensor w = {.name = "w", .shape = {1, 1, 1, 1}, .data = one_float};
  check_refused(conv(w, {}).file(), {"node 'y' (CONV_2D, operator 0): has no options"});
  check_refused(conv(w, conv_options(0)).file(), {"stride", "out of range"});
  check_refused(
      conv({.name = "w", .shape = {1, 1, 1, 2}, .data = one_float + one_float}, conv_options())
          .file(),
      {"(CONV_2D, operator 0)", "groups"});
  check_refused(
      conv({.name = "w", .shape = {1, 2, 1, 1}, .data = one_float}, conv_options()).file(),
      {"'w' has 4 bytes", "[1, 2, 1, 1] needs 8"});
  TfliteMaker shape = relu({.name = "x", .shape = {1, 3}});
  shape.clear_nodes();
  shape.node(BuiltinOperator::RESHAPE, {0, shape.integers("to", {3})}, shape.outputs);
  check_refused(shape.file(), {"gives [3], but the file says that 'y' is [1, 3]"});
}

TEST_CASE("TFLite: options that contradict the operator's tensors") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {3})};
  m.outputs = {m.activation("y", {2, 3})};
  m.node(BuiltinOperator::PACK, {0, 0}, m.outputs,
         options<tflite::PackOptions>(tflite::CreatePackOptions, 3, 0));
  check_refused(m.file(), {"(PACK, operator 0): says that it has 3 parts, and has 2"});
}

TEST_CASE("TFLite: scales that are none") {
  const auto with = [](const TfliteScale& scale) {
    return relu({.name = "x", .shape = {1, 3}, .type = TensorType::INT8, .scale = scale}).file();
  };
  check_refused(with({}), {"'x' is INT8 without a scale", "full integer quantization"});
  check_refused(with({{0.0f}, {0}}), {"'x' has a scale of 0, which is no positive number"});
  check_refused(with({{-1.0f}, {0}}), {"a scale of -1, which is no positive number"});
  check_refused(with({{1e-40f}, {0}}), {"e-41, which is too small for float32"});
  check_refused(with({{1e38f}, {0}}), {"'x' has a scale of 1e+38, which is too large"});
  check_refused(with({{0.1f}, {200}}), {"'x' has a zero point out of range"});
  check_refused(with({{0.1f, 0.2f, 0.3f}, {0, 0, 0}, 1}), {"'x'", "a scale a channel"});
  check_refused(with({{0.1f}, {0, 0}}), {"another number of zero points"});
  TfliteMaker::Tensor w = {.name = "w",
                           .shape = {1, 1, 1, 1},
                           .type = TensorType::INT8,
                           .scale = {{0.1f, 0.2f}, {0, 0}, 0},
                           .data = "1"};
  check_refused(conv(w, conv_options()).file(),
                {"'w' [1, 1, 1, 1] has 2 scales along axis 0, whose extent is 1"});
}

TEST_CASE("TFLite: a dynamic batch is 1, other open extents come from --shape") {
  const auto open = [](std::vector<int32_t> signature) {
    return relu({.name = "x", .shape = {1, 1, 1, 3}, .signature = std::move(signature)}).file();
  };
  check_loads(open({-1, 1, 1, 3}));
  check_refused(open({-1, -1, -1, 3}), {"'x' is [?, ?, ?, 3]", "--shape x=1,224,224,3"});
  check_loads(open({-1, -1, -1, 3}), {.shapes = {{"x", {1, 5, 6, 3}}}});
  check_refused(open({-1, -1, -1, 3}), {"[1, 5, 6, 4]", "does not fit"},
                {.shapes = {{"", {1, 5, 6, 4}}}});
  check_refused(open({-1, 1, 1, 3}), {"--shape names 'z'"}, {.shapes = {{"z", {1, 1}}}});
}

TEST_CASE("TFLite: inputs and outputs that are none") {
  check_refused(relu({.name = "x", .shape = {1, 3}, .type = TensorType::INT32}).file(),
                {"the input 'x' has the type INT32", "FLOAT32, UINT8 and INT8"});
  TfliteMaker nobody = relu({.name = "x", .shape = {1, 3}});
  nobody.outputs.push_back(nobody.activation("z", {1}));
  check_refused(nobody.file(), {"no operator writes the output 'z'"});
  TfliteMaker constant = relu({.name = "x", .shape = {1, 3}});
  constant.outputs.push_back(constant.floats("c", {1}, {1}));
  check_refused(constant.file(), {"the output 'c' is a constant"});
}

TEST_CASE("TFLite: files of another schema, and files that end too early") {
  TfliteMaker m = relu({.name = "x", .shape = {1, 3}});
  const std::string whole = m.file();
  check_refused(whole.substr(0, whole.size() / 2), {"damaged", "fetch or convert it again"});
  m.version = 2;
  check_refused(m.file(), {"version 2", "version 3"});
  TfliteMaker indices = relu({.name = "x", .shape = {1, 3}});
  indices.outputs = {99};
  check_refused(indices.file(), {"names a tensor 99"});
}

TEST_CASE("TFLite: an input of unsigned bytes takes pixels as they are") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 2, 3, 3}, TensorType::UINT8, 1.0f / 128, 127)};
  m.outputs = {m.activation("y", {1, 2, 3, 3}, TensorType::UINT8, 1.0f / 128, 127)};
  m.node(BuiltinOperator::RELU, {0}, m.outputs);
  const auto graph = load_file(m.file());
  REQUIRE(graph);
  REQUIRE(graph->preprocess);
  CHECK(graph->preprocess->height == 2);
  CHECK(graph->preprocess->width == 3);
  CHECK(graph->preprocess->mean == std::vector<float>(3, 127.0f));
  CHECK(graph->preprocess->std == std::vector<float>(3, 128.0f));
  CHECK(graph->preprocess_is_usual);
  const auto in_float = load_file(relu({.name = "x", .shape = {1, 2, 3, 3}}).file());
  REQUIRE(in_float);
  CHECK_FALSE(in_float->preprocess);
}

TEST_CASE("TFLite: weights that are integers without a scale are refused, in every layer") {
  const auto transposed = options<tflite::TransposeConvOptions>(
      tflite::CreateTransposeConvOptions, Padding::SAME, 2, 2, Activation::NONE);
  const auto depthwise = options<tflite::DepthwiseConv2DOptions>(
      tflite::CreateDepthwiseConv2DOptions, Padding::SAME, 1, 1, 1, Activation::NONE, 1, 1);
  struct Layer {
    BuiltinOperator code;
    TfliteOptions given;
    std::vector<int32_t> x = {1, 2, 2, 1};
    std::vector<int32_t> y = {1, 2, 2, 1};
  };
  for (const Layer& layer :
       {Layer{BuiltinOperator::CONV_2D, conv_options()},
        Layer{BuiltinOperator::DEPTHWISE_CONV_2D, depthwise},
        Layer{BuiltinOperator::FULLY_CONNECTED, {}, {1, 4}, {1, 1}},
        Layer{BuiltinOperator::TRANSPOSE_CONV, transposed, {1, 2, 2, 1}, {1, 4, 4, 1}}}) {
    INFO(tflite::EnumNameBuiltinOperator(layer.code));
    TfliteMaker m;
    m.inputs = {m.activation("x", layer.x)};
    const int32_t weights = m.whole_numbers("w", layer.x, TensorType::INT32, {1, 1, 1, 1});
    m.outputs = {m.activation("y", layer.y)};
    std::vector<int32_t> operands = {m.inputs[0], weights};
    if (layer.code == BuiltinOperator::TRANSPOSE_CONV)
      operands = {m.integers("shape", layer.y), weights, m.inputs[0]};
    m.node(layer.code, operands, m.outputs, layer.given);
    check_refused(m.file(), {"integers without a scale"});
  }
}

}  // namespace octet::test
