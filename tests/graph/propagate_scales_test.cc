#include <catch2/catch.hpp>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;
using octet::graph::propagate_scales;

namespace {

Graph propagated(const Graph& graph) { return after_pass(propagate_scales, graph); }

}  // namespace

TEST_CASE("what only moves bytes passes its operand's scale on") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 2}, Quantization{0.5f, 3});
  const auto pool = m.max_pool("pool", x);
  const auto turned = m.transpose("turned", pool, {0, 3, 1, 2});
  const auto flat = m.reshape("flat", turned, {1, 8});
  const auto cut = m.relu("relu", flat);
  const Graph graph = propagated(m.finish({cut}));
  for (const char* name : {"pool", "turned", "flat", "relu"}) {
    CHECK(tensor_named(graph, name).quantization == Quantization{0.5f, 3});
  }
}

TEST_CASE("an average pool without a scale keeps its operand's") {
  GraphMaker m;
  const auto pool = m.average_pool("pool", m.input({1, 4, 4, 2}, Quantization{0.5f, 3}));
  CHECK(tensor_named(propagated(m.finish({pool})), "pool").quantization == Quantization{0.5f, 3});
}

TEST_CASE("a layer whose reshaped output was observed has that scale") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 2, 2, 3}), {.channels = 2});
  const auto flat = m.reshape("flat", m.transpose("turned", conv, {0, 3, 1, 2}), {1, 8});
  m.scale(flat, 0.25f, 9);
  CHECK(tensor_named(propagated(m.finish({flat})), "conv").quantization == Quantization{0.25f, 9});
}

TEST_CASE("an observed scale is never replaced") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 2}, Quantization{0.5f, 3});
  const auto pool = m.average_pool("pool", x);
  m.scale(pool, 0.25f, 4);
  const auto sigmoid = m.simple("sigmoid", Op::sigmoid, pool);
  m.scale(sigmoid, 0.125f, 1);
  const Graph graph = propagated(m.finish({sigmoid}));
  CHECK(tensor_named(graph, "pool").quantization == Quantization{0.25f, 4});
  CHECK(tensor_named(graph, "sigmoid").quantization == Quantization{0.125f, 1});
}

TEST_CASE("functions of a known range need no calibration") {
  GraphMaker m;
  const auto x = m.input({1, 4}, Quantization{0.5f, 3});
  const auto sigmoid = m.simple("sigmoid", Op::sigmoid, x);
  const auto tanh = m.simple("tanh", Op::tanh, x);
  const auto softmax = m.softmax("softmax", x);
  const auto exp = m.simple("exp", Op::exp, x);
  const Graph graph = propagated(m.finish({sigmoid, tanh, softmax, exp}));
  CHECK(tensor_named(graph, "sigmoid").quantization == Quantization{1.0f / 256, 0});
  CHECK(tensor_named(graph, "tanh").quantization == Quantization{1.0f / 128, 128});
  CHECK(tensor_named(graph, "softmax").quantization == Quantization{1.0f / 256, 0});
  CHECK_FALSE(tensor_named(graph, "exp").quantization);
}

TEST_CASE("a concat without calibration has a scale that holds all of its operands") {
  GraphMaker m;
  const auto a = m.input({1, 2}, Quantization{0.01f, 0});    // 0 to 2.55
  const auto b = m.input({1, 2}, Quantization{0.02f, 255});  // -5.1 to 0
  const auto y = m.concat("y", {a, b}, 1);
  const auto q = tensor_named(propagated(m.finish({y})), "y").quantization;
  REQUIRE(q);
  CHECK(q->scale == Approx(7.65 / 255));
  CHECK(q->zero_point == 170);
}

TEST_CASE("a concat of equal scales has that scale; of one without, none") {
  GraphMaker m;
  const auto a = m.input({1, 2}, Quantization{0.5f, 7});
  const auto b = m.input({1, 2}, Quantization{0.5f, 7});
  const auto c = m.input({1, 2});
  const auto equal = m.concat("equal", {a, b}, 1);
  const auto partly = m.concat("partly", {a, c}, 1);
  const Graph graph = propagated(m.finish({equal, partly}));
  CHECK(tensor_named(graph, "equal").quantization == Quantization{0.5f, 7});
  CHECK_FALSE(tensor_named(graph, "partly").quantization);
}
