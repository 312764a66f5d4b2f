#include <catch2/catch.hpp>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;

namespace {

Graph canonical(const Graph& graph) { return after_pass(octet::graph::canonicalise, graph); }

Bounds bounds_of(const Node& node) { return std::get<ClipAttributes>(node.attributes).bounds; }

}  // namespace

TEST_CASE("identities go, and the layer behind them keeps the calibration that only they had") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 4, 4, 3}));
  const auto dropout = m.simple("dropout", Op::identity, conv);
  m.scale(dropout, 0.5f, 7);
  const auto second = m.conv("second", dropout);
  const Graph graph = canonical(m.finish({second}));
  CHECK(ops_of(graph) == "conv2d conv2d");
  CHECK(tensor_named(graph, "conv").quantization == Quantization{0.5f, 7});
}

TEST_CASE("an output behind an identity keeps the name that the author gave it") {
  GraphMaker m;
  const auto logits = m.simple("logits", Op::identity, m.conv("conv", m.input({1, 4, 4, 3})));
  const Graph graph = canonical(m.finish({logits}));
  CHECK(ops_of(graph) == "conv2d");
  CHECK(graph.tensor(graph.outputs[0]).name == "logits");
}

TEST_CASE("a model that is one identity still runs") {
  GraphMaker m;
  const auto y = m.simple("same", Op::identity, m.input({1, 2, 2, 1}));
  const std::vector<Values> inputs = {{1, -2, 3, 4}};
  CHECK(run(build(m.finish({y}), {.float_only = true}), inputs) == inputs);
  CHECK(run(build(m.finish({y})), inputs) == inputs);
}

TEST_CASE("a mean over height and width becomes an average pool, with or without keepdims") {
  GraphMaker m;
  const auto x = m.input({1, 5, 3, 4});
  const auto kept = m.mean("kept", x, {1, 2}, true);
  const auto flat = m.mean("flat", x, {2, 1});
  const Graph graph = canonical(m.finish({kept, flat}));
  CHECK(ops_of(graph) == "avg_pool2d avg_pool2d reshape");
  CHECK(graph.tensor(graph.outputs[0]).shape == Shape{1, 1, 1, 4});
  CHECK(graph.tensor(graph.outputs[1]).shape == Shape{1, 4});
}

TEST_CASE("a mean over channels stays a mean") {
  GraphMaker m;
  const auto y = m.mean("mean", m.input({1, 5, 3, 4}), {3});
  CHECK(ops_of(canonical(m.finish({y}))) == "mean");
}

TEST_CASE("division by a constant becomes a product; by a tensor or by zero it stays") {
  GraphMaker m;
  const auto x = m.input({1, 2, 2, 2});
  const auto by_constant =
      m.node("by constant", Op::div, BinaryAttributes{}, {x, m.constant("c", {2}, {4, -0.3f})});
  const auto by_tensor =
      m.node("by tensor", Op::div, BinaryAttributes{}, {by_constant, m.simple("e", Op::exp, x)});
  const auto by_zero =
      m.node("by zero", Op::div, BinaryAttributes{}, {x, m.constant("z", {2}, {1, 0})});
  CHECK(ops_of(canonical(m.finish({by_tensor}))) == "mul exp div");
  Graph zero = m.finish({by_zero});
  REQUIRE(octet::graph::canonicalise(zero));
  CHECK(ops_of(zero) == "div");
}

TEST_CASE("a prelu of one slope becomes a leaky relu; of several it stays") {
  GraphMaker m;
  const auto x = m.input({1, 2, 2, 3});
  const auto one =
      m.node("one", Op::prelu, NoAttributes{}, {x, m.constant("a", {3}, {.2f, .2f, .2f})});
  const auto each =
      m.node("each", Op::prelu, NoAttributes{}, {one, m.constant("b", {3}, {.1f, .2f, .3f})});
  CHECK(ops_of(canonical(m.finish({each}))) == "leaky_relu prelu");
}

TEST_CASE("clips in a row become one with the names of all") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3});
  const auto y = m.relu("third", m.clip("second", m.relu6("first", x), {-1, 0.5f}));
  const Graph graph = canonical(m.finish({y}));
  REQUIRE(ops_of(graph) == "clip");
  CHECK(bounds_of(graph.nodes[0]) == Bounds{0, 0.5f});
  CHECK(graph.nodes[0].fused == std::vector<std::string>{"first", "second"});
}

TEST_CASE("clips whose bounds do not meet give the second's nearest bound") {
  GraphMaker m;
  const auto y = m.clip("above", m.relu6("relu6", m.input({1, 4, 4, 3})), {7, 9});
  const Graph graph = canonical(m.finish({y}));
  REQUIRE(ops_of(graph) == "clip");
  CHECK(bounds_of(graph.nodes[0]) == Bounds{7, 7});
}

TEST_CASE("a clip that somebody else reads too is not merged") {
  GraphMaker m;
  const auto first = m.relu("first", m.input({1, 4, 4, 3}));
  const auto second = m.relu6("second", first);
  CHECK(ops_of(canonical(m.finish({second, first}))) == "clip clip");
}

TEST_CASE("a reshape to the same shape goes, and so does a concat of one") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 4, 4, 3}));
  const auto y = m.relu("relu", m.concat("concat", {m.reshape("same", conv, {1, 4, 4, 4})}, 3));
  CHECK(ops_of(canonical(m.finish({y}))) == "conv2d clip");
}

TEST_CASE("indices keep their type through what moves them") {
  GraphMaker m;
  const auto index = m.argmax("argmax", m.input({1, 2, 2, 3}));
  Graph graph = m.finish({m.reshape("flat", index, {4})});
  REQUIRE(octet::graph::canonicalise(graph));
  CHECK(graph.tensor(graph.outputs[0]).type == Type::s32);
}

TEST_CASE("two outputs of one value have both names, in float and in int8") {
  GraphMaker m;
  const auto y = m.relu("y", m.conv("c", m.input({1, 4, 4, 3})));
  const auto z = m.reshape("z", y, {1, 4, 4, 4});
  const auto w = m.reshape("w", z, {1, 4, 4, 4});
  Graph graph = m.finish({y, z, w});
  calibrate(graph);
  for (const bool float_only : {true, false}) {
    const Model model = build(graph, {.float_only = float_only});
    REQUIRE(model.outputs().size() == 3);
    for (std::size_t i = 0; i < 3; ++i) CHECK(model.outputs()[i].name == std::string(1, "yzw"[i]));
    const auto values = run(model, random_inputs(graph));
    CHECK(values[1] == values[0]);
    CHECK(values[2] == values[0]);
  }
}
