#include <catch2/catch.hpp>

#include "tests/contains.h"
#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;
using octet::graph::BuildOptions;
using octet::graph::choose_precision;
using octet::graph::Precision;

namespace {

Graph chosen(Graph graph, const BuildOptions& options = {}) {
  const auto ok = choose_precision(graph, options);
  INFO((ok ? "" : ok.error().message));
  REQUIRE(ok);
  return graph;
}

std::string error_of(Graph graph, const BuildOptions& options = {}) {
  const auto ok = choose_precision(graph, options);
  REQUIRE_FALSE(ok);
  return ok.error().message;
}

bool in_float(const Graph& graph, const std::string& name) {
  return node_named(graph, name).precision == Precision::float32;
}

// x, a.conv, b.conv and a sigmoid in a row, all calibrated.
Graph two_convolutions() {
  GraphMaker m;
  const auto a = m.conv("a.conv", m.input({1, 4, 4, 3}));
  const auto y = m.simple("act", Op::sigmoid, m.conv("b.conv", a));
  Graph graph = m.finish({y});
  calibrate(graph);
  return graph;
}

}  // namespace

TEST_CASE("calibrated layers and functions run in int8") {
  const Graph graph = chosen(two_convolutions());
  for (const Node& node : graph.nodes) CHECK(node.precision == Precision::int8);
}

TEST_CASE("a float model is float in every node, with the reason, and needs no calibration") {
  GraphMaker m;
  const Graph graph =
      chosen(m.finish({m.conv("conv", m.input({1, 4, 4, 3}))}), {.float_only = true});
  CHECK(in_float(graph, "conv"));
  CHECK(contains(graph.nodes[0].reason, "float model"));
}

TEST_CASE("keep_float names a node, or all nodes below a module") {
  CHECK(in_float(chosen(two_convolutions(), {.keep_float = {"a.conv"}}), "a.conv"));
  const Graph graph = chosen(two_convolutions(), {.keep_float = {"b"}});
  CHECK(in_float(graph, "b.conv"));
  CHECK(contains(node_named(graph, "b.conv").reason, "asked by the user"));
  CHECK_FALSE(in_float(graph, "a.conv"));
}

TEST_CASE("the author's keep_float may name what was folded away, and what is not there") {
  Graph graph = two_convolutions();
  graph.nodes[0].fused = {"bn"};
  graph.keep_float = {"bn", "nothing"};
  const Graph result = chosen(graph);
  CHECK(in_float(result, "a.conv"));
  CHECK(contains(node_named(result, "a.conv").reason, "author"));
}

TEST_CASE("missing calibration is an error that lists every tensor, once, with the remedy") {
  GraphMaker m;
  const auto a = m.conv("a", m.input({1, 4, 4, 3}));
  const auto sum = m.add("sum", m.conv("b", a), a);
  const auto y = m.simple("gelu", Op::gelu, sum);
  const std::string error = error_of(m.finish({y}));
  CHECK(contains(error, "5 tensors"));
  for (const char* name :
       {"'x0', an input", "'a', written by conv2d 'a'", "'b'", "'sum'", "'gelu'"}) {
    CHECK(contains(error, name));
  }
  CHECK(error.find("'a', written") == error.rfind("'a', written"));
  CHECK(contains(error, "calibration="));
  CHECK(contains(error, "--keep-float"));
  CHECK(contains(error, "test graph"));
}

TEST_CASE("where a prepared model lacks a scale, the remedy is its author's observers") {
  GraphMaker m;
  const auto y = m.simple("gelu", Op::gelu, m.conv("conv", m.input({1, 4, 4, 3})));
  const Graph graph = m.finish({y});
  Graph bordered = graph;
  bordered.has_authors_borders = true;
  Graph observed_weights = graph;
  observed_weights.nodes[0].weight_quantization = graph::WeightQuantization{.scale = {0.1f}};
  for (const Graph& prepared : {bordered, observed_weights}) {
    const std::string error = error_of(prepared);
    CHECK(contains(error, "observers"));
    CHECK(contains(error, "--keep-float"));
    CHECK_FALSE(contains(error, "calibration="));
  }
}

