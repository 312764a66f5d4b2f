#include <catch2/catch.hpp>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;

namespace {

Graph with_folded_biases(const Graph& graph) {
  return after_pass(octet::graph::fold_bias_add, graph);
}

}  // namespace

TEST_CASE("a constant added to a convolution becomes its bias, or joins the one it has") {
  for (const bool bias : {false, true}) {
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{5}, Shape{1, 1, 1, 5}}) {
      INFO(bias << " " << shape_text(shape));
      GraphMaker m;
      const auto conv =
          m.conv("conv", m.input({1, 4, 4, 3}), {.channels = 5, .kernel = 3, .bias = bias});
      const Graph graph =
          with_folded_biases(m.finish({m.add("add", conv, m.random_constant("c", shape))}));
      REQUIRE(ops_of(graph) == "conv2d");
      CHECK(graph.nodes[0].fused == std::vector<std::string>{"add"});
    }
  }
}

TEST_CASE("a constant may come first, be subtracted, or be one of two") {
  GraphMaker m;
  const auto x = m.input({3, 4});
  const auto first = m.add("first", m.random_constant("a", {5}), m.linear("l", x, {.channels = 5}));
  const auto second = m.node("second", Op::sub, BinaryAttributes{},
                             {m.linear("k", first, {.channels = 2}), m.random_constant("b", {2})});
  const auto third = m.add("third", second, m.random_constant("c", {1}));
  CHECK(ops_of(with_folded_biases(m.finish({third}))) == "linear linear");
}

TEST_CASE("what is no bias of the layer before it stays an add") {
  GraphMaker m;
  const auto x = m.input({1, 4, 5, 3});
  const auto conv = [&](const char* name) { return m.conv(name, x, {.channels = 2}); };
  const auto columns = m.add("columns", conv("a"), m.random_constant("c", {5, 1}));
  const auto wider = m.add("wider", conv("b"), m.random_constant("d", {2, 1, 1, 2}));
  const auto negative =
      m.node("negative", Op::sub, BinaryAttributes{}, {m.random_constant("e", {2}), conv("d")});
  const auto after_relu =
      m.add("after_relu", m.relu("relu", conv("e")), m.random_constant("f", {2}));
  const auto shared = conv("f");
  const auto read_twice = m.add("read_twice", shared, m.random_constant("g", {2}));
  const Graph graph =
      m.finish({columns, wider, negative, after_relu, read_twice, m.relu("other", shared)});
  CHECK(ops_of(with_folded_biases(graph)) == ops_of(graph));
}

TEST_CASE("a layer that its author's framework rounds before the add keeps its rounding") {
  for (const bool keeps : {false, true}) {
    GraphMaker m;
    const auto conv = m.conv("conv", m.input({1, 4, 4, 3}), {.channels = 5});
    m.scale(conv, 0.1f, 3);
    Graph graph = m.finish({m.add("add", conv, m.random_constant("c", {5}))});
    graph.keeps_rounding = keeps;
    CHECK(ops_of(with_folded_biases(graph)) == (keeps ? "conv2d add" : "conv2d"));
  }
}
