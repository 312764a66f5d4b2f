// A quantized file in float clips values that its bytes cannot represent.
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;

namespace {

/// A layer that hands its two channels on. Its result is u8 from 0 to 7.96875, which is how a ReLU
/// may be written in a quantized file. Its input is bytes, too, with a scale of 0.5.
GraphMaker one_layer() {
  GraphMaker m;
  const auto x = m.input({1, 1, 2, 2}, Quantization{.scale = 0.5F, .zero_point = 128});
  m.graph().tensor(x).given_in_bytes = true;
  m.conv("y", x, {.channels = 2, .bias = false, .weights = {1, 0, 0, 1}});
  m.scale(m.last().output(), 0.03125F, 0);
  m.graph().unscaled_is_float = true;
  m.graph().has_authors_borders = true;
  return m;
}

const std::vector<Values> inputs = {{-3, 2, 9.5F, -0.5F}};

}  // namespace

TEST_CASE("a quantized file in float keeps the saturation of its bytes") {
  GraphMaker m = one_layer();
  const Graph graph = m.finish({m.last().output()});
  const std::vector<Values> expected = {{0, 2, 7.96875F, 0}};
  CHECK(run(build(graph), inputs) == expected);
  const Model in_float = build(graph, {.float_only = true});
  CHECK(run(in_float, inputs) == expected);
  CHECK(nodes_of(in_float) == "y:conv2d");

  Graph forgotten = graph;
  REQUIRE(octet::graph::forget_scales(forgotten));
  CHECK(run(build(forgotten, {.float_only = true}), inputs) == expected);
}

TEST_CASE("a node without bounds of its own gets a clip; the result keeps its name") {
  GraphMaker m = one_layer();
  const auto z = m.simple("z", Op::neg, m.last().output());
  m.scale(z, 0.015625F, 255);
  const Model model = build(m.finish({z}), {.float_only = true});
  CHECK(nodes_of(model) == "y:conv2d z:neg z.range:clip");
  CHECK(model.outputs()[0].name == "z");
  CHECK(run(model, inputs) == std::vector<Values>{{0, -2, -3.984375F, 0}});
}

TEST_CASE("a float input that a quantized file quantizes is clipped to its bytes' range") {
  GraphMaker m = one_layer();
  m.graph().tensor(m.graph().inputs[0]) = {
      .name = "x0", .shape = {1, 1, 2, 2}, .quantization = Quantization{0.015625F, 255}};
  const Graph graph = m.finish({m.last().output()});
  const std::vector<Values> expected = {{0, 0, 0, 0}};  // the range of the input is -3.98 to 0
  CHECK(run(build(graph), inputs) == expected);
  CHECK(run(build(graph, {.float_only = true}), inputs) == expected);
}

TEST_CASE("movers, pools and softmax are clipped where their result's range is the narrower") {
  const Quantization wide{.scale = 0.5F, .zero_point = 128};
  const Quantization narrow{.scale = 0.03125F, .zero_point = 0};
  const auto is_clipped = [&](const Quantization& result, Op op, const Attributes& attributes) {
    GraphMaker m;
    const auto x = m.input({1, 2, 2, 1}, wide);
    m.graph().tensor(x).given_in_bytes = true;
    const auto y = m.node("y", op, attributes, {x});
    m.scale(y, result.scale, result.zero_point);
    Graph graph = m.finish({y});
    REQUIRE(octet::graph::saturate(graph));
    return ops_of(graph).ends_with(" clip");
  };
  const PoolAttributes pool{.window = {.kernel_h = 2, .kernel_w = 1}};
  const ResizeAttributes resize{.output_h = 3, .output_w = 3, .mode = ResizeMode::bilinear};
  const std::vector<std::pair<Op, Attributes>> kinds = {
      {Op::max_pool, pool},
      {Op::average_pool, pool},
      {Op::resize, resize},
      {Op::slice, SliceAttributes{{0, 1, 0, 0}, {1, 1, 1, 1}, {1, 1, 2, 1}}},
      {Op::pad, PadAttributes{.before = {0, 1, 0, 0}, .after = {0, 0, 0, 0}}},
      {Op::reshape, ReshapeAttributes{{1, 4, 1, 1}}},
      {Op::transpose, TransposeAttributes{{0, 2, 1, 3}}},
      {Op::mean, MeanAttributes{.axes = {3}, .keepdims = true}}};
  for (const auto& [op, attributes] : kinds) {
    INFO(op_name(op));
    CHECK(is_clipped(narrow, op, attributes));
    CHECK_FALSE(is_clipped(wide, op, attributes));
  }
  const AxisAttributes last{.axis = 3};
  CHECK(is_clipped({.scale = 1.0F / 512}, Op::softmax, last));
  CHECK_FALSE(is_clipped({.scale = 1.0F / 256}, Op::softmax, last));
}

TEST_CASE("what a file gives no scale is not bounded, nor is a model of the user's calibration") {
  GraphMaker m = one_layer();
  m.graph().tensor(m.last().output()).quantization.reset();
  CHECK(run(build(m.finish({m.last().output()}), {.float_only = true}), inputs) == inputs);
  GraphMaker calibrated = one_layer();
  calibrated.graph().unscaled_is_float = false;
  CHECK(run(build(calibrated.finish({calibrated.last().output()}), {.float_only = true}), inputs) ==
        inputs);
}

TEST_CASE("a float node between int8 ones has its result rounded as the file does it") {
  GraphMaker m = one_layer();
  const auto y = m.last().output();
  const auto root = m.simple("root", Op::sqrt, y);
  m.scale(root, 0.125F, 0);
  const auto twice = m.node("twice", Op::add, BinaryAttributes{}, {root, root});
  m.scale(twice, 0.25F, 0);
  // Two float nodes in a row: the square root is still rounded to eighths.
  const Model model = build(m.finish({twice, root}), {.keep_float = {"root", "twice"}});
  const auto outputs = run(model, inputs);
  CHECK(outputs[1] == Values{0, 1.375F, 2.875F, 0});  // from 1.414 and 2.823
  CHECK(outputs[0] == Values{0, 2.75F, 5.75F, 0});
  CHECK(model.outputs()[0].name == "twice");
  CHECK(model.outputs()[1].name == "root");
}