TEST_CASE("a last convolution gives float32 from its accumulators, and needs no scale") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3}, Quantization{0.1f, 128});
  const Graph graph = chosen(m.finish({m.conv("conv", x)}));
  CHECK(node_named(graph, "conv").precision == Precision::int8);
  CHECK(node_named(graph, "conv").float_output);
  CHECK(contains(node_named(graph, "conv").reason, "accumulators"));
}

TEST_CASE("a last convolution whose scale the author drew a border for keeps it") {
  GraphMaker m;
  const auto x = m.quantize("quant", m.input({1, 4, 4, 3}), {0.1f, 128});
  const auto conv = m.conv("conv", x);
  m.scale(conv, 0.2f, 5);
  Graph graph = m.finish({m.dequantize("dequant", conv)});
  REQUIRE(octet::graph::absorb_quantize_nodes(graph));
  CHECK_FALSE(node_named(chosen(graph), "conv").float_output);
}

TEST_CASE("a detection head's permute, view, concat and softmax run on the convolutions' float32") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3}, Quantization{0.1f, 128});
  std::vector<TensorId> heads;
  for (const std::string name : {"head0", "head1"}) {
    const auto conv = m.conv(name, x, {.channels = 6});
    heads.push_back(
        m.reshape(name + ".view", m.transpose(name + ".permute", conv, {0, 1, 2, 3}), {1, 48, 2}));
  }
  const auto y = m.softmax("softmax", m.concat("concat", heads, 1));
  const Graph graph = chosen(m.finish({y}));
  for (const char* name : {"head0.permute", "head1.view", "concat", "softmax"}) {
    CHECK(in_float(graph, name));
  }
  for (const char* name : {"head0", "head1"}) {
    CHECK(node_named(graph, name).precision == Precision::int8);
    CHECK(node_named(graph, name).float_output);
  }
}

TEST_CASE("a tail that an int8 node reads as well stays in int8") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 2, 2, 3}), {.channels = 2});
  const auto flat = m.reshape("flat", conv, {1, 8});
  const auto other = m.simple("other", Op::sigmoid, flat);
  Graph graph = m.finish({flat, other});
  calibrate(graph);
  const Graph result = chosen(graph);
  CHECK_FALSE(in_float(result, "flat"));
  CHECK_FALSE(node_named(result, "conv").float_output);
}

TEST_CASE("what has no int8 form stays in float and says why") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3});
  const auto resize =
      m.node("resize", Op::resize, ResizeAttributes{8, 8, ResizeMode::bilinear, false}, {x});
  const auto mean = m.mean("mean", resize, {3});
  const auto div = m.node("div", Op::div, BinaryAttributes{}, {mean, m.mean("mean2", resize, {3})});
  const auto soft = m.node("soft", Op::softmax, AxisAttributes{.axis = 1}, {div});
  Graph graph = m.finish({soft});
  calibrate(graph);
  const Graph result = chosen(graph);
  for (const Node& node : result.nodes) {
    CHECK(node.precision == Precision::float32);
    CHECK(contains(node.reason, "no int8 form"));
  }
}

TEST_CASE("functions and layers of constants or of indices run in float") {
  GraphMaker m;
  const auto x = m.input({1, 2, 2, 3});
  const auto constant = m.random_constant("constant", {1, 2, 2, 3});
  const auto sigmoid = m.simple("sigmoid", Op::sigmoid, constant);
  const auto conv = m.conv("conv", constant, {.channels = 3});
  const auto y = m.add("sum", m.add("inner", sigmoid, conv), x);
  Graph graph = m.finish({y});
  calibrate(graph);
  const Graph result = chosen(graph);
  CHECK(in_float(result, "sigmoid"));
  CHECK(in_float(result, "conv"));
  check_int8_is_near_float(m.finish({y}));
}

