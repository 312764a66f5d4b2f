#include <catch2/catch.hpp>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;
using octet::graph::Precision;

namespace {

// The nodes named in `in_float` are float, the others int8. Every activation is calibrated.
Graph placed(Graph graph, const std::vector<std::string>& in_float = {}) {
  calibrate(graph);
  for (Node& node : graph.nodes) {
    const bool is_float = std::count(in_float.begin(), in_float.end(), node.name) > 0;
    node.precision = is_float ? Precision::float32 : Precision::int8;
  }
  REQUIRE(octet::graph::place_quantize(graph));
  const auto ok = octet::graph::check(graph);
  INFO((ok ? "" : ok.error().message));
  REQUIRE(ok);
  return graph;
}

}  // namespace

TEST_CASE("an int8 graph has one quantize in front and one dequantize behind") {
  GraphMaker m;
  const auto y = m.conv("b", m.conv("a", m.input({1, 4, 4, 3})));
  const Graph graph = placed(m.finish({y}));
  CHECK(ops_of(graph) == "quantize conv2d conv2d dequantize");
  CHECK(tensor_named(graph, "a").type == Type::u8);
}

TEST_CASE("the output behind the dequantize has the author's name") {
  GraphMaker m;
  const Graph graph = placed(m.finish({m.conv("scores", m.input({1, 4, 4, 3}))}));
  CHECK(graph.tensor(graph.outputs[0]).name == "scores");
  CHECK(graph.tensor(graph.outputs[0]).type == Type::f32);
}

TEST_CASE("a tensor that is an output twice has one dequantize and one name") {
  GraphMaker m;
  const auto y = m.conv("scores", m.input({1, 4, 4, 3}));
  const Graph graph = placed(m.finish({y, y}));
  CHECK(ops_of(graph) == "quantize conv2d dequantize");
  CHECK(graph.tensor(graph.outputs[0]).name == "scores");
  CHECK(graph.outputs[0] == graph.outputs[1]);
}

TEST_CASE("a tensor that several float nodes and an output read is dequantized once") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 4, 4, 3}));
  const auto sum = m.add("sum", m.simple("exp", Op::exp, conv), conv);
  const Graph graph = placed(m.finish({sum, conv}), {"exp", "sum"});
  CHECK(ops_of(graph) == "quantize conv2d dequantize exp add");
  CHECK(graph.tensor(graph.outputs[1]).name == "conv");
}

TEST_CASE("a float node between int8 ones stands between dequantize and quantize") {
  GraphMaker m;
  const auto a = m.conv("a", m.input({1, 4, 4, 3}));
  const auto y = m.conv("b", m.simple("exp", Op::exp, a));
  CHECK(ops_of(placed(m.finish({y}), {"exp"})) ==
        "quantize conv2d dequantize exp quantize conv2d dequantize");
}

TEST_CASE("indices and a float graph need neither") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3});
  CHECK(ops_of(placed(m.finish({m.argmax("argmax", m.conv("conv", x))}))) ==
        "quantize conv2d argmax");
  CHECK(
      ops_of(placed(m.finish({m.node("e", Op::exp, NoAttributes{}, {x})}), {"conv", "argmax", "e"}))
          .find("quantize") == std::string::npos);
}

TEST_CASE("a convolution with float output needs no dequantize") {
  GraphMaker m;
  Graph graph = m.finish({m.conv("conv", m.input({1, 4, 4, 3}))});
  calibrate(graph);
  graph.nodes[0].precision = Precision::int8;
  graph.nodes[0].float_output = true;
  REQUIRE(octet::graph::place_quantize(graph));
  CHECK(ops_of(graph) == "quantize conv2d");
  CHECK_FALSE(graph.tensor(graph.outputs[0]).quantization);
}

namespace {

constexpr Quantization coarse = {.scale = 0.5f, .zero_point = 10};
constexpr Quantization fine = {.scale = 0.25f, .zero_point = 10};

// All nodes are float, and the file rounds each tensor that has a scale.
Graph rounded(Graph graph) {
  for (auto& tensor : graph.tensors) tensor.rounds = tensor.quantization.has_value();
  for (Node& node : graph.nodes) node.precision = Precision::float32;
  REQUIRE(octet::graph::place_quantize(graph));
  REQUIRE(octet::graph::check(graph));
  return graph;
}

// Returns the scales to which tensors are rounded, in order.
std::vector<Quantization> roundings(const Graph& graph) {
  std::vector<Quantization> found;
  for (const Node& node : graph.nodes) {
    if (node.op == Op::quantize) found.push_back(*graph.tensor(node.output()).quantization);
  }
  return found;
}

}  // namespace

TEST_CASE("a chain of float nodes that only move is rounded once") {
  GraphMaker m;
  auto x = m.simple("exp", Op::exp, m.input({1, 4, 4, 3}));
  m.scale(x, coarse.scale, coarse.zero_point);
  for (const char* name : {"a", "b", "c"}) {
    x = m.transpose(name, x, {0, 2, 1, 3});
    m.scale(x, coarse.scale, coarse.zero_point);
  }
  const Graph graph = rounded(m.finish({m.simple("log", Op::log, x)}));
  CHECK(ops_of(graph) == "exp quantize dequantize transpose transpose transpose log");
}

TEST_CASE("a float move between two scales is rounded to each") {
  GraphMaker m;
  const auto x = m.simple("exp", Op::exp, m.input({1, 4, 4, 3}));
  const auto y = m.max_pool("pool", x);
  m.scale(x, coarse.scale, coarse.zero_point).scale(y, fine.scale, fine.zero_point);
  CHECK(roundings(rounded(m.finish({m.simple("log", Op::log, y)}))) ==
        std::vector<Quantization>{coarse, fine});
}

TEST_CASE("a float concat is rounded where an operand has another scale than its result") {
  const auto joined = [](Quantization a_scale, Quantization b_scale) {
    GraphMaker m;
    const auto x = m.input({1, 4, 4, 3});
    const auto a = m.simple("a", Op::exp, x);
    const auto b = m.simple("b", Op::sqrt, x);
    const auto y = m.concat("y", {a, b}, 3);
    m.scale(a, a_scale.scale, a_scale.zero_point).scale(b, b_scale.scale, b_scale.zero_point);
    m.scale(y, coarse.scale, coarse.zero_point);
    return roundings(rounded(m.finish({m.simple("log", Op::log, y)})));
  };
  CHECK(joined(coarse, coarse) == std::vector<Quantization>{coarse, coarse});
  CHECK(joined(coarse, fine) == std::vector<Quantization>{coarse, fine, coarse});
}

TEST_CASE("a float concat with a constant that no scale holds is rounded") {
  GraphMaker m;
  const auto a = m.simple("a", Op::exp, m.input({1, 4, 4, 1}));
  const auto c = m.constant("c", {1, 4, 4, 1}, std::vector<float>(16, 0.3f));
  const auto y = m.concat("y", {a, c}, 3);
  m.scale(a, coarse.scale, coarse.zero_point).scale(y, coarse.scale, coarse.zero_point);
  CHECK(roundings(rounded(m.finish({m.simple("log", Op::log, y)}))) ==
        std::vector<Quantization>{coarse, coarse});
}
