#include <catch2/catch.hpp>
#include <cmath>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;
using octet::graph::absorb_quantize_nodes;
using octet::graph::Precision;

TEST_CASE("the author's quantize and dequantize go, and the input has the scale that they said") {
  GraphMaker m;
  const auto x = m.quantize("quant", m.input({1, 4, 4, 3}), {0.25f, 10});
  const auto conv = m.conv("conv", x);
  m.scale(conv, 0.5f, 3);
  const Graph graph = after_pass(absorb_quantize_nodes, m.finish({m.dequantize("dequant", conv)}));
  CHECK(ops_of(graph) == "conv2d");
  CHECK(graph.has_authors_borders);
  CHECK(graph.tensor(graph.inputs[0]).quantization == Quantization{0.25f, 10});
  CHECK(graph.nodes[0].precision == Precision::undecided);
}

TEST_CASE("an output behind the author's dequantize keeps its name") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.quantize("quant", m.input({1, 4, 4, 3}), {0.25f, 10}));
  const auto scores = m.dequantize("scores", conv);
  const Graph graph = after_pass(absorb_quantize_nodes, m.finish({scores}));
  CHECK(graph.tensor(graph.outputs[0]).name == "scores");
}

TEST_CASE("what the author left outside quantize and dequantize stays in float, with the reason") {
  GraphMaker m;
  const auto before = m.conv("before", m.input({1, 4, 4, 3}));
  const auto inside = m.conv("inside", m.quantize("quant", before, {0.25f, 10}));
  m.scale(inside, 0.5f, 3);
  const auto after = m.conv("after", m.dequantize("dequant", inside));
  const Graph graph = after_pass(absorb_quantize_nodes, m.finish({after}));
  CHECK(node_named(graph, "before").precision == Precision::float32);
  CHECK(node_named(graph, "inside").precision == Precision::undecided);
  CHECK(node_named(graph, "after").precision == Precision::float32);
  CHECK(node_named(graph, "after").reason.find("author") != std::string::npos);
}

TEST_CASE("what takes its operand's type behind the author's dequantize may stay in int8") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.quantize("quant", m.input({1, 4, 4, 3}), {0.25f, 10}));
  m.scale(conv, 0.5f, 3);
  const auto real = m.dequantize("dequant", conv);
  const Graph graph = after_pass(
      absorb_quantize_nodes, m.finish({m.argmax("best", real), m.reshape("flat", real, {1, 64})}));
  CHECK(node_named(graph, "best").precision == Precision::undecided);
  CHECK(node_named(graph, "flat").precision == Precision::undecided);
}

TEST_CASE("dequantize and quantize of one scale between two layers disappear") {
  GraphMaker m;
  const auto first = m.conv("first", m.quantize("quant", m.input({1, 4, 4, 3}), {0.25f, 10}));
  m.scale(first, 0.5f, 3);
  const auto again = m.quantize("again", m.dequantize("dequant", first), {0.5f, 3});
  const auto second = m.conv("second", again);
  m.scale(second, 0.5f, 3);
  Graph graph = m.finish({second});
  CHECK(ops_of(after_pass(absorb_quantize_nodes, graph)) == "conv2d conv2d");
  CHECK(nodes_of(build(graph)).find("requantize") == std::string::npos);
}

TEST_CASE("dequantize and quantize of two scales become one requantize") {
  GraphMaker m;
  const auto first = m.conv("first", m.quantize("quant", m.input({1, 4, 4, 3}), {0.25f, 10}));
  m.scale(first, 0.5f, 3);
  const auto shared = m.simple("neg", Op::neg, first);
  m.scale(shared, 0.5f, 100);
  const auto again = m.quantize("again", m.dequantize("dequant", shared), {0.125f, 20});
  const auto second = m.conv("second", again);
  m.scale(second, 0.5f, 3);
  const Graph graph = m.finish({m.dequantize("out", second)});
  CHECK(ops_of(after_pass(absorb_quantize_nodes, graph)) == "conv2d neg clip conv2d");
  const std::string nodes = nodes_of(build(graph));
  CHECK(nodes.find("again:requantize") != std::string::npos);
  CHECK(nodes.find("dequant:") == std::string::npos);
}

namespace {

using Move = TensorId (*)(GraphMaker&, TensorId);

// A convolution, a node that its author runs in float on the result, and a second convolution with
// a scale of its own.
Graph requantized_after(Move move) {
  GraphMaker m;
  const auto first = m.conv("first", m.quantize("quant", m.input({1, 4, 4, 3}), {0.25f, 10}));
  m.scale(first, 0.5f, 3);
  const auto moved = move(m, m.dequantize("dequant", first));
  const auto second = m.conv("second", m.quantize("again", moved, {0.125f, 20}));
  m.scale(second, 0.5f, 3);
  return m.finish({m.dequantize("out", second)});
}

}  // namespace

