#include <catch2/catch.hpp>

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

TEST_CASE("a graph without borders is left as it is") {
  GraphMaker m;
  Graph graph = m.finish({m.conv("conv", m.input({1, 4, 4, 3}))});
  CHECK_FALSE(after_pass(absorb_quantize_nodes, graph).has_authors_borders);
}
