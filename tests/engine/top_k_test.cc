// top_k, which has two results: its values and where they were. And what it is the first to need:
// nodes of several results, of which some are read, some are outputs, and some are neither.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/float/island.h"
#include "engine/model_data.h"
#include "kernels/kernels.h"
#include "tests/graph/run_graph.h"
#include "tests/kernels/random.h"

namespace octet::test {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// Does `a` come before `b`, where the largest are wanted?
bool is_above(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && !std::isnan(b);
  return a > b;
}

struct Selected {
  std::vector<float> values;
  std::vector<int32_t> places;
};

/// Row by row, by a sort of all places; of equal values the earlier place comes first.
/// (std::stable_sort is not used: that of libstdc++ 12 uses parts that C++20 deprecates, and clang
/// warns.)
Selected select(const AxisAttributes& a, const Shape& shape, const std::vector<float>& x) {
  const auto axis = static_cast<std::size_t>(a.axis);
  const auto extent = static_cast<std::size_t>(shape[axis]);
  const auto k = static_cast<std::size_t>(a.k);
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < shape.size(); ++i) inner *= static_cast<std::size_t>(shape[i]);
  const std::size_t outer = x.size() / extent / inner;
  Selected out{.values = std::vector<float>(outer * k * inner),
               .places = std::vector<int32_t>(outer * k * inner)};
  for (std::size_t row = 0; row < outer * inner; ++row) {
    const std::size_t first = row / inner * extent * inner + row % inner;
    std::vector<std::size_t> order(extent);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, [&](std::size_t i, std::size_t j) {
      const float left = x[first + i * inner];
      const float right = x[first + j * inner];
      if (is_above(left, right)) return a.largest;
      if (is_above(right, left)) return !a.largest;
      return i < j;
    });
    for (std::size_t i = 0; i < k; ++i) {
      const std::size_t to = row / inner * k * inner + i * inner + row % inner;
      out.values[to] = x[first + order[i] * inner];
      out.places[to] = static_cast<int32_t>(order[i]);
    }
  }
  return out;
}

/// The same bits: NaN is NaN, and -0 is not 0.
bool same_bits(std::span<const float> a, std::span<const float> b) {
  return std::ranges::equal(
      a, b, {}, [](float v) { return std::bit_cast<uint32_t>(v); },
      [](float v) { return std::bit_cast<uint32_t>(v); });
}

struct TopKCase {
  Shape shape;
  AxisAttributes attributes;
};

TopKCase draw_case(Draw& draw) {
  Shape shape(static_cast<std::size_t>(draw.integer(1, 5)));
  for (int32_t& extent : shape) {
    extent = draw.chance(0.3) ? 1 : draw.pick({2, 3, 5, 8, 17, 70});
    if (element_count(shape) > 20000) extent = 1;
  }
  const int32_t axis = draw.integer(0, static_cast<int32_t>(shape.size()) - 1);
  const int32_t extent = shape[static_cast<std::size_t>(axis)];
  const int32_t k = draw.pick({1, extent, draw.integer(1, extent)});
  return {.shape = shape, .attributes = {.axis = axis, .k = k, .largest = draw.chance(0.5)}};
}

/// Many that are equal, many that are extreme.
std::vector<float> draw_values(Draw& draw, std::size_t count) {
  std::vector<float> values(count);
  const int kind = draw.integer(0, 3);
  for (float& v : values) {
    v = kind == 0   ? 0.25F
        : kind == 1 ? static_cast<float>(draw.integer(-2, 2))
        : kind == 2 ? draw.pick({0.0F, -0.0F, infinity, -infinity, not_a_number, -not_a_number,
                                 1e-45F, -1e-45F, std::numeric_limits<float>::max()})
                    : draw.real(-3, 3);
  }
  return values;
}

std::string describe(const TopKCase& c) {
  return shape_text(c.shape) + ", axis " + std::to_string(c.attributes.axis) + ", k " +
         std::to_string(c.attributes.k) + (c.attributes.largest ? ", largest" : ", smallest");
}

Model load(const Graph& graph) {
  const auto bytes = graph::write_model(graph);
  INFO((bytes ? "" : bytes.error().message));
  REQUIRE(bytes);
  auto model = Model::from_memory(*bytes);
  INFO((model ? "" : model.error().message));
  REQUIRE(model);
  return std::move(*model);
}

