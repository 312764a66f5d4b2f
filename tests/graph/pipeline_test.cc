#include <catch2/catch.hpp>
#include <cmath>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;

namespace {

Model build_calibrated(Graph graph, const octet::graph::BuildOptions& options = {}) {
  calibrate(graph);
  return build(std::move(graph), options);
}

}  // namespace

TEST_CASE("conv, conv-relu, conv-bn and conv-bn-relu are one node each") {
  for (const bool bn : {false, true}) {
    for (const bool relu : {false, true}) {
      INFO("bn " << bn << ", relu " << relu);
      GraphMaker m;
      auto y = m.conv("conv", m.input({1, 6, 6, 3}), {.kernel = 3, .padding = 1});
      if (bn) y = m.batch_norm("bn", y);
      if (relu) y = m.relu("relu", y);
      const Graph graph = m.finish({y});
      CHECK(nodes_of(build_calibrated(graph)) == "x0.quantize:quantize conv:conv2d");
      CHECK(nodes_of(build(graph, {.float_only = true})) == "conv:conv2d");
      check_int8_is_near_float(graph);
    }
  }
}

TEST_CASE("linear, linear-bn and linear-relu are one node each") {
  GraphMaker m;
  const auto x = m.input({1, 8});
  const auto a = m.batch_norm("bn", m.linear("a", x, {.channels = 8}));
  const auto b = m.relu("relu", m.linear("b", a, {.channels = 8}));
  const Graph graph = m.finish({m.linear("c", b, {.channels = 3})});
  CHECK(nodes_of(build_calibrated(graph)) == "x0.quantize:quantize a:linear b:linear c:linear");
  check_int8_is_near_float(graph);
}

TEST_CASE("bn-relu in front of a convolution is one depthwise node") {
  GraphMaker m;
  const auto bn = m.relu("relu", m.batch_norm("bn", m.input({1, 6, 6, 3})));
  const Graph graph = m.finish({m.conv("conv", bn, {.kernel = 3, .padding = 1})});
  CHECK(nodes_of(build_calibrated(graph)) == "x0.quantize:quantize bn:conv2d conv:conv2d");
  check_int8_is_near_float(graph);
}

TEST_CASE("residual blocks of every order run in int8 near float") {
  for (const bool relu_inside : {false, true}) {
    for (const bool conv_first : {false, true}) {
      for (const bool relu_after : {false, true}) {
        INFO("relu inside " << relu_inside << ", conv first " << conv_first << ", relu after "
                            << relu_after);
        GraphMaker m;
        const auto stem = m.relu("stem.relu", m.conv("stem", m.input({1, 6, 6, 3})));
        auto branch = m.batch_norm("bn", m.conv("conv", stem, {.kernel = 3, .padding = 1}));
        if (relu_inside) branch = m.relu("inside", branch);
        auto y = conv_first ? m.add("add", branch, stem) : m.add("add", stem, branch);
        if (relu_after) y = m.relu("after", y);
        const Graph graph = m.finish({m.conv("last", y)});
        const Model model = build_calibrated(graph);
        CHECK(nodes_of(model) == "x0.quantize:quantize stem:conv2d conv:conv2d last:conv2d");
        check_int8_is_near_float(graph);
      }
    }
  }
}

TEST_CASE("an inverted residual with relu6 is three convolutions, the add in the last") {
  GraphMaker m;
  const auto x = m.relu6("stem.relu", m.conv("stem", m.input({1, 8, 8, 3}), {.channels = 4}));
  const auto wide = m.relu6("r1", m.batch_norm("b1", m.conv("expand", x, {.channels = 12})));
  const auto deep = m.relu6(
      "r2", m.batch_norm("b2", m.conv("depthwise", wide,
                                      {.channels = 12, .kernel = 3, .padding = 1, .groups = 12})));
  const auto narrow = m.batch_norm("b3", m.conv("project", deep));
  const Graph graph = m.finish({m.conv("head", m.add("add", x, narrow))});
  CHECK(
      nodes_of(build_calibrated(graph)) ==
      "x0.quantize:quantize stem:conv2d expand:conv2d depthwise:conv2d project:conv2d head:conv2d");
  check_int8_is_near_float(graph, 0.1f);
}

TEST_CASE("a shortcut of max pool and padded channels (Blaze) runs in int8 throughout") {
  GraphMaker m;
  const auto x = m.relu("stem.relu", m.conv("stem", m.input({1, 8, 8, 3}), {.channels = 4}));
  const auto branch = m.conv("conv", x, {.channels = 6, .kernel = 3, .stride = 2, .padding = 1});
  const auto pool = m.max_pool("pool", x);
  const auto padded = m.node("pad", Op::pad, PadAttributes{{0, 0, 0, 0}, {0, 0, 0, 2}, 0}, {pool});
  const auto y = m.relu("relu", m.add("add", padded, branch));
  const Graph graph = m.finish({m.conv("head", y)});
  const Model model = build_calibrated(graph);
  CHECK_FALSE(model.has_float_island());
  CHECK(nodes_of(model).find("add:") == std::string::npos);
  check_int8_is_near_float(graph);
}

TEST_CASE("branches that are concatenated write where they are read, without a requantize") {
  GraphMaker m;
  const auto x = m.input({1, 6, 6, 3});
  const auto a = m.relu("ra", m.conv("a", x));
  const auto b = m.relu("rb", m.conv("b", x, {.kernel = 3, .padding = 1}));
  const Graph graph = m.finish({m.conv("head", m.concat("concat", {a, b}, 3))});
  const Model model = build_calibrated(graph);
  const NodeInfo& concat = model.nodes()[3];
  REQUIRE(concat.op == "concat");
  for (const TensorInfo& input : concat.inputs) CHECK(input.scale == concat.outputs[0].scale);
  check_int8_is_near_float(graph);
}

