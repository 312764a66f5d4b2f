// Scales of channels: which tensors have them, and that the network answers as in float.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "graph/calibration/calibration.h"
#include "tests/graph/run_graph.h"

namespace octet::test {
namespace {

constexpr int32_t channels = 24;

/// A layer whose channels have very different ranges.
TensorId uneven(GraphMaker& m, const std::string& name, TensorId x, ConvSettings settings = {}) {
  settings.channels = channels;
  const TensorId id = m.conv(name, x, settings);
  const auto& inputs = m.graph().nodes.back().inputs;
  auto w = graph::float_values(m.graph().tensor(inputs[1]));
  auto b = graph::float_values(m.graph().tensor(inputs[2]));
  const std::size_t in_filter = w.size() / channels;
  for (std::size_t o = 0; o < channels; ++o) {
    const float by = std::pow(2.0F, -static_cast<float>(o % 6));
    for (std::size_t k = 0; k < in_filter; ++k) w[o * in_filter + k] *= by;
    b[o] *= by;
  }
  return id;
}

/// The opposite, so that all channels count alike.
TensorId even(GraphMaker& m, const std::string& name, TensorId x, ConvSettings settings = {}) {
  const TensorId id = m.conv(name, x, settings);
  graph::Tensor& weight = m.graph().tensor(m.graph().nodes.back().inputs[1]);
  auto w = graph::float_values(weight);
  const auto inputs = static_cast<std::size_t>(weight.shape.back());
  for (std::size_t k = 0; k < w.size(); ++k) {
    const std::size_t c = inputs == 1 ? k / (w.size() / channels) : k % inputs;
    w[k] *= std::pow(2.0F, static_cast<float>(c % channels % 6));
  }
  return id;
}

TensorId image(GraphMaker& m) { return m.input({1, 8, 8, 3}); }

const TensorInfo& result_of(const Model& model, const std::string& name) {
  const auto& nodes = model.nodes();
  const auto found = std::ranges::find(nodes, name, &NodeInfo::name);
  REQUIRE(found != nodes.end());
  return found->outputs[0];
}

bool is_scaled(const Model& model, const std::string& name) {
  const TensorInfo& info = result_of(model, name);
  CHECK((info.scale == 0) == !info.channel_scales.empty());
  return !info.channel_scales.empty();
}

/// Builds the graph with scales of channels, and checks that its answers are no worse than without:
/// the largest error, over that with one scale for each tensor, is returned.
double share_of_error(Graph graph, const Model** built = nullptr) {
  const auto inputs = random_inputs(graph);
  const auto expected = run(build(graph, {.float_only = true}), inputs);
  calibrate(graph);
  Graph plain = graph;
  for (graph::Tensor& tensor : plain.tensors) {
    tensor.channel_low.clear();
    tensor.channel_high.clear();
  }
  static Model kept = build(graph);
  kept = build(graph);
  if (built != nullptr) *built = &kept;
  const auto error = [&](const Model& model) {
    double sum = 0;
    const auto got = run(model, inputs)[0];
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double difference = double{got[i]} - double{expected[0][i]};
      sum += difference * difference;
    }
    return sum;
  };
  return std::sqrt(error(kept) / error(build(plain)));
}

}  // namespace

TEST_CASE("channels that a dense layer sums have scales of their own, which are in its weights") {
  for (const Op op : {Op::identity, Op::silu, Op::hard_swish, Op::abs}) {
    for (const int32_t kernel : {1, 3}) {
      INFO(op_name(op) << ", kernel " << kernel);
      GraphMaker m;
      TensorId x = uneven(m, "a", image(m), {.kernel = 3, .padding = 1});
      if (op != Op::identity) x = m.simple("function", op, x);
      const Model* model = nullptr;
      CHECK(
          share_of_error(
              m.finish({even(m, "b", x, {.channels = 8, .kernel = kernel, .padding = kernel / 2})}),
              &model) < 0.75);
      CHECK(is_scaled(*model, "a"));
    }
  }
}