/// What octet inspect says of a file that is refused; "" for one that loads.
std::string error_of_top_k(const Graph& graph) {
  const auto bytes = graph::write_model(graph);
  REQUIRE(bytes);
  const auto model = Model::from_memory(*bytes);
  return model ? "" : model.error().message;
}

TEST_CASE("top_k of random shapes in float is a stable sort") {
  Random random(70);
  for (int round = 0; round < 400; ++round) {
    const TopKCase c = draw_case(random);
    INFO("seed " << random.seed << ", " << describe(c));
    GraphMaker m;
    const auto results = m.top_k("top", m.input(c.shape), c.attributes);
    const Model model = as_float_model(m.finish({results[0], results[1]}));
    const auto x = draw_values(random, static_cast<std::size_t>(element_count(c.shape)));
    const Session session = session_of(model, {.threads = random.integer(1, 2)}, {x});
    const Selected expected = select(c.attributes, c.shape, x);
    CHECK(same_bits(session.output(0).values<float>(), expected.values));
    CHECK(std::ranges::equal(session.output(1).values<int32_t>(), expected.places));
  }
}

TEST_CASE("top_k of random shapes in int8 moves bytes") {
  Random random(71);
  for (int round = 0; round < 400; ++round) {
    const TopKCase c = draw_case(random);
    INFO("seed " << random.seed << ", " << describe(c));
    const Quantization q = {.scale = 0.5F, .zero_point = random.integer(0, 255)};
    GraphMaker m;
    const auto x = m.quantize("x.u8", m.input(c.shape), q);
    const auto results = m.top_k("top", x, c.attributes);
    m.scale(results[0], q.scale, q.zero_point);
    Graph graph = m.finish({results[0], results[1]});
    for (Node& node : graph.nodes) {
      node.precision = graph::Precision::int8;
      graph.tensor(node.outputs[0]).type = Type::u8;
    }
    std::vector<uint8_t> bytes = random.bytes(static_cast<std::size_t>(element_count(c.shape)));
    if (random.chance(0.3)) std::ranges::for_each(bytes, [](uint8_t& b) { b &= 1; });
    Values reals;
    for (const uint8_t b : bytes) reals.push_back(static_cast<float>(b - q.zero_point) * q.scale);
    const Session session = session_of(load(graph), {.threads = random.integer(1, 2)}, {reals});
    const Selected expected = select(c.attributes, c.shape, {bytes.begin(), bytes.end()});
    CHECK(std::ranges::equal(session.output(0).values<uint8_t>(), expected.values));
    CHECK(std::ranges::equal(session.output(1).values<int32_t>(), expected.places));
  }
}

TEST_CASE("top_k: NaN is above all numbers, both zeros are equal, the lower place comes first") {
  GraphMaker m;
  const auto x = m.input({8});
  const auto most = m.top_k("most", x, {.axis = 0, .k = 5});
  const auto least = m.top_k("least", x, {.axis = 0, .k = 5, .largest = false});
  const Model model = as_float_model(m.finish({most[0], most[1], least[0], least[1]}));
  const auto y = run(model, {{1, -0.0F, not_a_number, 0, infinity, 1, -not_a_number, -2}});
  CHECK(y[1] == Values{2, 6, 4, 0, 5});
  CHECK(y[3] == Values{7, 1, 3, 0, 5});
  CHECK(std::signbit(y[2][1]));
  CHECK_FALSE(std::signbit(y[2][2]));
}

// In the arena a result that nobody reads must not lie where another one does.
TEST_CASE("results that nobody reads, that are outputs, and that are outputs twice") {
  for (const bool float_only : {true, false}) {
    for (const int read : {0, 1, 2, 3, 4}) {
      INFO((float_only ? "float" : "int8") << ", " << read);
      GraphMaker m;
      const auto x = m.input({1, 4, 4, 3});
      const auto conv = m.conv("conv", x, {.channels = 16});
      const auto top = m.top_k("top", conv, {.axis = 3, .k = 4});
      const auto after = m.relu("after", m.conv("deeper", top[0], {.channels = 8}));
      std::vector<TensorId> outputs = {conv};
      if (read == 0) outputs.push_back(top[0]);
      if (read == 1) outputs.push_back(top[1]);
      if (read == 2) outputs.push_back(after);
      if (read == 3) outputs = {conv, top[1], top[0], after};
      if (read == 4) outputs = {conv, top[0], top[1], top[0], top[1]};
      Graph graph = m.finish(outputs);
      const auto inputs = random_inputs(graph);
      calibrate(graph);
      const Model model = build(graph, {.float_only = float_only});
      CHECK(nodes_of(model).find(":top_k") != std::string::npos);
      const auto y = run(model, inputs);
      const Selected expected = select({.axis = 3, .k = 4}, {1, 4, 4, 16}, y[0]);
      const Values places(expected.places.begin(), expected.places.end());
      if (read == 0) CHECK(y[1] == expected.values);
      if (read == 1 || read == 3) CHECK(y[1] == places);
      if (read == 3) CHECK(y[2] == expected.values);
      if (read == 4) {
        CHECK(y[1] == expected.values);
        CHECK(y[2] == places);
        CHECK(y[3] == y[1]);
        CHECK(y[4] == y[2]);
      }
    }
  }
}

