#include <catch2/catch.hpp>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;

namespace {

Graph with_fused_adds(Graph graph) {
  REQUIRE(octet::graph::fuse_activation(graph));
  return after_pass(octet::graph::fuse_residual_add, graph);
}

const ConvAttributes& conv_of(const Graph& graph, const std::string& name) {
  return std::get<ConvAttributes>(node_named(graph, name).attributes);
}

}  // namespace

TEST_CASE("an add is fused into the convolution on either of its sides") {
  for (const bool conv_first : {true, false}) {
    GraphMaker m;
    const auto x = m.input({1, 4, 4, 4});
    const auto conv = m.conv("conv", x, {.kernel = 3, .padding = 1});
    const auto sum = conv_first ? m.add("add", conv, x) : m.add("add", x, conv);
    const Graph graph = with_fused_adds(m.finish({sum}));
    REQUIRE(ops_of(graph) == "conv2d");
    CHECK(conv_of(graph, "conv").has_residual);
    CHECK(graph.nodes[0].inputs.back() == graph.inputs[0]);
    CHECK(graph.nodes[0].fused == std::vector<std::string>{"add"});
  }
}

TEST_CASE("a relu after the add is fused with it") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 4});
  const auto y = m.relu("relu", m.add("add", m.conv("conv", x), x));
  const Graph graph = with_fused_adds(m.finish({y}));
  REQUIRE(ops_of(graph) == "conv2d");
  CHECK(conv_of(graph, "conv").bounds == Bounds{.min = 0});
  CHECK(graph.nodes[0].fused == std::vector<std::string>{"add", "relu"});
}

TEST_CASE("a linear layer takes an add over too") {
  GraphMaker m;
  const auto x = m.input({2, 4});
  CHECK(ops_of(with_fused_adds(m.finish({m.add("add", x, m.linear("linear", x))}))) == "linear");
}

TEST_CASE("a residual add reads a convolution that two nodes read: not fused") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 4});
  const auto conv = m.conv("conv", x);
  const auto sum = m.add("add", conv, x);
  CHECK(ops_of(with_fused_adds(m.finish({sum, conv}))) == "conv2d add");
  CHECK(ops_of(with_fused_adds(m.finish({m.mul("mul", sum, conv)}))) == "conv2d add mul");
}

TEST_CASE("a convolution added to itself is not fused") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 4, 4, 4}));
  CHECK(ops_of(with_fused_adds(m.finish({m.add("add", conv, conv)}))) == "conv2d add");
}

TEST_CASE("of two convolutions that are added, the later one takes the add") {
  for (const bool swap : {false, true}) {
    GraphMaker m;
    const auto x = m.input({1, 4, 4, 4});
    const auto first = m.conv("first", x);
    const auto second = m.conv("second", x);
    const auto sum = swap ? m.add("add", second, first) : m.add("add", first, second);
    const Graph graph = with_fused_adds(m.finish({m.relu("relu", sum)}));
    REQUIRE(ops_of(graph) == "conv2d conv2d");
    CHECK_FALSE(conv_of(graph, "first").has_residual);
    CHECK(conv_of(graph, "second").has_residual);
    CHECK(conv_of(graph, "second").bounds == Bounds{.min = 0});
  }
}

TEST_CASE("a convolution with a relu of its own takes the add, and keeps its relu before it") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 4});
  const auto with_relu = m.relu("relu", m.conv("conv", x));
  const Graph graph = with_fused_adds(m.finish({m.relu("last", m.add("add", with_relu, x))}));
  REQUIRE(ops_of(graph) == "conv2d");
  CHECK(conv_of(graph, "conv").has_residual);
  CHECK(conv_of(graph, "conv").inner_bounds == Bounds{.min = 0});
  CHECK(conv_of(graph, "conv").bounds == Bounds{.min = 0});
}

TEST_CASE("of two convolutions the one without a relu of its own takes the add") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 4});
  const auto plain = m.conv("plain", x);
  const auto with_relu = m.relu("relu", m.conv("with relu", x));
  const Graph graph = with_fused_adds(m.finish({m.add("add", with_relu, plain)}));
  REQUIRE(ops_of(graph) == "conv2d conv2d");
  CHECK(conv_of(graph, "plain").has_residual);
  CHECK_FALSE(conv_of(graph, "with relu").has_residual);
}

TEST_CASE("the convolution waits for an operand that is made after it") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 4});
  const auto conv = m.conv("conv", x);
  const auto late = m.simple("late", Op::sigmoid, x);
  const Graph graph = with_fused_adds(m.finish({m.add("add", conv, late)}));
  CHECK(ops_of(graph) == "sigmoid conv2d");
}

TEST_CASE("adds that broadcast, or add a constant, stay adds") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 4});
  const auto row = m.input({1, 1, 1, 4});
  const auto broadcast = m.add("broadcast", m.conv("conv", x), row);
  const auto constant = m.add("constant", m.conv("conv2", x), m.random_constant("c", {1, 4, 4, 4}));
  CHECK(ops_of(with_fused_adds(m.finish({broadcast, constant}))) == "conv2d add conv2d add");
}

TEST_CASE("a chain of residual blocks is one convolution a block") {
  GraphMaker m;
  auto x = m.conv("stem", m.input({1, 6, 6, 3}));
  for (const std::string block : {"a", "b", "c"}) {
    const auto inner =
        m.relu(block + ".relu", m.conv(block + ".1", x, {.kernel = 3, .padding = 1}));
    const auto sum =
        m.add(block + ".add", m.conv(block + ".2", inner, {.kernel = 3, .padding = 1}), x);
    x = m.relu(block + ".out", sum);
  }
  const Graph graph = with_fused_adds(m.finish({x}));
  CHECK(ops_of(graph) == "conv2d conv2d conv2d conv2d conv2d conv2d conv2d");
}

TEST_CASE("two adds in a row: each convolution takes one") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 4});
  const auto sum = m.add("add1", m.conv("a", x), x);
  const auto y = m.add("add2", sum, m.conv("b", x));
  CHECK(ops_of(with_fused_adds(m.finish({y}))) == "conv2d conv2d");
}

TEST_CASE("a model that came quantized keeps its adds, and with them their rounding") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 4});
  Graph graph = m.finish({m.add("add", m.conv("conv", x), x)});
  graph.keeps_rounding = true;
  CHECK(ops_of(with_fused_adds(graph)) == "conv2d add");
}