TEST_CASE("a layer with several filters for each channel has their scales in its weights") {
  for (const int32_t multiplier : {2, 3}) {
    GraphMaker m;
    TensorId x = uneven(m, "a", image(m), {.kernel = 3, .padding = 1});
    x = m.conv("several", x,
               {.channels = multiplier * channels, .kernel = 3, .padding = 1, .groups = channels});
    auto w = graph::float_values(m.graph().tensor(m.graph().nodes.back().inputs[1]));
    const std::size_t each = w.size() / channels;
    for (std::size_t k = 0; k < w.size(); ++k)
      w[k] *= std::pow(2.0F, static_cast<float>(k / each % 6));
    const Model* model = nullptr;
    CHECK(share_of_error(m.finish({m.conv("last", x, {.channels = 5})}), &model) < 0.9);
    CHECK(is_scaled(*model, "a"));
  }
  // A linear layer of one channel is no depthwise layer.
  GraphMaker n;
  const TensorId row = n.reshape("row", n.input({1, 1, 30, 2}), {30, 2});
  Graph graph = n.finish({n.linear("b", n.linear("a", row, {.channels = 1}), {.channels = 1})});
  check_int8_is_near_float(graph);
}

TEST_CASE("channels of which few values were seen get no scales of their own") {
  GraphMaker m;
  TensorId x = m.reshape("flat", m.input({1, 1, 1, 16}), {1, 16});
  x = m.relu("relu", m.linear("a", x, {.channels = channels}));
  auto w = graph::float_values(m.graph().tensor(m.graph().nodes[1].inputs[1]));
  for (std::size_t k = 0; k < 16; ++k) w[k] *= 100;
  Graph graph = m.finish({m.linear("b", x, {.channels = 4})});
  for (const int inputs : {20, 600}) {
    Graph calibrated = graph;
    auto calibration = graph::Calibration::create(graph, 1);
    REQUIRE(calibration);
    for (int i = 0; i < inputs; ++i)
      REQUIRE(calibration->observe(random_inputs(graph, static_cast<uint32_t>(i))));
    REQUIRE(calibration->apply(calibrated, graph::Calibrator::mse));
    CHECK(is_scaled(build(calibrated), "a") == (inputs == 600));
  }
}

TEST_CASE("grouped and linear layers have the scales of the channels that they sum") {
  GraphMaker m;
  const TensorId x = uneven(m, "a", image(m), {.kernel = 3});
  const TensorId y = uneven(m, "b", even(m, "grouped", x, {.channels = channels, .groups = 4}));
  const Model* model = nullptr;
  CHECK(share_of_error(m.finish({even(m, "last", y, {.channels = 5})}), &model) < 0.9);
  CHECK(is_scaled(*model, "a"));
  CHECK(is_scaled(*model, "b"));
  GraphMaker n;
  const TensorId rows = n.reshape("rows", n.input({1, 1, 20, 16}), {1, 20, 16});
  const TensorId z = n.simple("silu", Op::silu, n.linear("a", rows, {.channels = channels}));
  auto w = graph::float_values(n.graph().tensor(n.graph().nodes[1].inputs[1]));
  for (std::size_t k = 0; k < w.size(); ++k) w[k] *= k / 16 % 5 == 0 ? 20.0F : 0.2F;
  Graph graph = n.finish({n.linear("b", z, {.channels = 4})});
  check_int8_is_near_float(graph);
  calibrate(graph);
  CHECK(is_scaled(build(graph), "a"));
}

