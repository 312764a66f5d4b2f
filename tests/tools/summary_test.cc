// Tests what convert says of coarse outputs, and of nodes that a user keeps in float: each remedy
// that it prints works.
#include "tools/octet/summary.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "tests/graph/run_graph.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {

std::string summary_of(const Graph& graph, const std::vector<std::string>& keep_float = {},
                       bool file_has_scales = false) {
  std::ostringstream out;
  tool::print_summary(out, build(graph, {.keep_float = keep_float}), "model.octet",
                      file_has_scales);
  return out.str();
}

constexpr Quantization input_scale = {.scale = 0.0625F, .zero_point = 128};

/// A sum whose result is moved before it becomes the output.
Graph moved_sum(Op op, const Attributes& attributes) {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3}, input_scale);
  const auto sum = m.add("sum", m.conv("a", x), m.simple("root", Op::abs, m.conv("b", x)));
  const auto again = m.add("again", sum, sum);
  Graph graph = m.finish({m.node("moved", op, attributes, {again})});
  calibrate(graph);
  return graph;
}

}  // namespace

TEST_CASE("the remedy for a coarse output names what computes it, behind whatever moves it") {
  const PoolAttributes pool{.window = {.kernel_h = 2, .kernel_w = 2}};
  const ResizeAttributes resize{.output_h = 8, .output_w = 8, .mode = ResizeMode::nearest};
  const std::vector<std::pair<Op, Attributes>> movers = {
      {Op::reshape, ReshapeAttributes{{1, 64}}},
      {Op::transpose, TransposeAttributes{{0, 3, 1, 2}}},
      {Op::slice, SliceAttributes{{0, 0, 0, 0}, {1, 1, 1, 1}, {1, 2, 4, 4}}},
      {Op::pad, PadAttributes{.before = {0, 1, 0, 0}, .after = {0, 0, 0, 0}}},
      {Op::max_pool, pool},
      {Op::resize, resize}};
  for (const auto& [op, attributes] : movers) {
    INFO(op_name(op));
    const Graph graph = moved_sum(op, attributes);
    const std::string text = summary_of(graph);
    INFO(text);
    CHECK(contains(text, "output moved: one of 256 values, "));
    CHECK(contains(text, "--keep-float again computes it in float"));
    CHECK_FALSE(contains(summary_of(graph, {"again"}), "256 values, "));
    CHECK(contains(summary_of(graph, {}, true), "apart, as the file rounds it"));
  }
}

TEST_CASE("probabilities are fine enough, logarithms of them are not") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3}, input_scale);
  const auto pool = m.max_pool("pool", m.conv("a", x));
  const auto scores = m.simple("scores", Op::sigmoid, pool);
  m.scale(scores, 1.0F / 256);
  const auto logs = m.simple("logs", Op::log, scores);
  m.scale(logs, 0.05F, 255);
  Graph graph = m.finish({logs});
  calibrate(graph);
  CHECK(contains(summary_of(graph), "output logs: one of 256 values, 0.05 apart"));
  Graph alone = graph;
  alone.outputs = {scores};
  alone.nodes.pop_back();
  CHECK_FALSE(contains(summary_of(alone), "256 values"));
  // A log_softmax is computed in float.
  for (Node& node : graph.nodes) {
    if (node.name != "scores") continue;
    node.op = Op::softmax;
    node.attributes = AxisAttributes{.axis = 3};
  }
  INFO(summary_of(graph));
  CHECK_FALSE(contains(summary_of(graph), "output logs"));
  CHECK(contains(summary_of(graph), "logs (log_softmax)"));
}

TEST_CASE("nodes that run in float for one reason are one line with a count") {
  GraphMaker m;
  auto x = m.input({1, 4, 4, 3}, input_scale);
  x = m.conv("layer", x);
  for (int i = 1; i <= 5; ++i) x = m.simple("n" + std::to_string(i), Op::tanh, x);
  Graph graph = m.finish({m.conv("last", x)});
  calibrate(graph);
  const std::string text = summary_of(graph, {"n1", "n2", "n3", "n4", "n5"});
  CHECK(contains(text,
                 "  in float: n1 (tanh), n2 (tanh), n3 (tanh) and 2 more: asked by the user\n"));
}

TEST_CASE("a layer that is kept in float: which tensor is coarse where the next layer reads it") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3}, input_scale);
  const auto kept = m.conv("kept", x);
  Graph graph = m.finish({m.conv("next", kept)});
  m.scale(kept, 0.25F, 128);
  graph.tensor(kept).quantization = Quantization{.scale = 0.25F, .zero_point = 128};
  calibrate(graph);
  const std::string text = summary_of(graph, {"kept"});
  INFO(text);
  CHECK(contains(text,
                 "kept in float: kept; its result kept is one of 256 values, 0.25 apart, "
                 "where next (conv2d) reads it; --keep-float next reads it in float"));
  CHECK_FALSE(contains(summary_of(graph, {"kept", "next"}), "256 values"));
}

}  // namespace octet::test
