// ONNX files that the loader refuses: the message names the file, the node or tensor, and the
// remedy.
#include <catch2/catch.hpp>
#include <filesystem>
#include <limits>

#include "loaders/loader.h"
#include "tests/graph/run_graph.h"
#include "tests/onnx/check_onnx.h"
#include "tests/onnx/onnx_maker.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {

OnnxMaker relu(const std::vector<int64_t>& dims, int32_t type = 1) {
  OnnxMaker m;
  m.input("x", dims, type).output("y").node("Relu", {"x"}, {"y"});
  return m;
}

OnnxMaker conv(const OnnxAttributes& attributes,
               const std::vector<int64_t>& weights = {2, 3, 1, 1}) {
  std::size_t count = 1;
  for (const int64_t extent : weights) count *= static_cast<std::size_t>(extent);
  OnnxMaker m;
  m.input("x", {1, 3, 4, 5}).output("y").floats("w", weights, std::vector<float>(count, 1.0f));
  m.node("Conv", {"x", "w"}, {"y"}, attributes);
  return m;
}

}  // namespace

TEST_CASE("ONNX: all operators that octet lacks are listed at once, with the nodes' names") {
  OnnxMaker m;
  m.input("x", {1, 3, 4, 5}).output("y");
  m.node("Selu", {"x"}, {"a"}).node("Relu", {"a"}, {"b"}).node("Einsum", {"b", "x"}, {"c"});
  m.node("Special", {"x"}, {"d"}, {}, "my.domain").node("Add", {"c", "d"}, {"y"});
  check_refused(m, {"lacks 3 operators", "'.a': Selu", "'.c': Einsum", "'.d': my.domain.Special",
                    "docs/formats.md"});
}

TEST_CASE("ONNX: a form of an operator that octet lacks is listed with what it is") {
  OnnxMaker m;
  m.input("x", {1, 3, 4, 5}).input("z", {1, 3, 5, 4}).output("y").output("v");
  m.node("MatMul", {"x", "z"}, {"y"});
  m.node("ReduceMax", {"x"}, {"v"}, {{"axes", std::vector<int64_t>{1}}});
  check_refused(m, {"lacks 2 operators", "'.y': MatMul with its second operand computed ('z')",
                    "'.v': ReduceMax over other axes than height and width"});
}

TEST_CASE("ONNX: the forms that docs/formats.md says octet lacks") {
  using Ints = std::vector<int64_t>;
  const auto lacks = [](const std::string& op, const Ints& x, const std::string& form,
                        const OnnxAttributes& attributes = {},
                        const std::vector<std::string>& constants = {},
                        const std::string& domain = "") {
    OnnxMaker m;
    m.opset = 19;
    m.input("x", x).output("y").floats("four", {4}, {1, 1, 2, 2}).floats("w", {2, 3, 1}, Values(6));
    m.integers("pads", {0, 0, 0, 9, 0, 0, 0, 0}).floats("matrix", {5, 4}, Values(20));
    std::vector<std::string> inputs = {"x"};
    inputs.insert(inputs.end(), constants.begin(), constants.end());
    m.node(op, inputs, {"y"}, attributes, domain);
    check_refused(m, {"'.y': " + (domain.empty() ? "" : domain + ".") + op + " " + form});
  };
  const Ints image = {1, 3, 4, 5};
  lacks("Conv", {1, 3, 4}, "on a tensor of rank 3 [1, 3, 4]", {}, {"w"});
  lacks("GlobalMaxPool", {1, 3, 4}, "on a tensor of rank 3 [1, 3, 4]");
  lacks("AveragePool", image, "with dilations",
        {{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{2, 2}}});
  lacks("ArgMax", image, "that takes the last of equal maxima",
        {{"select_last_index", int64_t{1}}});
  lacks("Resize", image, "that keeps the image's proportions",
        {{"keep_aspect_ratio_policy", "not_larger"}}, {"", "four"});
  lacks("Pad", image, "that wraps around more than once", {{"mode", "wrap"}}, {"pads"});
  lacks("QLinearGlobalAveragePool", image, "with channels last", {{"channels_last", int64_t{1}}},
        {}, "com.microsoft");
  for (const char* op : {"Max", "Min"}) lacks(op, {2, 4}, "of two tensors", {}, {"four"});

  OnnxMaker first;
  first.input("x", {4, 2}).output("y").floats("m", {3, 4}, Values(12));
  first.node("MatMul", {"m", "x"}, {"y"});
  check_refused(first, {"'.y': MatMul with its second operand computed ('x')"});
}

