// Forms of ONNX operators that no golden model has, against numbers worked out by hand.
#include <catch2/catch.hpp>

#include "loaders/loader.h"
#include "tests/graph/run_graph.h"
#include "tests/onnx/check_onnx.h"
#include "tests/onnx/onnx_maker.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {}  // namespace

TEST_CASE("ONNX: output_dtype says the type of bytes that have no zero point") {
  OnnxMaker m;
  m.opset = 21;
  m.input("x", {1, 4}).output("y").floats("scale", {}, {0.5f});
  m.node("QuantizeLinear", {"x", "scale"}, {"bytes"}, {{"output_dtype", int64_t{int8_type}}});
  m.node("Transpose", {"bytes"}, {"moved"}).node("DequantizeLinear", {"moved", "scale"}, {"y"});
  CHECK(answer(m, {{-100, -1.3f, 0.3f, 100}}) == Values{-64, -1.5f, 0.5f, 63.5f});
}

TEST_CASE("ONNX: without output_dtype and zero point bytes are unsigned") {
  OnnxMaker m;
  m.opset = 21;
  m.input("x", {1, 4}).output("y").floats("scale", {}, {0.5f});
  m.node("QuantizeLinear", {"x", "scale"}, {"bytes"});
  m.node("DequantizeLinear", {"bytes", "scale"}, {"y"});
  CHECK(answer(m, {{-100, -1.3f, 0.3f, 200}}) == Values{0, 0, 0.5f, 127.5f});
}

TEST_CASE("ONNX: an input of signed bytes needs no zero point to be dequantized") {
  OnnxMaker m;
  m.input("x", {1, 4}, int8_type).output("y").floats("scale", {}, {0.5f});
  m.node("DequantizeLinear", {"x", "scale"}, {"real"}).node("Neg", {"real"}, {"y"});
  CHECK(answer(m, {{-64, -1, 1, 63.5f}}) == Values{64, 1, -1, -63.5f});
}

TEST_CASE("ONNX: the type of floats that DequantizeLinear is to give is not that of its bytes") {
  OnnxMaker m;
  m.opset = 23;
  m.input("x", {1, 2}, int8_type).output("y").floats("scale", {}, {0.5f});
  m.node("DequantizeLinear", {"x", "scale"}, {"y"}, {{"output_dtype", int64_t{1}}});
  CHECK(answer(m, {{-64, 1}}) == Values{-64, 1});
}

TEST_CASE("ONNX: Gemm's beta scales a constant C of any shape that it may have") {
  const auto gemm = [](const std::vector<int64_t>& dims, const std::vector<float>& c) {
    OnnxMaker m;
    m.input("x", {2, 1}).output("y").floats("w", {1, 3}, {1, 2, 3}).floats("c", dims, c);
    m.node("Gemm", {"x", "w", "c"}, {"y"}, {{"beta", 0.5f}});
    return answer(m, {{1, 10}}, {.float_only = true});
  };
  CHECK(gemm({}, {2}) == Values{2, 3, 4, 11, 21, 31});
  CHECK(gemm({3}, {2, 4, 6}) == Values{2, 4, 6, 11, 22, 33});
  CHECK(gemm({2, 1}, {2, 4}) == Values{2, 3, 4, 12, 22, 32});
  CHECK(gemm({2, 3}, {2, 4, 6, 8, 10, 12}) == Values{2, 4, 6, 14, 25, 36});
}

TEST_CASE("ONNX: MatMul by a vector") {
  OnnxMaker m;
  m.input("x", {2, 3}).output("y").floats("v", {3}, {1, 10, 100}).node("MatMul", {"x", "v"}, {"y"});
  CHECK(answer(m, {{1, 2, 3, 4, 5, 6}}, {.float_only = true}) == Values{321, 654});
}

TEST_CASE("ONNX: MatMul by a matrix with leading axes gives them to its result") {
  OnnxMaker m;
  m.input("x", {2, 2}).output("y").floats("w", {1, 1, 2, 1}, {1, 10});
  m.node("MatMul", {"x", "w"}, {"y"});
  const auto graph = load(m);
  REQUIRE(graph);
  CHECK(graph->tensor(graph->outputs[0]).shape == Shape{1, 1, 2, 1});
  CHECK(answer(m, {{1, 2, 3, 4}}, {.float_only = true}) == Values{21, 43});
}

TEST_CASE("ONNX: Gather's indices may have axes of their own") {
  OnnxMaker m;
  m.input("x", {2, 3}).output("y").integers("list", {2, 0, 1, 2}).integers("shape", {2, 2});
  m.node("Reshape", {"list", "shape"}, {"indices"});
  m.node("Gather", {"x", "indices"}, {"y"}, {{"axis", int64_t{1}}});
  CHECK(answer(m, {{1, 2, 3, 4, 5, 6}}, {.float_only = true}) == Values{3, 1, 2, 3, 6, 4, 5, 6});
}

TEST_CASE("ONNX: Pad that wraps around") {
  OnnxMaker m;
  m.opset = 19;
  m.input("x", {2, 3}).output("y").integers("pads", {0, 2, 1, 1});
  m.node("Pad", {"x", "pads"}, {"y"}, {{"mode", "wrap"}});
  CHECK(answer(m, {{1, 2, 3, 4, 5, 6}}, {.float_only = true}) ==
        Values{2, 3, 1, 2, 3, 1, 5, 6, 4, 5, 6, 4, 2, 3, 1, 2, 3, 1});
}

}  // namespace octet::test
