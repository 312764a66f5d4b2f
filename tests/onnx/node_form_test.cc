// For every operator that octet reads, forms that ONNX does not allow: attributes that the operator
// does not have, attributes twice, and too many inputs or outputs.
#include <catch2/catch.hpp>
#include <fstream>
#include <regex>
#include <set>

#include "loaders/loader.h"
#include "tests/engine/functions.h"
#include "tests/graph/run_graph.h"
#include "tests/onnx/check_onnx.h"
#include "tests/onnx/onnx_maker.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {

using Ints = std::vector<int64_t>;

constexpr std::size_t any = 1000;

struct OperatorCase {
  const char* op;
  std::size_t inputs = 1;   ///< The most in the newest operator set that octet reads.
  std::size_t outputs = 1;  ///< The most in that operator set.
  const char* domain = "";
};

constexpr const char* microsoft = "com.microsoft";

const OperatorCase operators[] = {
    {"Abs"},
    {"Add", 2},
    {"And", 2},
    {"ArgMax"},
    {"AveragePool"},
    {"BatchNormalization", 5, 3},
    {"Cast"},
    {"CastLike", 2},
    {"Ceil"},
    {"Clip", 3},
    {"Concat", any},
    {"Constant", 0},
    {"ConstantOfShape"},
    {"Conv", 3},
    {"ConvInteger", 4},
    {"ConvTranspose", 3},
    {"DepthToSpace"},
    {"DequantizeLinear", 3},
    {"Div", 2},
    {"Dropout", 3, 2},
    {"DynamicQuantizeLinear", 1, 3},
    {"Elu"},
    {"Equal", 2},
    {"Erf"},
    {"Exp"},
    {"Expand", 2},
    {"Flatten"},
    {"Floor"},
    {"Gather", 2},
    {"GatherND", 2},
    {"Gelu"},
    {"Gemm", 3},
    {"GlobalAveragePool"},
    {"GlobalMaxPool"},
    {"Greater", 2},
    {"GreaterOrEqual", 2},
    {"HardSigmoid"},
    {"HardSwish"},
    {"Identity"},
    {"LeakyRelu"},
    {"Less", 2},
    {"LessOrEqual", 2},
    {"Log"},
    {"LogSoftmax"},
    {"MatMul", 2},
    {"MatMulInteger", 4},
    {"Max", any},
    {"MaxPool", 1, 2},
    {"Min", any},
    {"Mish"},
    {"Mod", 2},
    {"Mul", 2},
    {"Neg"},
    {"Not"},
    {"Or", 2},
    {"PRelu", 2},
    {"Pad", 4},
    {"Pow", 2},
    {"QLinearConv", 9},
    {"QLinearMatMul", 8},
    {"QuantizeLinear", 3},
    {"Range", 3},
    {"Reciprocal"},
    {"ReduceMax", 2},
    {"ReduceMean", 2},
    {"ReduceMin", 2},
    {"ReduceProd", 2},
    {"ReduceSum", 2},
    {"Relu"},
    {"Reshape", 2},
    {"Resize", 4},
    {"Round"},
    {"Shape"},
    {"Sigmoid"},
    {"Size"},
    {"Slice", 5},
    {"Softmax"},
    {"Softplus"},
    {"Softsign"},
    {"SpaceToDepth"},
    {"Split", 2, any},
    {"Sqrt"},
    {"Squeeze", 2},
    {"Sub", 2},
    {"Sum", any},
    {"Swish"},
    {"Tanh"},
    {"Tile", 2},
    {"TopK", 2, 2},
    {"Transpose"},
    {"Unsqueeze", 2},
    {"Upsample", 2},
    {"Where", 3},
    {"Xor", 2},
    {"DequantizeLinear", 3, 1, microsoft},
    {"DynamicQuantizeMatMul", 5, 1, microsoft},
    {"MatMulIntegerToFloat", 7, 1, microsoft},
    {"QGemm", 9, 1, microsoft},
    {"QLinearAdd", 8, 1, microsoft},
    {"QLinearAveragePool", 5, 1, microsoft},
    {"QLinearConcat", any, 1, microsoft},
    {"QLinearConv", 9, 1, microsoft},
    {"QLinearGlobalAveragePool", 5, 1, microsoft},
    {"QLinearLeakyRelu", 5, 1, microsoft},
    {"QLinearMul", 8, 1, microsoft},
    {"QLinearSigmoid", 5, 1, microsoft},
    {"QLinearSoftmax", 5, 1, microsoft},
    {"QuantizeLinear", 3, 1, microsoft},
};

std::vector<std::string> output_names(std::size_t count) {
  std::vector<std::string> names = {"y"};
  while (names.size() < count) names.push_back("y" + std::to_string(names.size()));
  return names;
}

/// A file of one node.
OnnxMaker one(const char* op, std::size_t inputs, std::size_t outputs,
              const OnnxAttributes& attributes = {}, const char* domain = "", int64_t opset = 25) {
  OnnxMaker m;
  m.opset = opset;
  m.input("x", {1, 2, 4, 4}).output("y");
  m.node(op, std::vector<std::string>(inputs, "x"), output_names(outputs), attributes, domain);
  return m;
}

}  // namespace

TEST_CASE("ONNX: an attribute that its operator has not is refused by name, for every operator") {
  for (const auto& [op, inputs, outputs, domain] : operators) {
    INFO(domain << " " << op);
    check_refused(one(op, std::min<std::size_t>(inputs, 2), 1, {{"stride", Ints{2, 2}}}, domain),
                  {"'.y' (" + std::string(op) + ")", "an attribute 'stride'"});
  }
}