TEST_CASE("moves of float values stay in float, moves of int8 values in int8") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3});
  const auto before = m.reshape("before", x, {1, 2, 8, 3});
  const auto conv = m.conv("conv", before);
  const auto after = m.max_pool("after", conv);
  const auto y = m.conv("last", after);
  Graph graph = m.finish({y});
  calibrate(graph);
  graph.tensor(graph.inputs[0]).quantization.reset();
  const Graph result = chosen(graph);
  CHECK(in_float(result, "before"));
  CHECK_FALSE(in_float(result, "after"));
}

TEST_CASE("what indices pick is int8 where its data is, whatever the indices come from") {
  GraphMaker m;
  const auto a = m.relu("relu", m.conv("a", m.input({1, 4, 4, 3})));
  const auto place = m.argmax("place", m.reshape("rows", a, {4, 16}));
  const auto half =
      m.whole("half", Op::floor_div, BinaryAttributes{}, {place, m.whole_constant("two", {}, {2})});
  const auto at = m.whole("at", Op::reshape, ReshapeAttributes{{2, 2}}, {half});
  const auto ints =
      m.node("of int8", Op::gather_nd, GatherAttributes{}, {m.reshape("table", a, {16, 4}), at});
  const auto real =
      m.node("of float", Op::gather_nd, GatherAttributes{},
             {m.reshape("float.table", m.simple("float.exp", Op::exp, a), {16, 4}), at});
  Graph graph = m.finish(
      {m.linear("next", m.reshape("row", ints, {1, 2})), real, m.simple("real", Op::cast, half)});
  calibrate(graph);
  graph = chosen(graph, {.keep_float = {"float"}});
  CHECK_FALSE(in_float(graph, "of int8"));
  CHECK(in_float(graph, "of float"));
  CHECK(in_float(graph, "half"));
  CHECK(contains(node_named(graph, "half").reason, "whole numbers, which are computed exactly"));
  CHECK(contains(node_named(graph, "at").reason, "only moves whole numbers"));
  CHECK(in_float(graph, "real"));
}

TEST_CASE("what indices pick of a last convolution comes straight from its accumulators") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 4, 4, 3}));
  const auto at = m.whole_constant("at", {2, 3}, {0, 3, 1, 0, 0, 0});
  const Graph given = m.finish({m.node("pick", Op::gather_nd, GatherAttributes{}, {conv, at})});
  Graph graph = given;
  calibrate(graph);
  graph = chosen(graph);
  CHECK(node_named(graph, "conv").float_output);
  CHECK(in_float(graph, "pick"));
  CHECK(contains(node_named(graph, "pick").reason, "accumulators"));
  check_int8_is_near_float(given);
}

TEST_CASE("branches that join again and again are decided in no time") {
  GraphMaker m;
  auto y = m.conv("conv", m.input({1, 1, 1, 2}), {.channels = 2});
  for (int i = 0; i < 60; ++i) {
    const std::string name = "join" + std::to_string(i);
    const auto joined = m.concat(name, {y, y}, 3);
    y = m.node(name + ".slice", Op::slice,
               SliceAttributes{{0, 0, 0, 1}, {1, 1, 1, 1}, {1, 1, 1, 2}}, {joined});
  }
  Graph graph = m.finish({y});
  calibrate(graph);
  CHECK(node_named(chosen(graph), "conv").float_output);
}

