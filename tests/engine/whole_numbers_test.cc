// Whole numbers at run time: their arithmetic, casts, and gathering at computed places. Also the
// errors of run() for numbers that the model should not have computed.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "engine/operator_table.h"
#include "kernels/kernels.h"
#include "tests/graph/run_graph.h"
#include "tests/kernels/random.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {

using Whole = std::vector<int32_t>;

constexpr int32_t lowest = std::numeric_limits<int32_t>::min();
constexpr int32_t highest = std::numeric_limits<int32_t>::max();

TensorId arithmetic(GraphMaker& m, const std::string& name, Op op, TensorId a, TensorId b) {
  return m.whole(name, op, BinaryAttributes{}, {a, b});
}

Session session_of(const Model& model, const SessionOptions& options = {.threads = 1}) {
  auto session = Session::create(model, options);
  INFO((session ? "" : session.error().message));
  REQUIRE(session);
  return std::move(*session);
}

Whole whole_output(const Session& session, std::size_t index) {
  const auto values = session.output(index).values<int32_t>();
  return {values.begin(), values.end()};
}

// Computed in 64 bits, which are enough, and then cut to the lower half.
int32_t expected_of(Op op, int64_t a, int64_t b) {
  const int64_t rest = b != 0 ? a % b : 0;
  switch (row_of(op).arithmetic) {
    case Arithmetic::add:
      return static_cast<int32_t>(a + b);
    case Arithmetic::sub:
      return static_cast<int32_t>(a - b);
    case Arithmetic::mul:
      return static_cast<int32_t>(a * b);
    case Arithmetic::div:
      return static_cast<int32_t>(a / b);
    case Arithmetic::floor_div:
      return static_cast<int32_t>(a / b - (rest != 0 && (rest < 0) != (b < 0) ? 1 : 0));
  }
  std::abort();
}

// Returns the message with which the file of the graph, written as it is, is refused.
std::string refusal(Graph graph) {
  for (Node& node : graph.nodes) {
    if (node.precision == graph::Precision::undecided) node.precision = graph::Precision::float32;
  }
  const auto bytes = graph::write_model(graph);
  REQUIRE(bytes);
  const auto model = Model::from_memory(*bytes, "test model");
  return model ? "" : model.error().message;
}

}  // namespace

TEST_CASE("whole numbers are added, multiplied and divided exactly, and wrap around at 32 bits") {
  const Whole edges = {lowest, lowest + 1, -65536, -48, -7, -2,    -1,    1,
                       2,      3,          7,      48,  49, 46341, 65536, highest};
  const auto n = static_cast<int32_t>(edges.size());
  for (const Op op : {Op::add, Op::sub, Op::mul, Op::div, Op::floor_div}) {
    INFO(op_name(op));
    GraphMaker m;
    const TensorId zero = m.to_whole("zero", m.input({1}));
    const TensorId a = arithmetic(m, "a", Op::add, m.whole_constant("rows", {n, 1}, edges), zero);
    const TensorId b = arithmetic(m, "b", Op::add, m.whole_constant("columns", {n}, edges), zero);
    const Model model = build(m.finish({arithmetic(m, "y", op, a, b)}));
    for (const int threads : {1, 2}) {
      Session session = session_of(model, {.threads = threads});
      REQUIRE(session.set_input(0, Values{0}));
      REQUIRE(session.run());
      const Whole got = whole_output(session, 0);
      for (std::size_t i = 0; i < got.size(); ++i) {
        const int32_t x = edges[i / edges.size()];
        const int32_t y = edges[i % edges.size()];
        INFO(x << " and " << y);
        CHECK(got[i] == expected_of(op, x, y));
      }
    }
  }
}