TEST_CASE("ONNX: Gemm with a beta and a C that is computed") {
  OnnxMaker m;
  m.input("x", {2, 1}).input("c", {2, 3}).output("y").floats("w", {1, 3}, {1, 2, 3});
  m.node("Gemm", {"x", "w", "c"}, {"y"}, {{"beta", 0.5f}});
  check_refused(m, {"'.y': Gemm with a beta of 0.5", "a C that is computed ('c')"});
}

TEST_CASE("ONNX: an operator that no output depends on may be any") {
  OnnxMaker m = relu({1, 3, 4, 5});
  m.node("Selu", {"x"}, {"unused"});
  check_loads(m);
}

TEST_CASE("ONNX: dynamic quantization is recognised, and the remedy said") {
  OnnxMaker m;
  m.input("x", {1, 3, 4, 5}).output("y");
  m.node("DynamicQuantizeLinear", {"x"}, {"y", "scale", "zero"});
  check_refused(m, {"'.y': DynamicQuantizeLinear", "statically"});
}

TEST_CASE("ONNX: operator sets that octet does not read") {
  OnnxMaker m = relu({1, 3, 4, 5});
  m.opset = 6;
  check_refused(m, {"operator set 6", "7 to 25", "version_converter"});
  m.opset = 99;
  check_refused(m, {"operator set 99"});
}

TEST_CASE("ONNX: weights in another file are refused with the way to one file") {
  OnnxMaker m;
  m.input("x", {1, 3, 4, 5}).output("y").external("w", {2, 3, 1, 1});
  m.node("Conv", {"x", "w"}, {"y"});
  check_refused(m, {"node '.y' (Conv)", "'w'", "another file", "onnx.save_model"});
}

TEST_CASE("ONNX: a constant with other values than its shape says") {
  OnnxMaker m;
  m.input("x", {1, 3, 4, 5}).output("y").floats("w", {2, 3, 1, 2}, {1, 2, 3});
  m.node("Conv", {"x", "w"}, {"y"});
  check_refused(m, {"'w'", "3 values", "12"});
}

TEST_CASE("ONNX: constants whose extents are no extents") {
  const auto huge = std::numeric_limits<int64_t>::max();
  for (const std::vector<int64_t>& dims :
       {std::vector<int64_t>{-1}, {huge, huge}, {0, huge, huge}, {1 << 20, 1 << 20}}) {
    OnnxMaker m;
    m.input("x", {1, 3, 4, 5}).output("y").constant("w", dims, 1, "");
    m.node("Conv", {"x", "w"}, {"y"});
    check_refused(m, {"'w'"});
  }
}

TEST_CASE("ONNX: a dynamic batch is 1, other dynamic extents come from --shape") {
  check_loads(relu({-1, 3, 4, 5}));
  check_refused(relu({-1, 3, -1, 5}), {"'x'", "[d, 3, d, 5]", "--shape x="});
  check_loads(relu({-1, 3, -1, 5}), {.shapes = {{"x", {1, 3, 4, 5}}}});
  check_loads(relu({-1, 3, -1, 5}), {.shapes = {{"", {2, 3, 4, 5}}}});
  check_refused(relu({-1, 3, -1, 5}), {"[1, 4, 4, 5]", "does not fit"},
                {.shapes = {{"x", {1, 4, 4, 5}}}});
  check_refused(relu({-1, 3, -1, 5}), {"does not fit"}, {.shapes = {{"x", {3, 4, 5}}}});
  check_refused(relu({1, 3, 4, 5}), {"--shape names 'z'"}, {.shapes = {{"z", {1, 3, 4, 5}}}});
}

TEST_CASE("ONNX: inputs that are no images' numbers") {
  check_refused(relu({1, 3, 4, 5}, 7), {"'x'", "int64"});
  check_refused(relu({1, 3, 4, 5}, 8), {"'x'", "string"});
}

