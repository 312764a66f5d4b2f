#include <catch2/catch.hpp>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;

namespace {

Graph with_fused_activations(const Graph& graph) {
  return after_pass(octet::graph::fuse_activation, graph);
}

}  // namespace

TEST_CASE("relu, relu6 and clip become the bounds of the convolution before them") {
  const std::vector<Bounds> all = {{.min = 0}, {0, 6}, {-0.25f, 0.5f}, {.max = 0.1f}};
  for (const Bounds& bounds : all) {
    INFO(bounds.min << " to " << bounds.max);
    GraphMaker m;
    const auto conv = m.conv("conv", m.input({1, 4, 4, 3}));
    const auto act = m.clip("act", conv, bounds);
    m.scale(act, 0.1f, 2);
    const Graph graph = with_fused_activations(m.finish({act}));
    REQUIRE(ops_of(graph) == "conv2d");
    CHECK(std::get<ConvAttributes>(graph.nodes[0].attributes).bounds == bounds);
    CHECK(graph.nodes[0].fused == std::vector<std::string>{"act"});
    CHECK(graph.tensor(graph.outputs[0]).quantization == Quantization{0.1f, 2});
  }
}

TEST_CASE("relu becomes the bounds of linear layers, adds, products and pools") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 4});
  const auto add = m.relu("a", m.add("add", x, m.random_constant("c", {4})));
  const auto mul = m.relu6("b", m.mul("mul", add, x));
  const auto max = m.clip("c", m.max_pool("max", mul), {0.1f, 1});
  const auto mean = m.clip("d", m.average_pool("mean", max), {0.2f, 0.4f});
  const auto flat = m.reshape("flat", mean, {1, 4});
  const auto y = m.relu("e", m.linear("linear", flat));
  CHECK(ops_of(with_fused_activations(m.finish({y}))) ==
        "add mul max_pool2d avg_pool2d reshape linear");
}

TEST_CASE("a relu on a convolution that somebody else reads is not fused") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 4, 4, 3}));
  CHECK(ops_of(with_fused_activations(m.finish({m.relu("relu", conv), conv}))) == "conv2d clip");
}

TEST_CASE("relu before a convolution stays where it is") {
  GraphMaker m;
  const auto y = m.conv("conv", m.relu("relu", m.input({1, 4, 4, 3})));
  CHECK(ops_of(with_fused_activations(m.finish({y}))) == "clip conv2d");
}

TEST_CASE("two activations on one convolution narrow its bounds") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 4, 4, 3}));
  const Graph graph =
      with_fused_activations(m.finish({m.clip("b", m.relu6("a", conv), {-1, 0.5f})}));
  REQUIRE(ops_of(graph) == "conv2d");
  CHECK(std::get<ConvAttributes>(graph.nodes[0].attributes).bounds == Bounds{0, 0.5f});
}

TEST_CASE("a model that came quantized keeps a clip between two roundings") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 4, 4, 3}));
  const auto relu = m.relu("relu", conv);
  m.scale(conv, 0.1f, 100).scale(relu, 0.05f, 0);
  Graph graph = m.finish({relu});
  graph.keeps_rounding = true;
  CHECK(ops_of(with_fused_activations(graph)) == "conv2d clip");
  graph.keeps_rounding = false;
  CHECK(ops_of(with_fused_activations(graph)) == "conv2d");
}

TEST_CASE("a max pool does not take over a relu that changes its scale") {
  GraphMaker m;
  const auto pool = m.max_pool("pool", m.input({1, 4, 4, 3}));
  const auto relu = m.relu("relu", pool);
  m.scale(pool, 0.1f, 100).scale(relu, 0.05f, 0);
  CHECK(ops_of(with_fused_activations(m.finish({relu}))) == "max_pool2d clip");
}