TEST_CASE("a node of which no result is read is dead, one of which one is read is not") {
  for (const int read : {0, 1, 2}) {
    GraphMaker m;
    const auto x = m.input({2, 9});
    const auto top = m.top_k("top", x, {.axis = 1, .k = 3});
    const auto other = m.simple("neg", Op::neg, x);
    Graph graph = m.finish(read < 2 ? std::vector{other, top[static_cast<std::size_t>(read)]}
                                    : std::vector{other});
    REQUIRE(graph::drop_dead_nodes(graph));
    CHECK(ops_of(graph) == (read < 2 ? "top_k neg" : "neg"));
  }
}

TEST_CASE("top_k inside a float island: both of its results leave it, or stay, or are not read") {
  for (const bool exact : {true, false}) {
    for (const int read : {0, 1, 2}) {
      INFO("exact " << exact << ", " << read);
      GraphMaker m;
      const Shape shape = {1, 6, 7};
      const auto x = m.input(shape);
      const auto before = m.simple("before", Op::sigmoid, x);
      const auto top = m.top_k("top", before, {.axis = 1, .k = 2});
      const auto behind = m.simple("behind", Op::exp, top[0]);
      const auto rows = m.node("rows", Op::reshape, ReshapeAttributes{{14, 1}}, {top[1]});
      m.graph().tensor(rows).type = Type::s32;
      const auto table = m.random_constant("table", {6, 2});
      const auto taken = m.node("taken", Op::gather_nd, GatherAttributes{}, {table, rows});
      std::vector<TensorId> outputs = {before, behind};
      if (read == 1) outputs = {before, behind, taken};
      if (read == 2) outputs = {before, behind, top[0], top[1]};
      const Graph graph = m.finish(outputs);
      const Model model = build(graph, {.float_only = true});
      const auto& nodes = model.data().nodes;
      const auto step_of = [&](const char* name) {
        return std::ranges::find(nodes, std::string(name), &NodeRecord::name)->step;
      };
      CHECK(step_of("before") == step_of("top"));
      CHECK(step_of("behind") == step_of("top"));
      const Session session =
          session_of(model, {.threads = 2, .exact = exact}, random_inputs(graph));
      const auto known = session.output(0).values<float>();
      const Selected expected = select({.axis = 1, .k = 2}, shape, {known.begin(), known.end()});
      const auto exps = session.output(1).values<float>();
      for (std::size_t i = 0; i < exps.size(); ++i)
        CHECK(exps[i] == Approx(std::exp(expected.values[i])));
      if (read == 1) {
        const auto picked = session.output(2).values<float>();
        const auto from = graph::float_values(std::as_const(graph).tensor(table));
        for (std::size_t i = 0; i < picked.size(); ++i)
          CHECK(picked[i] == from[static_cast<std::size_t>(expected.places[i / 2]) * 2 + i % 2]);
      }
      if (read == 2) {
        CHECK(same_bits(session.output(2).values<float>(), expected.values));
        CHECK(std::ranges::equal(session.output(3).values<int32_t>(), expected.places));
      }
    }
  }
}

