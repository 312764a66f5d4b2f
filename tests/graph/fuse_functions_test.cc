// Functions inside int8 layers, and scales of channels: what becomes of a graph, and that the
// results are nearer to float than with a table and one scale.
#include <catch2/catch.hpp>
#include <cmath>

#include "graph/passes/passes.h"
#include "tests/contains.h"
#include "tests/graph/run_graph.h"

namespace octet::test {
namespace {

TensorId function_of(GraphMaker& m, const std::string& name, Op op, TensorId x) {
  if (op == Op::leaky_relu || op == Op::elu)
    return m.node(name, op, ScalarAttributes{op == Op::elu ? 1.0F : 0.2F}, {x});
  return m.simple(name, op, x);
}

/// The functions that have a form at the ranges of the random graphs below.
constexpr Op usual_functions[] = {
    Op::silu, Op::gelu, Op::gelu_tanh,    Op::mish, Op::elu,      Op::hard_swish, Op::sigmoid,
    Op::tanh, Op::abs,  Op::hard_sigmoid, Op::erf,  Op::softplus, Op::leaky_relu};

const NodeInfo& node_named(const Model& model, const std::string& name) {
  for (const NodeInfo& node : model.nodes()) {
    if (node.name == name) return node;
  }
  FAIL("no node '" << name << "' in " << nodes_of(model));
  return model.nodes().front();
}

std::vector<std::string> functions_in(const Model& model) {
  std::vector<std::string> all;
  for (const NodeInfo& node : model.nodes()) {
    if (node.op != "lookup" && !node.function.empty())
      all.push_back(node.name + " " + node.function);
  }
  return all;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a function of one value becomes a part of the layer that it reads") {
  for (const Op op : usual_functions) {
    INFO(op_name(op));
    GraphMaker m;
    TensorId x = m.conv("a", m.input({1, 9, 7, 3}), {.channels = 12, .kernel = 3, .padding = 1});
    x = function_of(m, "function", op, x);
    Graph graph = m.finish({m.conv("b", x, {.channels = 4})});
    check_int8_is_near_float(graph);
    calibrate(graph);
    const Model model = build(graph);
    CHECK(functions_in(model) == Names{std::string("a ") + op_name(op)});
    CHECK(node_named(model, "a").fused == Names{"function"});
    CHECK(std::ranges::none_of(model.nodes(), [](const auto& n) { return n.op == "lookup"; }));
  }
}

TEST_CASE("a residual is added to the function's result, or to its operand, as the graph says") {
  for (const Op op : usual_functions) {
    for (const bool before : {false, true}) {
      INFO(op_name(op) << (before ? " of a sum" : " and a sum"));
      GraphMaker m;
      const TensorId start = m.relu("r", m.conv("start", m.input({1, 8, 8, 3}), {.channels = 8}));
      TensorId x = m.conv("a", start, {.channels = 8, .kernel = 3, .padding = 1});
      if (before) {
        x = function_of(m, "function", op, m.add("sum", x, start));
      } else {
        x = m.add("sum", start, function_of(m, "function", op, x));
      }
      Graph graph = m.finish({m.conv("b", x, {.channels = 4})});
      check_int8_is_near_float(graph);
      calibrate(graph);
      const Model model = build(graph);
      CHECK(functions_in(model) == Names{std::string("a ") + op_name(op)});
      CHECK(std::ranges::none_of(model.nodes(), [](const auto& n) { return n.op == "add"; }));
    }
  }
}

TEST_CASE("a function stays a table where the layer's own result is needed or rounded") {
  const auto functions = [](const auto& change) {
    GraphMaker m;
    const TensorId a = m.conv("a", m.input({1, 6, 6, 3}), {.channels = 8});
    const TensorId y = m.simple("function", Op::silu, a);
    std::vector<TensorId> outputs = {m.conv("b", y, {.channels = 4})};
    change(m, a, outputs);
    Graph graph = m.finish(outputs);
    calibrate(graph);
    return functions_in(build(std::move(graph)));
  };
  CHECK(functions([](GraphMaker&, TensorId, auto&) {}) == Names{"a silu"});
  CHECK(functions([](GraphMaker& m, TensorId a, auto& outputs) {
          outputs.push_back(m.conv("c", a));
        }).empty());
  CHECK(functions([](GraphMaker&, TensorId a, auto& outputs) { outputs.push_back(a); }).empty());
  CHECK(functions([](GraphMaker& m, TensorId a, auto&) {
          m.graph().tensor(a).rounds = true;
          m.graph().tensor(a).quantization = Quantization{0.02F, 128};
        }).empty());
  CHECK(functions([](GraphMaker& m, TensorId, auto&) { m.graph().keeps_rounding = true; }).empty());
}

TEST_CASE("a prelu with a slope for each channel is in the layer, or in float with the reason") {
  const auto nodes = [](bool behind_relu, bool at_output) {
    GraphMaker m;
    TensorId x = m.conv("a", m.input({1, 7, 7, 3}), {.channels = 6, .kernel = 3, .padding = 1});
    if (behind_relu) x = m.clip("clip", x, {.min = -0.5F});
    x = m.node("prelu", Op::prelu, NoAttributes{},
               {x, m.constant("slope", {6}, {0.1F, 0.3F, -0.2F, 1.5F, 0, 0.25F})});
    Graph graph = m.finish({at_output ? x : m.conv("b", x, {.channels = 4})});
    check_int8_is_near_float(graph);
    calibrate(graph);
    const Model model = build(graph);
    for (const NodeInfo& node : model.nodes()) {
      if (node.op == "prelu") CHECK(contains(node.reason, "whose layer cannot compute it"));
    }
    return functions_in(model);
  };
  CHECK(nodes(false, false) == Names{"a prelu"});
  CHECK(nodes(true, false).empty());
  CHECK(nodes(false, true).empty());
}

TEST_CASE("functions stay tables if the user wants them as tables, and channels keep one scale") {
  GraphMaker m;
  TensorId x = m.simple("silu", Op::silu, m.conv("a", m.input({1, 6, 6, 3}), {.channels = 8}));
  x = m.conv("depthwise", x, {.channels = 8, .kernel = 3, .padding = 1, .groups = 8});
  Graph graph = m.finish({x});
  check_int8_is_near_float(graph, 0.06F, {.tables = true});
  calibrate(graph);
  const Model model = build(graph, {.tables = true});
  CHECK(node_named(model, "silu").op == "lookup");
  CHECK(node_named(model, "silu").outputs[0].scale > 0);
  CHECK(functions_in(model).empty());
}

TEST_CASE("a function between 0 and 1 keeps a layer with bounds of its own apart") {
  GraphMaker m;
  TensorId x = m.relu("relu", m.conv("a", m.input({1, 6, 6, 3}), {.channels = 8}));
  x = m.simple("function", Op::tanh, x);
  Graph graph = m.finish({m.conv("b", x, {.channels = 4})});
  calibrate(graph);
  CHECK(functions_in(build(graph)).empty());
  check_int8_is_near_float(graph);
}

TEST_CASE("what only depthwise layers read has a scale for each channel") {
  for (const Op op : {Op::identity, Op::clip, Op::silu, Op::hard_swish, Op::gelu, Op::leaky_relu}) {
    for (const int32_t stride : {1, 2}) {
      INFO(op_name(op) << ", stride " << stride);
      GraphMaker m;
      TensorId x = m.conv("a", m.input({1, 11, 9, 3}), {.channels = 24, .kernel = 3, .padding = 1});
      if (op == Op::clip) {
        x = m.relu("function", x);
      } else if (op != Op::identity) {
        x = function_of(m, "function", op, x);
      }
      x = m.conv("depthwise", x,
                 {.channels = 24, .kernel = 3, .stride = stride, .padding = 1, .groups = 24});
      Graph graph = m.finish({m.conv("b", x, {.channels = 4})});
      check_int8_is_near_float(graph);
      calibrate(graph);
      const Model model = build(graph);
      INFO(nodes_of(model));
      const TensorInfo& scaled = node_named(model, "a").outputs[0];
      CHECK(scaled.scale == 0);
      CHECK(scaled.channel_scales.size() == 24);
      CHECK(scaled.channel_zero_points.size() == 24);
    }
  }
}

namespace {

/// A wide layer, one of whose channels is `outlier` times the others, then a depthwise layer that
/// shrinks that channel, and a last layer.
Graph with_outlier(float outlier, bool is_output) {
  GraphMaker m;
  constexpr int32_t channels = 16;
  const TensorId image = m.input({1, 10, 10, 3});
  TensorId x = m.conv("a", image, {.channels = channels, .kernel = 3, .padding = 1});
  const auto scale_channel = [&](const char* name, float by) {
    graph::Tensor& weight = m.graph().tensor(m.graph().nodes.back().inputs[1]);
    graph::Tensor& bias = m.graph().tensor(m.graph().nodes.back().inputs[2]);
    auto w = graph::float_values(weight);
    INFO(name);
    for (std::size_t i = 0; i < w.size() / channels; ++i) w[i] *= by;
    graph::float_values(bias)[0] *= by;
  };
  scale_channel("a", outlier);
  x = m.simple("function", Op::silu, x);
  const TensorId wide = x;
  x = m.conv("depthwise", x, {.channels = channels, .kernel = 3, .padding = 1, .groups = channels});
  scale_channel("depthwise", 1 / outlier);
  std::vector<TensorId> outputs = {m.conv("b", x, {.channels = 4})};
  if (is_output) outputs.push_back(wide);
  return m.finish(outputs);
}

float error_of(Graph graph) {
  const auto inputs = random_inputs(graph);
  const auto expected = run(build(graph, {.float_only = true}), inputs);
  calibrate(graph);
  return relative_error(run(build(graph), inputs)[0], expected[0]);
}

}  // namespace

TEST_CASE("a channel far larger than the others costs them no levels where a depthwise reads") {
  const float usual = error_of(with_outlier(1, false));
  CHECK(error_of(with_outlier(30, false)) < 1.5F * usual + 0.005F);
  CHECK(error_of(with_outlier(30, true)) > 2 * usual);  // an output: one scale
}

TEST_CASE("a channel that was never alive, and bounds, keep scales of channels in order") {
  GraphMaker m;
  TensorId x = m.relu6("relu6", m.conv("a", m.input({1, 8, 8, 3}), {.channels = 16}));
  auto bias = graph::float_values(m.graph().tensor(m.graph().nodes[0].inputs[2]));
  bias[3] = -1000;  // always 0
  bias[4] = 1000;   // always 6
  x = m.conv("depthwise", x, {.channels = 16, .kernel = 3, .padding = 1, .groups = 16});
  Graph graph = m.finish({m.conv("b", x, {.channels = 4})});
  check_int8_is_near_float(graph);
  calibrate(graph);
  const Model model = build(graph);
  const TensorInfo& scaled = node_named(model, "a").outputs[0];
  REQUIRE(scaled.channel_scales.size() == 16);
  CHECK(scaled.channel_scales[4] == Approx(6.0 / 255));
  CHECK(scaled.channel_scales[3] > 0);
  CHECK(std::ranges::all_of(scaled.channel_zero_points, [](int32_t z) { return z == 0; }));
}

TEST_CASE("a file with functions or scales that contradict their layer is refused by name") {
  GraphMaker m;
  TensorId x = m.simple("silu", Op::silu, m.conv("a", m.input({1, 6, 6, 3}), {.channels = 8}));
  x = m.conv("depthwise", x, {.channels = 8, .kernel = 3, .padding = 1, .groups = 8});
  Graph good = m.finish({m.conv("b", m.relu("relu", x), {.channels = 4})});
  calibrate(good);
  REQUIRE(graph::run_pipeline(good, {}));
  const auto refusal = [&](const auto& damage) {
    Graph graph = good;
    const auto layer = [&](const std::string& name) -> Node& {
      return *std::ranges::find(graph.nodes, name, &Node::name);
    };
    const auto function = [&](const std::string& name) -> InnerFunction& {
      return std::get<ConvAttributes>(layer(name).attributes).function;
    };
    damage(graph, layer, function);
    const auto bytes = graph::write_model(graph);
    REQUIRE(bytes);
    const auto model = Model::from_memory(*bytes, "damaged");
    return model ? std::string("accepted") : model.error().message;
  };
  CHECK(refusal([](auto&, auto&, auto&) {}) == "accepted");
  CHECK(contains(refusal([](auto&, auto&, auto& f) { f("a").numbers.pop_back(); }),
                 "node 'a' (conv2d) has another number of numbers than its function"));
  CHECK(contains(refusal([](auto&, auto&, auto& f) { f("a").numbers[5] = NAN; }),
                 "with numbers that are not finite"));
  CHECK(contains(refusal([](auto&, auto&, auto& f) { f("a").numbers.back() = 0.5F; }),
                 "whose ends are no straight lines"));
  CHECK(contains(refusal([](auto&, auto&, auto& f) { f("a").takes_residual = true; }),
                 "no residual for its function"));
  CHECK(contains(refusal([](auto&, auto&, auto& f) { f("b") = f("a"); }), "only if it gives u8"));
  CHECK(contains(refusal([](auto& graph, auto& layer, auto&) {
                   graph.tensor(layer("a").output()).channel_zero_points.pop_back();
                 }),
                 "has another number of scales than channels"));
  CHECK(contains(refusal([](auto& graph, auto& layer, auto&) {
                   graph.tensor(layer("a").output()).shape.clear();
                 }),
                 "has another number of scales than channels"));
  CHECK(contains(refusal([](auto& graph, auto& layer, auto&) {
                   graph.tensor(layer("a").output()).channel_scales[2] = 0;
                 }),
                 "channel scale that is not positive"));
}

}  // namespace octet::test