TEST_CASE("detection heads give float32 from the accumulators through permute, view and concat") {
  GraphMaker m;
  const auto x = m.relu("relu", m.conv("stem", m.input({1, 8, 8, 3}), {.kernel = 3, .padding = 1}));
  const auto y = m.conv("down", x, {.kernel = 3, .stride = 2, .padding = 1});
  const auto boxes0 = m.reshape(
      "v0", m.transpose("p0", m.conv("box0", x, {.channels = 8}), {0, 2, 1, 3}), {1, 128, 4});
  const auto boxes1 = m.reshape("v1", m.conv("box1", y, {.channels = 8}), {1, 32, 4});
  const auto scores0 = m.reshape("s0", m.conv("score0", x), {1, 128, 2});
  const auto scores1 = m.reshape("s1", m.conv("score1", y), {1, 32, 2});
  const auto boxes = m.concat("boxes", {boxes0, boxes1}, 1);
  const auto scores = m.softmax("scores", m.concat("all", {scores0, scores1}, 1));
  const Graph graph = m.finish({boxes, scores});
  const Model model = build_calibrated(graph);
  CHECK(nodes_of(model).find("dequantize") == std::string::npos);
  CHECK_FALSE(model.has_float_island());
  CHECK(model.outputs()[0].name == "boxes");
  check_int8_is_near_float(graph);
}

TEST_CASE("a float node in the middle is an island between int8 nodes") {
  GraphMaker m;
  const auto a = m.conv("a", m.input({1, 6, 6, 3}));
  const auto resize =
      m.node("resize", Op::resize, ResizeAttributes{9, 9, ResizeMode::bilinear, false}, {a});
  const Graph graph = m.finish({m.conv("b", resize)});
  const Model model = build_calibrated(graph);
  CHECK(model.has_float_island());
  CHECK(nodes_of(model) ==
        "x0.quantize:quantize a:conv2d resize:resize resize.quantize:quantize b:conv2d");
  check_int8_is_near_float(graph);
}

TEST_CASE("keep_float keeps what was fused into a node as well") {
  GraphMaker m;
  const auto y =
      m.relu("block.relu", m.batch_norm("block.bn", m.conv("block.conv", m.input({1, 6, 6, 3}))));
  const Graph graph = m.finish({m.conv("last", y)});
  for (const char* name : {"block", "block.bn", "block.relu"}) {
    const Model model = build_calibrated(graph, {.keep_float = {name}});
    CHECK_FALSE(model.nodes()[0].int8);
    CHECK(model.nodes()[0].reason == "asked by the user");
  }
  check_int8_is_near_float(graph, 0.06f, {.keep_float = {"block"}});
}

TEST_CASE(
    "keep_float of a name that no node has is an error that says so; half a name is no prefix") {
  GraphMaker m;
  const Graph graph = m.finish({m.conv("block.conv", m.input({1, 6, 6, 3}))});
  for (const std::string name : {"nothing", "block.con", "blo", "block.conv.more", ""}) {
    const auto built = octet::graph::build_model(graph, {.keep_float = {"block", name}});
    REQUIRE_FALSE(built);
    CHECK(built.error().message.find("'" + name + "'") != std::string::npos);
    CHECK(built.error().message.find("octet inspect") != std::string::npos);
  }
}

TEST_CASE("an argmax at the end gives the indices that the float model gives") {
  GraphMaker m;
  const auto logits = m.linear("fc", m.input({1, 16}), {.channels = 10});
  const Graph graph = m.finish({m.argmax("class", logits)});
  const auto inputs = random_inputs(graph);
  const Model model = build_calibrated(graph);
  CHECK(model.outputs()[0].type == Type::s32);
  CHECK(run(model, inputs) == run(build(graph, {.float_only = true}), inputs));
}

TEST_CASE("the bytes of a convolution are those of the arithmetic contract") {
  GraphMaker m;
  const auto x = m.input({1, 1, 1, 2}, Quantization{0.5f, 10});
  const auto conv =
      m.conv("conv", x, {.channels = 1, .weights = {1.27f, -0.64f}, .bias_values = {0.3f}});
  const auto y = m.simple("neg", Op::neg, conv);
  m.scale(conv, 0.0625f, 100).scale(y, 0.0625f, 155);
  const Model model = build(m.finish({y}));
  const auto out = run(model, {{3.0f, -2.0f}});
  // x is 16 and 6 with zero point 10, w is 127 and -64 at 0.01, the bias is 0.3 / (0.5 * 0.01) =
  // 60.
  const float scale = 1.27f / 127;
  const int acc = 60 + 6 * 127 + -4 * -64;
  const float multiplier = (0.5f * scale) / 0.0625f;
  const int q = static_cast<int>(std::nearbyint(static_cast<float>(acc) * multiplier)) + 100;
  CHECK(out[0][0] == 0.0625f * static_cast<float>(100 - q));
}

TEST_CASE("an error of a pass names the model") {
  GraphMaker m;
  const auto built =
      octet::graph::build_model(m.finish({m.conv("conv", m.input({1, 4, 4, 3}))}), {});
  REQUIRE_FALSE(built);
  CHECK(built.error().message.find("test graph") != std::string::npos);
}