TEST_CASE("an int8 network picks boxes by the places of its best scores") {
  GraphMaker m;
  const auto image = m.input({1, 6, 6, 3});
  const auto features = m.relu("features", m.conv("stem", image, {.channels = 8, .kernel = 3}));
  const auto scores = m.reshape("scores", m.conv("score", features, {.channels = 1}), {16});
  const auto boxes = m.reshape("boxes", m.conv("box", features, {.channels = 4}), {16, 4});
  const auto top = m.top_k("top", scores, {.axis = 0, .k = 5});
  const auto places = m.node("places", Op::reshape, ReshapeAttributes{{5, 1}}, {top[1]});
  m.graph().tensor(places).type = Type::s32;
  const auto best = m.node("best", Op::gather_nd, GatherAttributes{}, {boxes, places});
  Graph graph = m.finish({top[0], top[1], best, scores, boxes});
  const auto inputs = random_inputs(graph);
  calibrate(graph);
  for (const bool float_only : {false, true}) {
    INFO((float_only ? "float" : "int8"));
    const auto y = run(build(graph, {.float_only = float_only}), inputs);
    const Selected expected = select({.axis = 0, .k = 5}, {16}, y[3]);
    CHECK(y[0] == expected.values);
    CHECK(y[1] == Values(expected.places.begin(), expected.places.end()));
    for (std::size_t i = 0; i < y[2].size(); ++i)
      CHECK(y[2][i] == y[4][static_cast<std::size_t>(expected.places[i / 4]) * 4 + i % 4]);
  }
}

TEST_CASE("int8 top_k: its values have its operand's scale, and its node both results in a file") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 2, 2, 3}), {.channels = 6});
  const auto top = m.top_k("top", conv, {.axis = 3, .k = 2});
  const auto next = m.conv("next", top[0], {.channels = 4});
  Graph graph = m.finish({next, top[1]});
  calibrate(graph);
  const Model model = build(graph);
  const auto node = std::ranges::find(model.nodes(), std::string("top"), &NodeInfo::name);
  REQUIRE(node != model.nodes().end());
  CHECK(node->int8);
  REQUIRE(node->outputs.size() == 2);
  CHECK(node->outputs[0].type == Type::u8);
  CHECK(node->outputs[0].scale == node->inputs[0].scale);
  CHECK(node->outputs[0].zero_point == node->inputs[0].zero_point);
  CHECK(node->outputs[1].type == Type::s32);
  CHECK(node->outputs[1].scale == 0);
}

TEST_CASE("a k or an axis out of range is refused, and a file with another number of results") {
  GraphMaker m;
  const auto x = m.input({2, 5});
  const std::vector<Shape> shapes = {{2, 5}};
  for (const int32_t k : {-1, 0, 6}) {
    const auto shape = infer_shape(Op::top_k, AxisAttributes{.axis = 1, .k = k}, shapes);
    REQUIRE_FALSE(shape);
    CHECK(shape.error().message == "has a k that is not between 1 and its axis's extent");
  }
  for (const int32_t axis : {-1, 2}) {
    const auto shape = infer_shape(Op::top_k, AxisAttributes{.axis = axis, .k = 1}, shapes);
    REQUIRE_FALSE(shape);
    CHECK(shape.error().message == "has no axis " + std::to_string(axis));
  }
  const auto top = m.top_k("top", x, {.axis = 1, .k = 2});
  const auto neg = m.simple("neg", Op::neg, x);
  Graph graph = m.finish({top[0], neg});
  for (Node& node : graph.nodes) node.precision = graph::Precision::float32;
  CHECK(error_of_top_k(graph).empty());

  Graph one = graph;
  one.nodes[0].outputs.pop_back();
  CHECK(error_of_top_k(one).find("node 'top' (top_k) has another number of results") !=
        std::string::npos);
  CHECK(graph::check(one).error().message == "node 'top' (top_k) has 2 results, not 1");
  Graph three = graph;
  three.nodes[0].outputs.push_back(three.add_tensor({.name = "third", .shape = {2, 2}}));
  CHECK(error_of_top_k(three).find("has another number of results") != std::string::npos);
  Graph of_neg = graph;
  of_neg.nodes[1].outputs.push_back(of_neg.add_tensor({.name = "second", .shape = {2, 5}}));
  CHECK(error_of_top_k(of_neg).find("node 'neg' (neg) has another number of results") !=
        std::string::npos);
  Graph same = graph;
  same.nodes[0].outputs[1] = same.nodes[0].outputs[0];
  CHECK(error_of_top_k(same).find("writes 'top' a second time") != std::string::npos);
  Graph shape = graph;
  shape.tensor(top[1]).shape = {2, 3};
  CHECK(error_of_top_k(shape).find("gives [2, 2], not [2, 3]") != std::string::npos);
  Graph floats = graph;
  floats.tensor(top[1]).type = Type::f32;
  CHECK(error_of_top_k(floats).find("takes s32 indices") != std::string::npos);
}

}  // namespace
}  // namespace octet::test