TEST_CASE("concats, slices, pools and resizes carry the scales of channels") {
  GraphMaker m;
  const TensorId a = uneven(m, "a", image(m), {.kernel = 3, .padding = 1});
  const TensorId b = uneven(m, "b", image(m), {.kernel = 3, .padding = 1});
  TensorId x =
      m.concat("concat", {m.max_pool("pool", a, {.kernel = 3, .stride = 1, .padding = 1}), b}, 3);
  x = m.node("slice", Op::slice,
             SliceAttributes{.begin = {0, 0, 0, 3}, .stride = {1, 1, 1, 2}, .count = {1, 8, 8, 20}},
             {x});
  x = m.node("resize", Op::resize, ResizeAttributes{.output_h = 16, .output_w = 16}, {x});
  const Model* model = nullptr;
  Graph graph = m.finish({m.conv("last", x, {.channels = 6})});
  auto w = graph::float_values(graph.tensor(graph.nodes.back().inputs[1]));
  for (std::size_t k = 0; k < w.size(); ++k)
    w[k] *= std::pow(2.0F, static_cast<float>((3 + 2 * (k % 20)) % channels % 6));
  CHECK(share_of_error(graph, &model) < 0.75);
  for (const char* name : {"a", "pool", "b", "concat", "slice", "resize"}) {
    INFO(name);
    CHECK(is_scaled(*model, name));
  }
  const TensorInfo& whole = result_of(*model, "concat");
  const TensorInfo& part = result_of(*model, "slice");
  for (std::size_t c = 0; c < 20; ++c)
    CHECK(part.channel_scales[c] == whole.channel_scales[3 + 2 * c]);
}

TEST_CASE("sums, products and pools keep the proportions of their channels' scales") {
  for (const Op op : {Op::identity, Op::silu}) {
    INFO(op_name(op));
    GraphMaker m;
    const auto function = [&](const std::string& name, TensorId x) {
      return op == Op::identity ? x : m.simple(name, op, x);
    };
    TensorId x = function("a.f", uneven(m, "a", image(m), {.kernel = 3, .padding = 1}));
    x = m.add("sum", x, function("b.f", uneven(m, "b", x)));  // in the layer
    const TensorId squeezed = m.average_pool("squeeze", x, {.kernel = 8});
    const TensorId gate =
        m.simple("gate.f", Op::sigmoid, m.conv("gate", squeezed, {.channels = channels}));
    x = m.mul("scaled", x, gate);
    const Model* model = nullptr;
    CHECK(share_of_error(m.finish({even(m, "last", x, {.channels = 6})}), &model) < 0.9);
    INFO(nodes_of(*model));
    const TensorInfo& first = result_of(*model, "a");
    REQUIRE(first.channel_scales.size() == channels);
    for (const char* name : {"b", "squeeze", "scaled"}) {
      INFO(name);
      const TensorInfo& info = result_of(*model, name);
      REQUIRE(info.channel_scales.size() == channels);
      for (std::size_t c = 1; c < channels; ++c) {
        CHECK(info.channel_scales[c] / first.channel_scales[c] ==
              Approx(info.channel_scales[0] / first.channel_scales[0]).epsilon(1e-5));
        CHECK(info.channel_zero_points[c] == info.channel_zero_points[0]);
      }
    }
    CHECK(!is_scaled(*model, "gate"));
  }
}

TEST_CASE("what has other readers, or is an output, has one scale") {
  const auto scaled = [](const auto& more) {
    GraphMaker m;
    const TensorId x = uneven(m, "a", image(m), {.kernel = 3, .padding = 1});
    std::vector<TensorId> outputs = {even(m, "b", x, {.channels = 8})};
    outputs.push_back(more(m, x));
    Graph graph = m.finish(outputs);
    check_int8_is_near_float(graph, 0.2F);
    calibrate(graph);
    return is_scaled(build(graph), "a");
  };
  CHECK(scaled([](GraphMaker& m, TensorId x) { return even(m, "c", x, {.channels = 4}); }));
  CHECK(!scaled([](GraphMaker&, TensorId x) { return x; }));
  CHECK(!scaled([](GraphMaker& m, TensorId x) { return m.max_pool("c", x, {.kernel = 3}); }));
  CHECK(!scaled([](GraphMaker& m, TensorId x) { return m.average_pool("c", x, {.kernel = 3}); }));
  CHECK(!scaled([](GraphMaker& m, TensorId x) {
    return m.conv("c", m.transpose("turned", x, {0, 2, 1, 3}), {.channels = 4});
  }));
  CHECK(!scaled([](GraphMaker& m, TensorId x) {
    return m.conv("c", m.simple("tanh", Op::tanh, x), {.channels = 4});
  }));
}