TEST_CASE("whole numbers broadcast as NumPy does") {
  Random random(5);
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{}, {}},         {{3}, {}},           {{}, {2, 3}},          {{2, 3}, {3}},
      {{2, 1}, {1, 3}}, {{2, 3, 4}, {3, 1}}, {{1, 3, 1}, {2, 1, 5}}};
  for (const auto& [a, b] : shapes) {
    INFO(shape_text(a) << " and " << shape_text(b));
    GraphMaker m;
    const TensorId x = m.input(a);
    const TensorId z = m.input(b);
    const TensorId wx = m.to_whole("wx", x);
    const TensorId wz = m.to_whole("wz", z);
    const Graph graph = m.finish({arithmetic(m, "whole", Op::sub, wx, wz),
                                  m.node("real", Op::sub, BinaryAttributes{}, {x, z})});
    std::vector<Values> inputs;
    for (const Shape& shape : {a, b}) {
      auto& values = inputs.emplace_back(static_cast<std::size_t>(element_count(shape)));
      for (float& v : values) v = static_cast<float>(random.integer(-1000, 1000));
    }
    const auto outputs = run(build(graph, {.float_only = true}), inputs);
    CHECK(outputs[0] == outputs[1]);
  }
}

TEST_CASE("casts: to whole numbers towards 0, within 32 bits; to floats the nearest") {
  GraphMaker m;
  const TensorId x = m.input({12});
  const TensorId cut = m.to_whole("cut", x);
  const TensorId wide = m.whole_constant(
      "wide", {12},
      {16777217, 16777219, -16777217, lowest, highest, 0, 1, -1, 48, 2303, 33554433, -33554435});
  const TensorId nothing = arithmetic(m, "nothing", Op::sub, cut, cut);
  const TensorId moved = arithmetic(m, "moved", Op::add, wide, nothing);
  const Model model = build(m.finish({cut, m.simple("real", Op::cast, moved)}));
  Session session = session_of(model);
  const float infinity = std::numeric_limits<float>::infinity();
  REQUIRE(session.set_input(0, Values{0.9F, -0.9F, 1, -1.5F, 47.99F, 2147483520.0F, 0x1p31F,
                                      -0x1p31F, -4e9F, infinity, -infinity, std::nanf("")}));
  REQUIRE(session.run());
  CHECK(whole_output(session, 0) ==
        Whole{0, 0, 1, -1, 47, 2147483520, highest, lowest, lowest, highest, lowest, 0});
  const auto real = session.output(1).values<float>();
  CHECK(Values(real.begin(), real.end()) == Values{16777216, 16777220, -16777216, -0x1p31F, 0x1p31F,
                                                   0, 1, -1, 48, 2303, 33554432, -33554436});
}

TEST_CASE("gather_nd: floats, bytes and whole numbers, along any leading part of the axes") {
  Random random(9);
  const Shape shape = {3, 4, 5, 2};
  for (int32_t depth = 1; depth <= 4; ++depth) {
    for (const bool from_end : {false, true}) {
      INFO(depth << " axes" << (from_end ? ", from the end" : ""));
      Whole places;
      for (int32_t place = 0; place < 6; ++place) {
        for (int32_t axis = 0; axis < depth; ++axis) {
          const int32_t extent = shape[static_cast<std::size_t>(axis)];
          places.push_back(random.integer(from_end ? -extent : 0, extent - 1));
        }
      }
      GraphMaker m;
      const TensorId x = m.input(shape);
      const TensorId at = m.to_whole("at", m.input({2, 3, depth}));
      const GatherAttributes attributes{.from_end = from_end};
      const TensorId real = m.node("real", Op::gather_nd, attributes, {x, at});
      const TensorId numbers =
          m.whole("numbers", Op::gather_nd, attributes, {m.to_whole("wx", x), at});
      const TensorId bytes = m.node("bytes", Op::gather_nd, attributes, {m.relu("relu", x), at});
      Graph graph = m.finish({real, numbers, bytes});
      for (const char* name : {"relu", "bytes"}) {
        for (graph::Tensor& tensor : graph.tensors) {
          if (tensor.name == name) tensor.quantization = Quantization{.scale = 1, .zero_point = 0};
        }
      }
      graph.tensor(graph.inputs[0]).quantization = Quantization{.scale = 1, .zero_point = 0};
      Values data(static_cast<std::size_t>(element_count(shape)));
      for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(i);
      Values expected;
      const std::size_t part =
          data.size() / static_cast<std::size_t>(
                            element_count(std::span(shape).first(static_cast<std::size_t>(depth))));
      for (std::size_t place = 0; place < 6; ++place) {
        std::size_t row = 0;
        for (std::size_t axis = 0; axis < static_cast<std::size_t>(depth); ++axis) {
          const int32_t index = places[place * static_cast<std::size_t>(depth) + axis];
          row = row * static_cast<std::size_t>(shape[axis]) +
                static_cast<std::size_t>(index < 0 ? index + shape[axis] : index);
        }
        for (std::size_t i = 0; i < part; ++i) expected.push_back(data[row * part + i]);
      }
      const Model model = build(graph, {.keep_float = {"real"}});
      CHECK(model.has_int8());
      for (const kernels::KernelTable* table : kernels::available_tables()) {
        for (const int threads : {1, 2}) {
          Session session = session_of(model, {.threads = threads, .isa = table->name});
          REQUIRE(session.set_input(0, data));
          REQUIRE(session.set_input(1, Values(places.begin(), places.end())));
          REQUIRE(session.run());
          for (const std::size_t output : {std::size_t{0}, std::size_t{2}}) {
            const auto got = session.output(output).values<float>();
            CHECK(Values(got.begin(), got.end()) == expected);
          }
          CHECK(whole_output(session, 1) == Whole(expected.begin(), expected.end()));
        }
      }
    }
  }
}

