#include <catch2/catch.hpp>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;

namespace {

Graph unified(Graph graph) {
  for (Node& node : graph.nodes) node.precision = octet::graph::Precision::int8;
  REQUIRE(octet::graph::unify_scales(graph));
  return graph;
}

float scale_of(const Graph& graph, const std::string& name) {
  return tensor_named(graph, name).quantization->scale;
}

constexpr Quantization input_quantization = {0.0625f, 128};

}  // namespace

TEST_CASE("what moves bytes has its operand's scale, whatever calibration found") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3}, input_quantization);
  const auto pool = m.max_pool("pool", x);
  const auto flat = m.reshape("flat", pool, {1, 12});
  m.scale(pool, 0.5f, 1).scale(flat, 0.25f, 2);
  const Graph graph = unified(m.finish({flat}));
  CHECK(tensor_named(graph, "pool").quantization == input_quantization);
  CHECK(tensor_named(graph, "flat").quantization == input_quantization);
}

TEST_CASE("convolutions that only a concat reads write in its scale") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3}, input_quantization);
  const auto a = m.conv("a", x);
  const auto b = m.conv("b", x);
  const auto pooled =
      m.max_pool("pool", m.conv("c", x, {.channels = 4}), {.kernel = 1, .stride = 1});
  const auto y = m.concat("concat", {a, b, pooled}, 3);
  m.scale(a, 0.1f).scale(b, 0.2f).scale(y, 0.3f, 5);
  m.scale(pooled, 0.4f).scale(m.graph().nodes[2].output(), 0.5f);
  const Graph graph = unified(m.finish({y}));
  for (const char* name : {"a", "b", "c", "pool"}) CHECK(scale_of(graph, name) == 0.3f);
}

TEST_CASE("an operand that somebody else reads, an input, and an output keep their scales") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 4}, input_quantization);
  const auto shared = m.conv("shared", x);
  const auto output = m.conv("output", x);
  const auto y = m.concat("concat", {x, shared, output}, 3);
  const auto other = m.conv("other", shared);
  m.scale(shared, 0.1f).scale(output, 0.2f).scale(y, 0.3f).scale(other, 0.5f);
  const Graph graph = unified(m.finish({y, other, output}));
  CHECK(scale_of(graph, "shared") == 0.1f);
  CHECK(scale_of(graph, "output") == 0.2f);
  CHECK(graph.tensor(graph.inputs[0]).quantization == input_quantization);
}

TEST_CASE("a chain of concats takes the last one's scale") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3}, input_quantization);
  const auto a = m.conv("a", x);
  const auto b = m.conv("b", x);
  const auto c = m.conv("c", x);
  const auto inner = m.concat("inner", {a, b}, 3);
  const auto outer = m.concat("outer", {inner, c}, 3);
  m.scale(a, 0.1f).scale(b, 0.2f).scale(c, 0.3f).scale(inner, 0.4f).scale(outer, 0.5f);
  const Graph graph = unified(m.finish({outer}));
  // A concat copies bytes, so it cannot round to the scale of another concat. Its operands can.
  CHECK(scale_of(graph, "c") == 0.5f);
  CHECK(scale_of(graph, "a") == scale_of(graph, "inner"));
  CHECK(scale_of(graph, "b") == scale_of(graph, "inner"));
}

TEST_CASE("a model that came quantized keeps each operand's scale, but moves still move") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3}, input_quantization);
  const auto a = m.conv("a", x);
  const auto b = m.max_pool("b", m.conv("c", x), {.kernel = 1, .stride = 1});
  const auto y = m.concat("concat", {a, b}, 3);
  m.scale(a, 0.1f).scale(b, 0.2f).scale(y, 0.3f).scale(m.graph().nodes[1].output(), 0.4f);
  Graph graph = m.finish({y});
  graph.keeps_rounding = true;
  graph = unified(graph);
  CHECK(scale_of(graph, "a") == 0.1f);
  CHECK(scale_of(graph, "b") == 0.4f);
}