TEST_CASE("ONNX: more inputs or outputs than its operator has are refused, for every operator") {
  for (const auto& [op, inputs, outputs, domain] : operators) {
    INFO(domain << " " << op);
    const std::string node = "'.y' (" + std::string(op) + ")";
    if (inputs != any)
      check_refused(one(op, inputs + 1, 1, {}, domain),
                    {node, "has " + std::to_string(inputs + 1) + " input",
                     "takes " + std::to_string(inputs)});
    if (outputs != any)
      check_refused(one(op, std::min<std::size_t>(inputs, 2), outputs + 1, {}, domain),
                    {node, "has " + std::to_string(outputs + 1) + " outputs",
                     "has " + std::to_string(outputs)});
  }
}

TEST_CASE("ONNX: an attribute twice, of the same value or of another") {
  check_refused(one("LeakyRelu", 1, 1, {{"alpha", 0.5f}, {"alpha", 0.25f}}),
                {"'.y' (LeakyRelu)", "'alpha' twice"});
  check_refused(one("Softmax", 1, 1, {{"axis", int64_t{1}}, {"axis", int64_t{1}}}),
                {"'.y' (Softmax)", "'axis' twice"});
}

TEST_CASE("ONNX: attributes are those of the file's operator set") {
  const OnnxAttributes bounds = {{"min", -1.0f}, {"max", 1.0f}};
  check_loads(one("Clip", 1, 1, bounds, "", 10));
  check_refused(one("Clip", 1, 1, bounds, "", 11), {"'.y' (Clip)", "'min'", "operator set 11"});
  const OnnxAttributes axes = {{"axes", Ints{2, 3}}};
  check_loads(one("ReduceMean", 1, 1, axes, "", 17));
  check_refused(one("ReduceMean", 1, 1, axes, "", 18),
                {"'axes'", "operator set 18", "(it has keepdims, noop_with_empty_axes)"});
  const OnnxAttributes dilated = {{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{1, 1}}};
  check_loads(one("MaxPool", 1, 1, dilated, "", 10));
  check_refused(one("MaxPool", 1, 1, dilated, "", 9), {"'dilations'", "operator set 9"});
}

TEST_CASE("ONNX: every function of one value is read, of the operators above") {
  std::set<Op> read;
  const auto add = [&](const OnnxMaker& model) {
    const auto graph = load(model);
    if (!graph) return;
    for (const graph::Node& node : graph->nodes) read.insert(node.op);
  };
  for (const auto& [op, inputs, outputs, domain] : operators) add(one(op, 1, 1, {}, domain));
  add(one("HardSigmoid", 1, 1, {{"alpha", 1.0f / 6}}));
  add(one("Gelu", 1, 1, {{"approximate", "tanh"}}));
  for (const Op op : functions_of_one_value()) {
    INFO(op_name(op));
    CHECK(read.contains(op));
  }
}

TEST_CASE("ONNX: docs/formats.md has every operator that octet reads") {
  std::ifstream file(std::string(OCTET_SOURCE_DIR) + "/docs/formats.md");
  REQUIRE(file.good());
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const auto& [op, inputs, outputs, domain] : operators) {
    const std::string name = op;
    // These are refused with advice what to do instead.
    if (name == "DynamicQuantizeMatMul" || name == "MatMulIntegerToFloat") continue;
    INFO(name);
    CHECK(std::regex_search(text, std::regex("\\b" + name + "\\b")));
  }
}

TEST_CASE("ONNX: attributes that mean nothing to a model are no errors") {
  check_loads(one("Relu", 1, 1, {{"_output_shapes", "[1, 2, 4, 4]"}}));
  check_loads(one("Relu", 1, 1, {{"consumed_inputs", Ints{0}}}));
}

TEST_CASE("ONNX: a node that no output depends on may have any form") {
  OnnxMaker m = one("Relu", 1, 1);
  m.node("Relu", {"x", "x"}, {"unused"}, {{"stride", Ints{2, 2}}});
  check_loads(m);
}

TEST_CASE("ONNX: auto_pad beside pads is one too many") {
  const auto layer = [](const char* op, const char* automatic, const Ints& pads) {
    OnnxMaker m;
    m.input("x", {1, 2, 4, 4}).output("y").floats("w", {2, 2, 3, 3}, Values(36));
    m.node(op, {"x", "w"}, {"y"}, {{"auto_pad", automatic}, {"pads", pads}});
    return m;
  };
  const auto pool = [](const char* op, const char* automatic, const Ints& pads) {
    return one(op, 1, 1, {{"kernel_shape", Ints{3, 3}}, {"auto_pad", automatic}, {"pads", pads}});
  };
  const Ints ones = {1, 1, 1, 1};
  for (const char* automatic : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    for (const char* op : {"Conv", "ConvTranspose"}) {
      check_refused(layer(op, automatic, ones), {"'.y'", automatic, "both", "pads"});
      check_refused(layer(op, automatic, {0, 0, 0, 0}), {"'.y'", automatic, "both", "pads"});
      check_loads(layer(op, "NOTSET", ones));
    }
    for (const char* op : {"MaxPool", "AveragePool"}) {
      check_refused(pool(op, automatic, ones), {"'.y'", automatic, "both", "pads"});
      check_loads(pool(op, automatic, {0, 0, 0, 0}));
      check_loads(pool(op, "NOTSET", ones));
    }
  }
}

}  // namespace octet::test