TEST_CASE("run() refuses an index outside of what it indexes, and goes on with the next input") {
  for (const bool from_end : {false, true}) {
    GraphMaker m;
    const TensorId at = m.to_whole("at", m.input({2, 2}));
    const TensorId y = m.node("pick", Op::gather_nd, GatherAttributes{.from_end = from_end},
                              {m.input({3, 4}), at});
    const Model model = build(m.finish({y}), {.float_only = true});
    Session session = session_of(model);
    REQUIRE(session.set_input(1, Values{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
    const auto run_at = [&](const Values& places) {
      REQUIRE(session.set_input(0, places));
      const auto ran = session.run();
      return ran ? "" : ran.error().message;
    };
    CHECK(run_at({0, 0, 2, 3}).empty());
    const std::string too_far = run_at({0, 0, 1, 4});
    for (const char* part :
         {"test model: node 'pick' (gather_nd)", "takes place 4 along axis 1, which has 4"}) {
      INFO(too_far);
      CHECK(contains(too_far, part));
    }
    CHECK(contains(run_at({3, 0, 0, 0}), "place 3 along axis 0"));
    CHECK(contains(run_at({0, -5, 0, 0}), "place -5 along axis 1"));
    CHECK(contains(run_at({-4e9F, 0, 0, 0}), "place -2147483648 along axis 0"));
    CHECK(run_at({-1, -4, 0, 0}).empty() == from_end);
    REQUIRE(run_at({1, 2, 2, 0}).empty());
    const auto got = session.output(0).values<float>();
    CHECK(Values(got.begin(), got.end()) == Values{6, 8});
  }
}

TEST_CASE("run() refuses to divide a whole number by 0, and goes on with the next input") {
  for (const Op op : {Op::div, Op::floor_div}) {
    GraphMaker m;
    const TensorId a = m.to_whole("a", m.input({4}));
    const TensorId b = m.to_whole("b", m.input({2, 1}));
    Session session = session_of(build(m.finish({arithmetic(m, "share", op, a, b)})));
    REQUIRE(session.set_input(0, Values{7, -7, 0, 100}));
    REQUIRE(session.set_input(1, Values{2, 0.5F}));
    const auto ran = session.run();
    REQUIRE_FALSE(ran);
    INFO(ran.error().message);
    CHECK(contains(ran.error().message,
                   std::string("test model: node 'share' (") + op_name(op) + ") divides by 0"));
    REQUIRE(session.set_input(1, Values{2, -1}));
    REQUIRE(session.run());
    CHECK(whole_output(session, 0) == Whole{3, op == Op::div ? -3 : -4, 0, 50, -7, 7, 0, -100});
  }
}

TEST_CASE("a model file whose whole numbers do not fit its nodes is refused") {
  GraphMaker m;
  const TensorId x = m.input({4});
  const TensorId n = m.to_whole("n", x);
  const auto with = [&](const auto& add_node) {
    GraphMaker copy = m;
    return refusal(copy.finish({add_node(copy)}));
  };
  CHECK(with([&](GraphMaker& g) { return arithmetic(g, "y", Op::add, n, n); }).empty());
  for (const float value : {0.5F, 0x1p25F, std::nanf("")}) {
    CHECK(contains(with([&](GraphMaker& g) {
                     return g.whole("y", Op::pad, PadAttributes{{1}, {0}, value}, {n});
                   }),
                   "pads s32 with no whole number"));
  }
  CHECK(contains(with([&](GraphMaker& g) { return arithmetic(g, "y", Op::add, n, x); }),
                 "mixes s32 with others, or bounds it"));
  CHECK(contains(
      with([&](GraphMaker& g) { return g.node("y", Op::mul, BinaryAttributes{}, {x, n}); }),
      "mixes s32 with others, or bounds it"));
  CHECK(contains(with([&](GraphMaker& g) { return g.simple("y", Op::exp, n); }), "takes no s32"));
  CHECK(contains(with([&](GraphMaker& g) {
                   return g.whole("y", Op::mul, BinaryAttributes{.bounds = {.min = 0}}, {n, n});
                 }),
                 "mixes s32 with others, or bounds it"));
  CHECK(contains(with([&](GraphMaker& g) { return g.to_whole("y", n); }),
                 "goes from s32 to f32 or back"));
  CHECK(contains(
      with([&](GraphMaker& g) { return g.node("y", Op::floor_div, BinaryAttributes{}, {x, x}); }),
      "cannot be in a float island"));
  const std::vector<Shape> shapes = {{4}, {2, 2}};
  const auto too_deep = infer_shape(Op::gather_nd, GatherAttributes{}, shapes);
  REQUIRE_FALSE(too_deep);
  CHECK(too_deep.error().message == "takes places [2, 2] of [4], whose axes they do not fit");
  const std::vector<Shape> one_number = {{4}, {}};
  CHECK_FALSE(infer_shape(Op::gather_nd, GatherAttributes{}, one_number));
  const TensorId at = m.whole("at", Op::reshape, ReshapeAttributes{{4, 1}}, {n});
  CHECK(contains(
      with([&](GraphMaker& g) { return g.whole("y", Op::gather_nd, GatherAttributes{}, {x, at}); }),
      "takes s32 indices, and keeps type and scale"));
  CHECK(contains(with([&](GraphMaker& g) {
                   return g.node("y", Op::gather_nd, GatherAttributes{},
                                 {x, g.reshape("r", x, {4, 1})});
                 }),
                 "takes s32 indices, and keeps type and scale"));
}

TEST_CASE("constants that no input could make right are refused when a graph is built") {
  GraphMaker m;
  const TensorId x = m.input({4});
  const TensorId n = m.to_whole("n", x);
  const TensorId zeros = m.whole_constant("zeros", {4}, {1, 2, 0, 4});
  const TensorId beyond = m.whole_constant("beyond", {1}, {4});
  const TensorId last = m.whole_constant("last", {1}, {-1});
  const auto with = [&](const auto& add_node) {
    GraphMaker copy = m;
    const TensorId y = add_node(copy);
    copy.graph().inputs = {x};
    copy.graph().outputs = {y};
    const auto built = graph::build_model(copy.graph(), {.float_only = true});
    return built ? "" : built.error().message;
  };
  for (const Op op : {Op::div, Op::floor_div}) {
    CHECK(contains(with([&](GraphMaker& g) { return arithmetic(g, "y", op, n, zeros); }),
                   std::string("node 'y' (") + op_name(op) + ") divides by 0"));
    CHECK(with([&](GraphMaker& g) { return arithmetic(g, "y", op, zeros, n); }).empty());
  }
  const auto pick = [&](TensorId at, bool from_end) {
    return with([&](GraphMaker& g) {
      return g.node("y", Op::gather_nd, GatherAttributes{.from_end = from_end}, {x, at});
    });
  };
  CHECK(contains(pick(beyond, false),
                 "node 'y' (gather_nd) takes place 4 along axis 0, which has 4"));
  CHECK(contains(pick(beyond, true), "takes place 4 along axis 0, which has 4"));
  CHECK(contains(pick(last, false), "takes place -1 along axis 0"));
  CHECK(pick(last, true).empty());
}

}  // namespace octet::test