TEST_CASE("ONNX: nodes out of order, and outputs that nobody writes") {
  OnnxMaker m;
  m.input("x", {1, 3, 4, 5}).output("y").node("Relu", {"a"}, {"y"}).node("Relu", {"x"}, {"a"});
  check_refused(m, {"'.y'", "'a'", "earlier node"});
  OnnxMaker nobody = relu({1, 3, 4, 5});
  nobody.output("z");
  check_refused(nobody, {"output 'z'"});
}

TEST_CASE("ONNX: an output that depends on no input") {
  OnnxMaker m = relu({1, 3, 4, 5});
  m.floats("c", {2}, {1, 2}).output("z").node("Neg", {"c"}, {"z"});
  check_refused(m, {"'z'", "constant"});
}

TEST_CASE("ONNX: attributes that do not fit") {
  using Ints = std::vector<int64_t>;
  check_refused(conv({{"strides", Ints{0, 1}}}), {"'.y' (Conv)", "out of range"});
  check_refused(conv({{"strides", Ints{1, 1, 1}}}), {"'.y'", "'strides' of 3"});
  check_refused(conv({{"pads", Ints{0, int64_t{1} << 40, 0, 0}}}), {"'.y'", "out of range"});
  check_refused(conv({{"kernel_shape", Ints{3, 3}}}), {"'.y'", "kernel_shape"});
  check_refused(conv({{"group", int64_t{2}}}), {"'.y'", "groups"});
  check_refused(conv({{"auto_pad", "SOMEHOW"}}), {"'.y'", "SOMEHOW"});
  check_refused(conv({}, {2, 3, 5, 7}), {"'.y'", "larger than its padded input"});
  check_refused(conv({}, {2, 3, 1}), {"'.y'", "rank 4"});
}

TEST_CASE("ONNX: weights that do not fit are shown in the file's order of axes") {
  check_refused(conv({}, {2, 5, 1, 3}),
                {"'.y' (Conv)", "weights [2, 5, 1, 3] for input [1, 3, 4, 5] in 1 groups"});
  OnnxMaker product;
  product.input("x", {4, 3}).output("y").floats("w", {2, 5}, std::vector<float>(10));
  OnnxMaker gemm = product;
  product.node("MatMul", {"x", "w"}, {"y"});
  check_refused(product, {"'.y' (MatMul)", "weights [2, 5] for input [4, 3]"});
  gemm.node("Gemm", {"x", "w"}, {"y"}, {{"transA", int64_t{1}}});
  check_refused(gemm, {"'.y' (Gemm)", "weights [2, 5] for input [4, 3], transA"});
}

TEST_CASE("ONNX: operands that do not fit are shown in the file's order of axes") {
  OnnxMaker m;
  m.input("x", {1, 3, 4, 5}).input("z", {1, 2, 4, 5}).output("y").node("Add", {"x", "z"}, {"y"});
  check_refused(m, {"'.y' (Add)", "cannot broadcast [1, 3, 4, 5] with [1, 2, 4, 5]"});
}

TEST_CASE("ONNX: shapes that cannot be") {
  OnnxMaker m;
  m.input("x", {1, 3, 4, 5}).output("y").integers("s", {7, -1}).node("Reshape", {"x", "s"}, {"y"});
  check_refused(m, {"'.y' (Reshape)", "60"});
  OnnxMaker two;
  two.input("x", {1, 3, 4, 5}).output("y").integers("s", {-1, -1});
  two.node("Reshape", {"x", "s"}, {"y"});
  check_refused(two, {"two extents open"});
  OnnxMaker many;
  many.input("x", {1, 2, 2, 2, 1, 2, 2}).output("y").node("Relu", {"x"}, {"y"});
  check_refused(many, {"'x'", "rank 7"});
  OnnxMaker empty;
  empty.input("x", {1, 3, 4, 5}).output("y").integers("a", {3}).integers("b", {3});
  empty.node("Slice", {"x", "a", "b"}, {"y"});
  check_refused(empty, {"'.y': Slice that leaves nothing"});
}