TEST_CASE("a quantize keeps its scale behind what only moves a dequantized tensor's levels") {
  const Move moves[] = {
      [](GraphMaker& m, TensorId x) { return m.max_pool("moved", x); },
      [](GraphMaker& m, TensorId x) { return m.reshape("moved", x, {1, 2, 8, 4}); },
      [](GraphMaker& m, TensorId x) { return m.transpose("moved", x, {0, 2, 1, 3}); },
      [](GraphMaker& m, TensorId x) {
        return m.node("moved", Op::slice, SliceAttributes{{0, 1, 0, 0}, {1, 1, 1, 1}, {1, 3, 4, 4}},
                      {x});
      },
      [](GraphMaker& m, TensorId x) {
        return m.node("moved", Op::pad, PadAttributes{{0, 1, 1, 0}, {0, 1, 1, 0}}, {x});
      },
      [](GraphMaker& m, TensorId x) { return m.concat("moved", {x, x}, 3); },
  };
  for (const Move move : moves) {
    Graph graph = requantized_after(move);
    for (const bool keeps_rounding : {false, true}) {
      graph.keeps_rounding = keeps_rounding;
      const Graph absorbed = after_pass(absorb_quantize_nodes, graph);
      INFO(ops_of(absorbed));
      CHECK(tensor_named(absorbed, "moved").quantization == Quantization{0.5f, 3});
      CHECK(tensor_named(absorbed, "again").quantization == Quantization{0.125f, 20});
      CHECK(node_named(absorbed, "again").op == Op::clip);
      CHECK(nodes_of(build(graph)).find("again:requantize") != std::string::npos);
    }
  }
}

TEST_CASE(
    "a concat of two scales in float is rounded once, to the scale of the quantize behind it") {
  GraphMaker m;
  const auto x = m.quantize("quant", m.input({1, 4, 4, 3}), {0.25f, 10});
  const auto a = m.conv("a", x);
  const auto b = m.conv("b", x);
  m.scale(a, 0.5f, 3).scale(b, 0.25f, 9);
  const auto both = m.concat("both", {m.dequantize("a.float", a), m.dequantize("b.float", b)}, 3);

  SECTION("bytes, where the quantize comes next") {
    const auto again = m.conv("again", m.quantize("requant", both, {0.125f, 20}));
    m.scale(again, 0.5f, 3);
    Graph graph = m.finish({m.dequantize("out", again)});
    graph.keeps_rounding = true;
    graph = after_pass(absorb_quantize_nodes, std::move(graph));
    CHECK(node_named(graph, "both").precision == Precision::undecided);
    CHECK(tensor_named(graph, "both").quantization == Quantization{0.125f, 20});
  }
  SECTION("in float, where others read it") {
    Graph graph = m.finish({both});
    graph.keeps_rounding = true;
    CHECK(node_named(after_pass(absorb_quantize_nodes, graph), "both").precision ==
          Precision::float32);
    graph.keeps_rounding = false;
    CHECK(node_named(after_pass(absorb_quantize_nodes, graph), "both").precision ==
          Precision::undecided);
  }
}

TEST_CASE("padding with a value between two levels stays in float") {
  const Graph graph = after_pass(
      absorb_quantize_nodes, requantized_after([](GraphMaker& m, TensorId x) {
        return m.node("moved", Op::pad, PadAttributes{{0, 1, 1, 0}, {0, 1, 1, 0}, 0.3f}, {x});
      }));
  CHECK(node_named(graph, "moved").precision == Precision::float32);
  CHECK(tensor_named(graph, "moved").quantization == Quantization{0.125f, 20});
}

TEST_CASE("a float tensor that is quantized in two ways is rounded once in each") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3});
  const auto a = m.conv("a", m.quantize("fine", x, {0.01f, 128}));
  const auto b = m.conv("b", m.quantize("coarse", x, {0.25f, 10}));
  m.scale(a, 0.05f, 128).scale(b, 0.05f, 128);
  const Graph graph = m.finish({m.dequantize("a.out", a), m.dequantize("b.out", b)});
  const Graph absorbed = after_pass(absorb_quantize_nodes, graph);
  CHECK(absorbed.tensor(absorbed.inputs[0]).quantization == Quantization{0.01f, 128});
  CHECK(node_named(absorbed, "coarse").precision == Precision::float32);
  CHECK(nodes_of(build(graph)).find("requantize") == std::string::npos);
}

TEST_CASE("what came quantized is rounded where only float nodes and moves read it, too") {
  GraphMaker m;
  const auto before = m.simple("neg", Op::neg, m.input({1, 4, 4, 3}));
  const auto bytes = m.quantize("quant", before, {0.5f, 128});
  const auto moved = m.transpose("moved", bytes, {0, 2, 1, 3});
  m.scale(moved, 0.5f, 128);
  Graph graph = m.finish({m.dequantize("a", moved), m.dequantize("b", bytes)});
  graph.keeps_rounding = true;
  for (const Values& values : run(build(graph), random_inputs(graph))) {
    for (const float value : values) CHECK(value == 0.5f * std::nearbyint(value / 0.5f));
  }
}

TEST_CASE("a part in float does not see that its input is quantized elsewhere") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3});
  const auto conv = m.conv("conv", m.quantize("quant", x, {0.25f, 10}));
  m.scale(conv, 0.5f, 3);
  const auto moved = m.transpose("moved", x, {0, 2, 1, 3});
  const Graph graph = m.finish({m.dequantize("out", conv), moved});
  CHECK(node_named(after_pass(absorb_quantize_nodes, graph), "moved").precision ==
        Precision::float32);
  const auto inputs = random_inputs(graph);
  const auto outputs = run(build(graph), inputs);
  CHECK(outputs[1][3 * 4] == inputs[0][3 * 1]);
}

TEST_CASE("a graph without borders is left as it is") {
  GraphMaker m;
  Graph graph = m.finish({m.conv("conv", m.input({1, 4, 4, 3}))});
  CHECK_FALSE(after_pass(absorb_quantize_nodes, graph).has_authors_borders);
}