TEST_CASE("an average over more pixels than an int8 sum can hold is float, with the reason") {
  for (const bool global : {false, true}) {
    for (const int32_t size : {2900, 2904}) {
      GraphMaker m;
      const auto x = m.input({1, size, size, 1}, Quantization{0.01f, 0});
      const auto y = global ? m.mean("pool", x, {1, 2}, true)
                            : m.average_pool("pool", x, {.kernel = size, .stride = 1});
      m.scale(y, 0.01f, 0);
      Graph graph = m.finish({m.conv("conv", y)});
      const auto model = build(graph);
      bool found = false;
      for (const NodeInfo& node : model.nodes()) {
        if (node.name != "pool") continue;
        found = true;
        INFO(size << ", global: " << global << ": " << node.reason);
        CHECK(node.int8 == (size == 2900));
        CHECK(contains(node.reason, "32 bits") == (size == 2904));
      }
      CHECK(found);
    }
  }
}
TEST_CASE("a pad with a value beyond its operand's bytes is in float, and exact") {
  for (const float value : {-20.0F, 20.0F}) {
    GraphMaker m;
    const auto x = m.input({1, 6, 6, 3});
    const auto padded =
        m.node("padded", Op::pad, PadAttributes{{0, 2, 2, 0}, {0, 2, 2, 0}, value}, {x});
    Graph graph = m.finish({m.conv("after", padded, {.kernel = 3})});
    calibrate(graph);
    const auto inputs = random_inputs(graph);
    const Values in_float = run(build(graph, {.float_only = true}), inputs).at(0);
    const Values in_int8 = run(build(graph), inputs).at(0);
    float largest = 0;
    for (const float v : in_float) largest = std::max(largest, std::abs(v));
    for (std::size_t i = 0; i < in_float.size(); ++i)
      CHECK(std::abs(in_int8[i] - in_float[i]) < 0.05F * largest);
    REQUIRE(octet::graph::choose_precision(graph, {}));
    CHECK(node_named(graph, "padded").precision == Precision::float32);
    CHECK(node_named(graph, "padded").reason.find("do not reach") != std::string::npos);
    CHECK(node_named(graph, "after").precision == Precision::int8);
  }
}

TEST_CASE("a pad within its operand's bytes, or below all for a maximum, moves bytes") {
  for (const float value : {0.0F, 0.5F, 1.0F, -1e9F, -std::numeric_limits<float>::infinity()}) {
    GraphMaker m;
    const auto x = m.input({1, 6, 6, 3}, Quantization{.scale = 1.0F / 255, .zero_point = 0});
    const auto padded =
        m.node("padded", Op::pad, PadAttributes{{0, 1, 1, 0}, {0, 1, 1, 0}, value}, {x});
    m.scale(padded, 1.0F / 255);
    const auto most = m.max_pool("most", padded);
    m.scale(most, 1.0F / 255);
    Graph graph = m.finish({most});
    REQUIRE(octet::graph::choose_precision(graph, {}));
    CHECK(node_named(graph, "padded").precision == Precision::int8);
  }
}

TEST_CASE("a calibrated log_softmax is computed in float, from what the layer gives") {
  GraphMaker m;
  const auto x = m.input({1, 8}, Quantization{.scale = 0.1F, .zero_point = 128});
  const auto logits = m.linear("logits", x, {.channels = 6});
  m.scale(logits, 0.25F, 128);
  const auto probabilities = m.softmax("softmax", logits);
  const auto out = m.simple("log", Op::log, probabilities);
  m.scale(probabilities, 1.0F / 256).scale(out, 0.1F, 255);
  Graph graph = m.finish({out});
  const auto inputs = random_inputs(graph);
  const Values in_float = run(build(graph, {.float_only = true}), inputs).at(0);
  const Values in_int8 = run(build(graph), inputs).at(0);
  for (std::size_t i = 0; i < in_float.size(); ++i)
    CHECK(std::abs(in_int8[i] - in_float[i]) < 0.05F * (1 + std::abs(in_float[i])));
  REQUIRE(octet::graph::canonicalise(graph));
  CHECK(node_named(graph, "log").op == Op::log_softmax);
  REQUIRE(octet::graph::choose_precision(graph, {}));
  CHECK(node_named(graph, "logits").float_output);
}

TEST_CASE("log_softmax of what is far below the largest is no infinity") {
  GraphMaker m;
  const auto x = m.input({1, 5});
  Graph graph = m.finish({m.simple("log", Op::log, m.softmax("softmax", x))});
  const Values out = run(build(graph, {.float_only = true}), {{-400, -100, 0, -200, -90}}).at(0);
  CHECK(out == Values{-400, -100, 0, -200, -90});
}