TEST_CASE("ONNX: a small file cannot ask for all memory") {
  OnnxMaker m;
  m.input("x", {1, 3, 4, 5}).output("y").integers("s", {1 << 14, 1 << 14});
  m.node("ConstantOfShape", {"s"}, {"c"}).node("Add", {"x", "c"}, {"y"});
  check_refused(m, {"'.c' (ConstantOfShape)", "too large"});
}

TEST_CASE("ONNX: many small steps of a small file cannot ask for all memory, either") {
  using Ints = std::vector<int64_t>;
  // The first node makes 4 million numbers, which a single node may.
  const auto many = [](auto&& add_node) {
    OnnxMaker m;
    m.input("x", {1, 3, 4, 5}).output("y").integers("s", {1 << 11, 1 << 11});
    m.integers("two", {2, 1}).integers("flat", {-1});
    m.node("ConstantOfShape", {"s"}, {"c0"});
    std::string last = "c0";
    for (int i = 1; i <= 20; ++i) {
      const std::string next = "c" + std::to_string(i);
      add_node(m, last, next);
      last = next;
    }
    m.node("ReduceMax", {last}, {"one"}, {{"keepdims", int64_t{0}}});
    m.node("Add", {"x", "one"}, {"y"});
    return m;
  };
  const auto joined = many([](OnnxMaker& m, const std::string& from, const std::string& to) {
    m.node("Concat", {from, from}, {to}, {{"axis", int64_t{0}}});
  });
  check_refused(joined, {"(Concat)", "its result is too large"});
  const auto tiled = many([](OnnxMaker& m, const std::string& from, const std::string& to) {
    m.node("Tile", {from, "two"}, {to});
  });
  check_refused(tiled, {"(Tile)", "its result is too large"});
  const auto moved = many([](OnnxMaker& m, const std::string& from, const std::string& to) {
    m.node("Transpose", {from}, {to}, {{"perm", Ints{1, 0}}});
  });
  check_refused(moved, {"(Transpose)", "too large"});
  const auto computed = many([](OnnxMaker& m, const std::string& from, const std::string& to) {
    m.node("Add", {from, from}, {to});
  });
  check_refused(computed, {"(Add)", "too large"});
  const auto negated = many([](OnnxMaker& m, const std::string& from, const std::string& to) {
    m.node("Neg", {from}, {to});
  });
  check_refused(negated, {"(Neg)", "too large"});
}

TEST_CASE("ONNX: what a file computes of its own weights may be larger than they are") {
  OnnxMaker m;
  m.input("x", {1, 2000}).output("y").floats("w0", {2000, 1000}, Values(2000 * 1000, 0.5f));
  for (int i = 0; i < 24; ++i)
    m.node("Transpose", {"w" + std::to_string(i)}, {"w" + std::to_string(i + 1)},
           {{"perm", std::vector<int64_t>{1, 0}}});
  m.node("MatMul", {"x", "w24"}, {"y"});
  check_loads(m);
}

TEST_CASE("ONNX: a scale that does not suit") {
  const std::string byte(1, '\0');
  OnnxMaker zero;
  zero.input("x", {1, 3, 4, 5}).output("y").floats("s", {}, {0}).constant("z", {}, 2, byte);
  zero.node("QuantizeLinear", {"x", "s", "z"}, {"q"})
      .node("DequantizeLinear", {"q", "s", "z"}, {"y"});
  check_refused(zero, {"'.q'", "scale"});

  OnnxMaker differs;
  differs.input("x", {1, 3, 4, 5}).output("y").constant("z", {}, 2, byte);
  differs.floats("s", {}, {0.5f}).floats("t", {}, {0.25f});
  differs.node("QuantizeLinear", {"x", "s", "z"}, {"q"});
  differs.node("DequantizeLinear", {"q", "t", "z"}, {"y"});
  check_refused(differs, {"'.y' (DequantizeLinear)", "another scale"});

  OnnxMaker wide;
  wide.input("x", {1, 3, 4, 5}).output("y").floats("s", {}, {0.5f});
  wide.constant("z", {}, 4, byte + byte);
  wide.node("QuantizeLinear", {"x", "s", "z"}, {"y"});
  check_refused(wide, {"'.y': QuantizeLinear", "uint16", "8 bits"});
}

