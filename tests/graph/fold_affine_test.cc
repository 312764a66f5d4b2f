#include <catch2/catch.hpp>
#include <limits>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;

namespace {

Graph folded(const Graph& graph) { return after_pass(octet::graph::fold_affine, graph); }

}  // namespace

TEST_CASE("a batch norm after a convolution goes into its weights") {
  for (const bool bias : {false, true}) {
    for (const int groups : {1, 2, 4}) {
      INFO("bias " << bias << ", groups " << groups);
      GraphMaker m;
      const auto conv =
          m.conv("conv", m.input({1, 5, 5, 4}),
                 {.channels = 8, .kernel = 3, .padding = 1, .groups = groups, .bias = bias});
      const Graph graph = folded(m.finish({m.batch_norm("bn", conv)}));
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
      CHECK(ops_of(folded(m.finish({conv}))) == "conv2d");
    }
  }
}

TEST_CASE("a batch norm that shifts, before a convolution that pads, is not folded into it") {
  GraphMaker m;
  const auto bn = m.batch_norm("bn", m.input({1, 5, 5, 4}));
  const auto conv = m.conv("conv", bn, {.kernel = 3, .padding = 1});
  const Graph graph = folded(m.finish({conv}));
  REQUIRE(ops_of(graph) == "conv2d conv2d");
  CHECK(std::get<ConvAttributes>(graph.nodes[0].attributes).groups == 4);
}

TEST_CASE("a batch norm that only scales goes into a convolution that pads") {
  GraphMaker m;
  const auto bn = m.batch_norm("bn", m.input({1, 5, 5, 4}), false);
  const auto conv = m.conv("conv", bn, {.kernel = 3, .padding = 1});
  CHECK(ops_of(folded(m.finish({conv}))) == "conv2d");
}

TEST_CASE("batch norms before and after a linear layer go into it") {
  GraphMaker m;
  const auto before = m.batch_norm("before", m.input({2, 6}));
  const auto after =
      m.batch_norm("after", m.linear("linear", before, {.channels = 3, .bias = false}));
  const Graph graph = folded(m.finish({after}));
  REQUIRE(ops_of(graph) == "linear");
  CHECK(graph.nodes[0].fused.size() == 2);
}

TEST_CASE("two batch norms in a row both go into the convolution before them") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 5, 5, 4}));
  const auto y = m.batch_norm("second", m.batch_norm("first", conv));
  CHECK(ops_of(folded(m.finish({y}))) == "conv2d");
}

TEST_CASE("a lone batch norm becomes a depthwise 1x1 convolution, of any rank") {
  for (const Shape& shape : {Shape{1, 4, 4, 3}, Shape{2, 3}, Shape{1, 7, 3}}) {
    GraphMaker m;
    const Graph graph = folded(m.finish({m.batch_norm("bn", m.input(shape))}));
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
    CHECK(ops_of(folded(graph)) == (as_output ? "conv2d conv2d" : "conv2d conv2d add"));
  }
}

TEST_CASE("a batch norm whose output two convolutions read is not folded into one of them") {
  GraphMaker m;
  const auto bn = m.batch_norm("bn", m.input({1, 4, 4, 3}));
  const auto sum = m.add("sum", m.conv("a", bn), m.conv("b", bn));
  CHECK(ops_of(folded(m.finish({sum}))) == "conv2d conv2d conv2d add");
}

TEST_CASE("a batch norm after a relu is not folded through it") {
  GraphMaker m;
  const auto relu = m.relu("relu", m.conv("conv", m.input({1, 4, 4, 3})));
  CHECK(ops_of(folded(m.finish({m.batch_norm("bn", relu)}))) == "conv2d clip conv2d");
}

TEST_CASE("layers that share their weights are folded each with a copy of its own") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 4});
  const auto first = m.conv("first", x);
  const auto second = m.node("second", Op::conv2d, m.last().attributes,
                             {x, m.last().inputs[1], m.last().inputs[2]});
  const auto sum = m.add("sum", m.batch_norm("bn", first), second);
  CHECK(ops_of(folded(m.finish({sum}))) == "conv2d conv2d add");
}

TEST_CASE("a batch norm is not folded into a layer on the other side of the author's border") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 4, 4, 3}));
  const auto bn = m.batch_norm("bn", conv);
  Graph graph = m.finish({bn});
  graph.nodes[0].precision = octet::graph::Precision::float32;
  CHECK(ops_of(folded(graph)) == "conv2d conv2d");
}

namespace {

// The values of a row of products and sums: one value, or one for each of eight channels.
TensorId factors(GraphMaker& m, const std::string& name, bool by_channel) {
  return by_channel ? m.constant(name, {8}, {0.5F, 2, -1, 3, 0.25F, 1.5F, -2, 1})
                    : m.constant(name, {1, 1, 1, 1}, {0.75F});
}

TensorId scaled_and_shifted(GraphMaker& m, TensorId x, bool by_channel) {
  const auto product = m.mul("mul", factors(m, "factor", by_channel), x);
  const auto sum = m.add("add", product, factors(m, "shift", by_channel));
  return m.node("sub", Op::sub, BinaryAttributes{}, {factors(m, "from", by_channel), sum});
}

}  // namespace

