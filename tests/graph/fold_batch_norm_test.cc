#include <catch2/catch.hpp>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;

namespace {

Graph with_folded_norms(const Graph& graph) {
  return after_pass(octet::graph::fold_batch_norm, graph);
}

}  // namespace

TEST_CASE("a batch norm after a convolution goes into its weights") {
  for (const bool bias : {false, true}) {
    for (const int groups : {1, 2, 4}) {
      INFO("bias " << bias << ", groups " << groups);
      GraphMaker m;
      const auto conv =
          m.conv("conv", m.input({1, 5, 5, 4}),
                 {.channels = 8, .kernel = 3, .padding = 1, .groups = groups, .bias = bias});
      const Graph graph = with_folded_norms(m.finish({m.batch_norm("bn", conv)}));
      CHECK(ops_of(graph) == "conv2d");
      CHECK(graph.nodes[0].fused == std::vector<std::string>{"bn"});
    }
  }
}

TEST_CASE("a batch norm before a convolution goes into its weights where nothing is padded") {
  for (const bool bias : {false, true}) {
    for (const int groups : {1, 2, 4}) {
      INFO("bias " << bias << ", groups " << groups);
      GraphMaker m;
      const auto bn = m.batch_norm("bn", m.input({1, 5, 5, 4}));
      const auto conv =
          m.conv("conv", bn, {.channels = 8, .kernel = 3, .groups = groups, .bias = bias});
      CHECK(ops_of(with_folded_norms(m.finish({conv}))) == "conv2d");
    }
  }
}

TEST_CASE("a batch norm that shifts, before a convolution that pads, is not folded into it") {
  GraphMaker m;
  const auto bn = m.batch_norm("bn", m.input({1, 5, 5, 4}));
  const auto conv = m.conv("conv", bn, {.kernel = 3, .padding = 1});
  const Graph graph = with_folded_norms(m.finish({conv}));
  REQUIRE(ops_of(graph) == "conv2d conv2d");
  CHECK(std::get<ConvAttributes>(graph.nodes[0].attributes).groups == 4);
}

TEST_CASE("a batch norm that only scales goes into a convolution that pads") {
  GraphMaker m;
  const auto bn = m.batch_norm("bn", m.input({1, 5, 5, 4}), false);
  const auto conv = m.conv("conv", bn, {.kernel = 3, .padding = 1});
  CHECK(ops_of(with_folded_norms(m.finish({conv}))) == "conv2d");
}

TEST_CASE("batch norms before and after a linear layer go into it") {
  GraphMaker m;
  const auto before = m.batch_norm("before", m.input({2, 6}));
  const auto after =
      m.batch_norm("after", m.linear("linear", before, {.channels = 3, .bias = false}));
  const Graph graph = with_folded_norms(m.finish({after}));
  REQUIRE(ops_of(graph) == "linear");
  CHECK(graph.nodes[0].fused.size() == 2);
}

TEST_CASE("two batch norms in a row both go into the convolution before them") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 5, 5, 4}));
  const auto y = m.batch_norm("second", m.batch_norm("first", conv));
  CHECK(ops_of(with_folded_norms(m.finish({y}))) == "conv2d");
}

TEST_CASE("a lone batch norm becomes a depthwise 1x1 convolution, of any rank") {
  for (const Shape& shape : {Shape{1, 4, 4, 3}, Shape{2, 3}, Shape{1, 7, 3}}) {
    GraphMaker m;
    const Graph graph = with_folded_norms(m.finish({m.batch_norm("bn", m.input(shape))}));
    const Node& conv = node_named(graph, "bn");
    CHECK(conv.op == Op::conv2d);
    CHECK(std::get<ConvAttributes>(conv.attributes).groups == 3);
  }
}

TEST_CASE("a batch norm stays alone when somebody else reads the convolution before it") {
  for (const bool as_output : {true, false}) {
    GraphMaker m;
    const auto conv = m.conv("conv", m.input({1, 4, 4, 3}));
    const auto bn = m.batch_norm("bn", conv);
    const Graph graph =
        m.finish(as_output ? std::vector{bn, conv} : std::vector{m.add("sum", bn, conv)});
    CHECK(ops_of(with_folded_norms(graph)) == (as_output ? "conv2d conv2d" : "conv2d conv2d add"));
  }
}

TEST_CASE("a batch norm whose output two convolutions read is not folded into one of them") {
  GraphMaker m;
  const auto bn = m.batch_norm("bn", m.input({1, 4, 4, 3}));
  const auto sum = m.add("sum", m.conv("a", bn), m.conv("b", bn));
  CHECK(ops_of(with_folded_norms(m.finish({sum}))) == "conv2d conv2d conv2d add");
}

TEST_CASE("a batch norm after a relu is not folded through it") {
  GraphMaker m;
  const auto relu = m.relu("relu", m.conv("conv", m.input({1, 4, 4, 3})));
  CHECK(ops_of(with_folded_norms(m.finish({m.batch_norm("bn", relu)}))) == "conv2d clip conv2d");
}

TEST_CASE("layers that share their weights are folded each with a copy of its own") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 4});
  const auto first = m.conv("first", x);
  const auto second = m.node("second", Op::conv2d, m.last().attributes,
                             {x, m.last().inputs[1], m.last().inputs[2]});
  const auto sum = m.add("sum", m.batch_norm("bn", first), second);
  CHECK(ops_of(with_folded_norms(m.finish({sum}))) == "conv2d conv2d add");
}

TEST_CASE("a batch norm is not folded into a layer on the other side of the author's border") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 4, 4, 3}));
  const auto bn = m.batch_norm("bn", conv);
  Graph graph = m.finish({bn});
  graph.nodes[0].precision = octet::graph::Precision::float32;
  CHECK(ops_of(with_folded_norms(graph)) == "conv2d conv2d");
}
