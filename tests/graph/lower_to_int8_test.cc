#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "tests/engine/functions.h"
#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;

namespace {

Graph lowered(Graph graph) {
  for (Node& node : graph.nodes) node.precision = octet::graph::Precision::int8;
  REQUIRE(octet::graph::lower_to_int8(graph));
  return graph;
}

const octet::graph::Tensor& operand(const Graph& graph, std::size_t node, std::size_t index) {
  return graph.tensor(graph.nodes[node].inputs[index]);
}

}  // namespace

TEST_CASE("a function of one value becomes a table, rounded to even and clamped") {
  GraphMaker m;
  const auto x = m.input({1, 4}, Quantization{0.25f, 100});
  const auto y = m.simple("silu", Op::silu, x);
  m.scale(y, 0.125f, 10);
  const Graph graph = lowered(m.finish({y}));
  REQUIRE(ops_of(graph) == "lookup");
  CHECK(graph.nodes[0].fused == std::vector<std::string>{"silu"});
  const auto& table = operand(graph, 0, 1);
  CHECK(table.shape == Shape{256});
  for (int q = 0; q < 256; ++q) {
    const double real = 0.25 * (q - 100);
    const double expected =
        std::clamp(std::nearbyint(real / (1 + std::exp(-real)) / 0.125) + 10, 0.0, 255.0);
    CHECK(static_cast<int>((*table.data)[static_cast<std::size_t>(q)]) ==
          static_cast<int>(expected));
  }
}

TEST_CASE("every function of one value is near its float self in int8") {
  for (const Op op : functions_of_one_value()) {
    if (!takes_all_numbers(op)) continue;
    INFO(op_name(op));
    GraphMaker m;
    const auto y = m.node("f", op, function_attributes(op, 0.3f), {m.input({1, 200})});
    check_int8_is_near_float(m.finish({y}), 0.02f);
  }
}

TEST_CASE("a logarithm and a root of what they are not defined for give a byte all the same") {
  for (const Op op : {Op::log, Op::sqrt}) {
    GraphMaker m;
    const auto x = m.input({1, 3}, Quantization{0.25f, 4});
    const auto y = m.simple("f", op, x);
    m.scale(y, 0.1f, 20);
    const Graph graph = lowered(m.finish({y}));
    CHECK(static_cast<int>((*operand(graph, 0, 1).data)[0]) == 20);  // NaN becomes the zero point
  }
}

TEST_CASE("softmax gets a table of exp(-scale * d)") {
  GraphMaker m;
  const auto y = m.softmax("softmax", m.input({1, 4}, Quantization{0.25f, 100}));
  m.scale(y, 1.0f / 256);
  const Graph graph = lowered(m.finish({y}));
  const auto table = octet::graph::float_values(operand(graph, 0, 1));
  REQUIRE(table.size() == 256);
  CHECK(table[0] == 1);
  CHECK(table[255] == static_cast<float>(std::exp(-0.25 * 255)));
}

TEST_CASE("a lone clip becomes a requantize within its bounds") {
  GraphMaker m;
  const auto y = m.relu6("clip", m.input({1, 4}, Quantization{0.25f, 100}));
  m.scale(y, 0.25f, 100);
  const Graph graph = lowered(m.finish({y}));
  REQUIRE(ops_of(graph) == "requantize");
  CHECK(std::get<ClipAttributes>(graph.nodes[0].attributes).bounds == Bounds{0, 6});
}

TEST_CASE("a constant operand becomes u8 with the finest scale that holds it and 0") {
  GraphMaker m;
  const auto x = m.input({1, 3}, Quantization{0.25f, 100});
  const auto y = m.mul("mul", x, m.constant("c", {3}, {-1, 0, 1.55f}));
  m.scale(y, 0.25f, 100);
  const Graph graph = lowered(m.finish({y}));
  const auto& c = operand(graph, 0, 1);
  REQUIRE(c.type == Type::u8);
  CHECK(c.quantization->scale == Approx(0.01));
  CHECK(c.quantization->zero_point == 100);
  CHECK(std::to_integer<int>((*c.data)[0]) == 0);
  CHECK(std::to_integer<int>((*c.data)[2]) == 255);
}

TEST_CASE("constants of nothing but zeros, of one value, and tiny ones can be operands") {
  for (const float value : {0.0f, 3.0f, -0.5f, 1e-41f}) {
    INFO(value);
    GraphMaker m;
    const auto y = m.add("add", m.input({1, 50}), m.constant("c", {1}, {value}));
    check_int8_is_near_float(m.finish({y}), 0.02f);
  }
}

TEST_CASE("a constant operand that is no finite number is an error with its name") {
  GraphMaker m;
  const auto x = m.input({1, 2}, Quantization{0.25f, 100});
  const auto y = m.mul("mul", x, m.constant("factor", {2}, {1, INFINITY}));
  m.scale(y, 0.25f, 100);
  const auto built = octet::graph::build_model(m.finish({y}), {});
  REQUIRE_FALSE(built);
  CHECK(built.error().message.find("factor") != std::string::npos);
}