TEST_CASE("products and sums with constants, after a layer, go into its weights") {
  for (const bool by_channel : {false, true}) {
    GraphMaker m;
    const auto conv =
        m.conv("conv", m.input({1, 5, 5, 4}), {.channels = 8, .kernel = 3, .padding = 1});
    const Graph graph = folded(m.finish({scaled_and_shifted(m, conv, by_channel)}));
    CHECK(ops_of(graph) == "conv2d");
    CHECK(graph.nodes[0].fused == std::vector<std::string>{"mul", "add", "sub"});

    GraphMaker rows;
    const auto linear = rows.linear("linear", rows.input({3, 4}), {.channels = 8});
    const auto wide = rows.reshape("wide", linear, {1, 1, 3, 8});
    CHECK(ops_of(folded(rows.finish({scaled_and_shifted(rows, wide, by_channel)}))) ==
          "linear reshape mul add sub");
  }
}

TEST_CASE("products and sums with constants, before a layer, go into its weights") {
  for (const bool by_channel : {false, true}) {
    for (const int groups : {1, 2, 8}) {
      GraphMaker m;
      const auto x = scaled_and_shifted(m, m.input({1, 5, 5, 8}), by_channel);
      const auto conv = m.conv("conv", x, {.channels = 8, .kernel = 3, .groups = groups});
      CHECK(ops_of(folded(m.finish({conv}))) == "conv2d");
    }
  }
}

TEST_CASE("before a layer that pads, a product is folded and a sum is not") {
  GraphMaker m;
  const auto x = m.input({1, 5, 5, 8});
  const ConvSettings pads = {.channels = 8, .kernel = 3, .padding = 1};
  const auto product = m.conv("a", m.mul("mul", x, factors(m, "f", true)), pads);
  const auto sum = m.conv("b", m.add("add", x, factors(m, "s", true)), pads);
  CHECK(ops_of(folded(m.finish({product, sum}))) == "conv2d add conv2d");
}

TEST_CASE("a product that others read too, or with a bound before a layer, stays") {
  GraphMaker m;
  const auto x = m.input({1, 5, 5, 8});
  const auto shared = m.mul("shared", x, factors(m, "f", true));
  const auto bounded = m.node("bounded", Op::mul, BinaryAttributes{.bounds = {.min = 0}},
                              {x, factors(m, "g", true)});
  const auto a = m.conv("a", shared);
  const auto b = m.conv("b", bounded);
  CHECK(ops_of(folded(m.finish({a, b, shared}))) == "mul mul conv2d conv2d");
}

TEST_CASE("the bounds of a product behind a layer become the layer's") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 5, 5, 4}), {.channels = 8});
  const auto y = m.node("y", Op::mul, BinaryAttributes{.bounds = {.min = 0, .max = 2}},
                        {conv, factors(m, "f", true)});
  const Graph graph = folded(m.finish({y}));
  REQUIRE(ops_of(graph) == "conv2d");
  CHECK(std::get<ConvAttributes>(graph.nodes[0].attributes).bounds == Bounds{.min = 0, .max = 2});
}

TEST_CASE("a product is not folded over what a file rounds, nor where it says how weights are") {
  const auto ops = [](const auto& change) {
    GraphMaker m;
    const auto conv = m.conv("conv", m.input({1, 5, 5, 4}), {.channels = 8});
    const auto y = m.mul("y", conv, factors(m, "f", true));
    m.scale(conv, 0.25F);
    Graph graph = m.finish({y});
    change(graph);
    REQUIRE(octet::graph::fold_affine(graph));
    return ops_of(graph);
  };
  CHECK(ops([](Graph&) {}) == "conv2d");  // calibration only observed
  CHECK(ops([](Graph& g) { g.keeps_rounding = true; }) == "conv2d mul");
  CHECK(ops([](Graph& g) { g.unscaled_is_float = true; }) == "conv2d mul");
  CHECK(ops([](Graph& g) { g.has_authors_borders = true; }) == "conv2d mul");
  CHECK(ops([](Graph& g) {
          g.tensors[static_cast<std::size_t>(g.nodes[0].output())].rounds = true;
        }) == "conv2d mul");
  CHECK(ops([](Graph& g) { g.nodes[0].weight_quantization = graph::WeightQuantization{}; }) ==
        "conv2d mul");
}

TEST_CASE("a product that weights cannot hold stays") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 2, 2, 4}), {.channels = 8});
  const auto small = m.mul("small", conv, m.constant("a", {1}, {1e-30F}));
  const auto large = m.mul("large", small, m.constant("b", {1}, {3e38F}));
  const auto larger = m.mul("larger", large, m.constant("c", {1}, {3e38F}));
  Graph graph = m.finish({larger});
  REQUIRE(octet::graph::fold_affine(graph));
  CHECK(ops_of(graph) == "conv2d mul");
  CHECK(graph.nodes[1].name == "larger");
}

TEST_CASE("a product with a constant that is no channel's, or not finite, stays") {
  GraphMaker m;
  const auto conv = m.conv("conv", m.input({1, 8, 8, 4}), {.channels = 8});
  const auto by_row = m.mul("by row", conv, m.random_constant("rows", {8, 1}));
  const auto other = m.conv("other", by_row, {.channels = 8});
  const auto infinite =
      m.mul("infinite", other, m.constant("inf", {1}, {std::numeric_limits<float>::infinity()}));
  Graph graph = m.finish({infinite});
  REQUIRE(octet::graph::fold_affine(graph));
  CHECK(ops_of(graph) == "conv2d mul conv2d mul");
}