TEST_CASE("channels that are alike, and what came quantized, keep one scale") {
  GraphMaker m;
  const TensorId x = m.relu("relu", m.conv("a", image(m), {.channels = channels, .kernel = 3}));
  Graph graph = m.finish({m.conv("b", x, {.channels = 8})});
  calibrate(graph);
  graph::Tensor& tensor = graph.tensor(x);
  tensor.channel_low.assign(channels, 0);
  tensor.channel_high.assign(channels, 4);
  CHECK(!is_scaled(build(graph), "a"));
  tensor.channel_high[0] = 400;
  tensor.quantization->scale = 400 / 255.0F;
  CHECK(is_scaled(build(graph), "a"));
  graph.keeps_rounding = true;
  CHECK(!is_scaled(build(graph), "a"));
}

TEST_CASE("a file whose channels' scales contradict its nodes is refused by name") {
  GraphMaker m;
  TensorId x = uneven(m, "a", image(m), {.kernel = 3, .padding = 1});
  x = m.add("sum", x, m.simple("silu", Op::silu, uneven(m, "b", x)));
  x = m.mul("product", x,
            m.simple("gate.f", Op::sigmoid,
                     m.conv("gate", m.average_pool("squeeze", x, {.kernel = 8}),
                            {.channels = channels})));
  x = m.concat("concat", {x, uneven(m, "c", image(m), {.kernel = 3, .padding = 1})}, 3);
  x = m.max_pool("pool", x, {.kernel = 3, .stride = 1, .padding = 1});
  x = m.node("slice", Op::slice,
             SliceAttributes{.begin = {0, 0, 0, 0}, .stride = {1, 1, 1, 1}, .count = {1, 8, 8, 30}},
             {x});
  Graph good = m.finish({m.conv("last", x, {.channels = 6})});
  calibrate(good);
  REQUIRE(graph::run_pipeline(good, {}));
  const auto refusal = [&](const std::string& name, const auto& damage) {
    Graph graph = good;
    damage(graph, graph.tensor(std::ranges::find(graph.nodes, name, &graph::Node::name)->output()));
    const auto bytes = graph::write_model(graph);
    REQUIRE(bytes);
    const auto model = Model::from_memory(*bytes, "damaged");
    return model ? std::string("accepted") : model.error().message;
  };
  const auto scale = [](Graph&, graph::Tensor& tensor) { tensor.channel_scales[1] *= 1.5F; };
  const auto zero = [](Graph&, graph::Tensor& tensor) { tensor.channel_zero_points[1] ^= 1; };
  CHECK(refusal("a", [](Graph&, graph::Tensor&) {}) == "accepted");
  const std::string proportions = "scales in other proportions than its result's";
  const std::string changed = "cannot change the scales or zero points of channels";
  CHECK_THAT(refusal("a", scale), Catch::Contains("'b' (conv2d) adds a residual whose channels"));
  CHECK_THAT(refusal("squeeze", scale), Catch::Contains("channels in the same proportions"));
  CHECK_THAT(refusal("squeeze", zero), Catch::Contains("channels in the same proportions"));
  CHECK_THAT(refusal("product", scale), Catch::Contains(proportions));
  CHECK_THAT(refusal("product", zero), Catch::Contains(proportions));
  CHECK_THAT(refusal("c", scale), Catch::Contains("'concat' (concat) " + changed));
  CHECK_THAT(refusal("c", zero), Catch::Contains("'concat' (concat) " + changed));
  CHECK_THAT(refusal("pool", scale), Catch::Contains("keeps its input's scale"));
  CHECK_THAT(refusal("slice", zero), Catch::Contains("'slice' (slice) " + changed));
}

}  // namespace octet::test