TEST_CASE("ONNX: graphs in attributes do not nest into the stack") {
  std::string nested;
  for (int i = 0; i < 20000; ++i) {
    // The attribute 'g' of a node of a graph.
    std::string wrapped = {0x32};
    std::size_t size = nested.size();
    do {
      wrapped.push_back(static_cast<char>((size & 127) | (size > 127 ? 128 : 0)));
      size >>= 7;
    } while (size > 0);
    nested = wrapped + nested;
    if (nested.size() > 60000) break;
  }
  OnnxMaker m;
  m.input("x", {1, 3, 4, 5}).output("y").node("If", {"x"}, {"y"}, {{"then_branch", nested}});
  check_refused(m, {"'.y': If"});
}

TEST_CASE("convert: a float ONNX model without scales says what to do, and --float converts it") {
  const TemporaryFolder folder;
  const std::string in = folder.write("model.onnx", conv({}).file());
  const std::string out = folder.path("out.octet");
  const Outcome refused = octet_tool({"convert", in, "-o", out});
  CHECK(refused.code != 0);
  CHECK(contains(refused.err, in));
  CHECK(contains(refused.err, "--float"));
  CHECK(contains(refused.err, "quantize_static"));
  CHECK_FALSE(contains(refused.err, "octet_export"));
  CHECK_FALSE(std::filesystem::exists(out));
  CHECK(octet_tool({"convert", in, "-o", out, "--float"}).code == 0);
}

TEST_CASE("convert --float: weights that are no finite numbers") {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    OnnxMaker m;
    m.input("x", {1, 2, 4, 5}).output("y").floats("w", {1, 2, 1, 1}, {1, bad});
    m.node("Conv", {"x", "w"}, {"y"});
    const TemporaryFolder folder;
    const std::string in = folder.write("model.onnx", m.file());
    const Outcome outcome = octet_tool({"convert", in, "-o", folder.path("out.octet"), "--float"});
    CHECK(outcome.code != 0);
    for (const std::string& part : {in, std::string("'.y'"), std::string("export the model again")})
      CHECK(contains(outcome.err, part));
    CHECK_FALSE(std::filesystem::exists(folder.path("out.octet")));
  }
}

TEST_CASE("convert: an input that no output depends on is left out, with a warning") {
  OnnxMaker m = relu({1, 3, 4, 5});
  m.input("spare", {1, 2}).input("mask", {1, 2}, 7).input("taken", {1, 3, 4, 5});
  m.node("Selu", {"spare"}, {"unused"}).node("Add", {"y", "taken"}, {"z"}).output("z");
  const TemporaryFolder folder;
  const std::string in = folder.write("model.onnx", m.file());
  const Outcome outcome = octet_tool({"convert", in, "-o", folder.path("out.octet"), "--float"});
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  for (const char* name : {"spare", "mask"})
    CHECK(contains(outcome.err, "warning: " + in + ": the input '" + name + "' is left out"));
  CHECK_FALSE(contains(outcome.err, "taken"));
  const auto graph = load(m, {.shapes = {{"spare", {1, 2}}}});
  REQUIRE(graph);
  CHECK(graph->inputs.size() == 2);
}

TEST_CASE("convert --shape: one shape, or one for each input by name") {
  const TemporaryFolder folder;
  const std::string in = folder.write("model.onnx", relu({-1, 3, -1, -1}).file());
  const std::string out = folder.path("out.octet");
  CHECK(octet_tool({"convert", in, "-o", out, "--float", "--shape", "1,3,8,6"}).code == 0);
  CHECK(octet_tool({"convert", "--float", "--shape", "x=1,3,8,6", in, "-o", out}).code == 0);
  for (const char* bad : {"1,3", "", "1,3,8,", "x=1,3,8,0", "1,3,8,-6", "z=1,3,8,6", "1,3,8,6x"}) {
    INFO(bad);
    const Outcome outcome = octet_tool({"convert", in, "-o", out, "--float", "--shape", bad});
    CHECK(outcome.code != 0);
    CHECK(contains(outcome.err, "shape"));
  }
}

}  // namespace octet::test
