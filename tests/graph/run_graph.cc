#include "tests/graph/run_graph.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "graph/calibration/channel_ranges.h"

namespace octet::test {

std::vector<Values> random_inputs(const Graph& graph, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<Values> all;
  for (const TensorId id : graph.inputs) {
    auto& values =
        all.emplace_back(static_cast<std::size_t>(element_count(graph.tensor(id).shape)));
    std::ranges::generate(values, [&] { return normal(random); });
  }
  return all;
}

namespace {

Model load(const Expected<std::vector<std::byte>>& bytes) {
  INFO((bytes ? "" : bytes.error().message));
  REQUIRE(bytes);
  auto model = Model::from_memory(*bytes, "test model");
  INFO((model ? "" : model.error().message));
  REQUIRE(model);
  return std::move(*model);
}

}  // namespace

Model as_float_model(Graph graph) {
  for (Node& node : graph.nodes) node.precision = graph::Precision::float32;
  return load(graph::write_model(graph));
}

Model build(Graph graph, const graph::BuildOptions& options) {
  return load(graph::build_model(std::move(graph), options));
}

Session session_of(const Model& model, const SessionOptions& options,
                   const std::vector<Values>& inputs) {
  auto session = Session::create(model, options);
  INFO((session ? "" : session.error().message));
  REQUIRE(session);
  for (std::size_t i = 0; i < inputs.size(); ++i) REQUIRE(session->set_input(i, inputs[i]));
  const auto ran = session->run();
  INFO((ran ? "" : ran.error().message));
  REQUIRE(ran);
  return std::move(*session);
}

std::vector<Values> run(const Model& model, const std::vector<Values>& inputs) {
  const Session session = session_of(model, {.threads = 1}, inputs);
  std::vector<Values> outputs;
  for (std::size_t i = 0; i < session.output_count(); ++i) {
    const TensorView view = session.output(i);
    if (view.info->type == Type::s32) {
      const auto indices = view.values<int32_t>();
      outputs.emplace_back(indices.begin(), indices.end());
    } else {
      REQUIRE(view.info->type == Type::f32);
      const auto values = view.values<float>();
      outputs.emplace_back(values.begin(), values.end());
    }
  }
  return outputs;
}

float relative_error(const Values& got, const Values& expected) {
  REQUIRE(got.size() == expected.size());
  float largest = 1e-6f;
  float difference = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    REQUIRE(std::isfinite(got[i]));
    largest = std::max(largest, std::abs(expected[i]));
    difference = std::max(difference, std::abs(got[i] - expected[i]));
  }
  return difference / largest;
}

Graph after_pass(graph::Status (*pass)(Graph&), Graph graph) {
  const auto inputs = random_inputs(graph);
  const bool runs_before = std::ranges::none_of(graph.nodes, [](const Node& node) {
    return node.op == Op::identity || node.op == Op::quantize || node.op == Op::dequantize;
  });
  const auto before = runs_before ? run(as_float_model(graph), inputs) : std::vector<Values>();
  const auto done = pass(graph);
  INFO((done ? "" : done.error().message));
  REQUIRE(done);
  const auto valid = graph::check(graph);
  INFO((valid ? "" : valid.error().message));
  REQUIRE(valid);
  if (!runs_before) return graph;
  const auto after = run(as_float_model(graph), inputs);
  REQUIRE(after.size() == before.size());
  for (std::size_t i = 0; i < after.size(); ++i) CHECK(relative_error(after[i], before[i]) < 1e-4f);
  return graph;
}

namespace {

/// What calibration keeps of each channel.
void observe_channels(Graph& graph, TensorId id, const Values& values) {
  graph::Tensor& tensor = graph.tensor(id);
  if (tensor.shape.empty()) return;
  graph::ChannelRanges ranges(static_cast<std::size_t>(tensor.shape.back()));
  ranges.observe(values);
  tensor.channel_low = ranges.low();
  tensor.channel_high = ranges.high();
  tensor.channel_square = ranges.mean_squares();
}

}  // namespace

void calibrate(Graph& graph) {
  Graph probe = graph;
  probe.outputs.clear();
  for (std::size_t i = 0; i < probe.tensors.size(); ++i) {
    const graph::Tensor& tensor = probe.tensors[i];
    const auto id = static_cast<TensorId>(i);
    const bool known = probe.is_input(id) || probe.producer_of(id) >= 0;
    if (known && !tensor.is_constant() && tensor.type == Type::f32) probe.outputs.push_back(id);
  }
  const auto ranges = run(as_float_model(probe), random_inputs(graph));
  for (std::size_t i = 0; i < probe.outputs.size(); ++i) {
    auto& quantization = graph.tensor(probe.outputs[i]).quantization;
    if (quantization) continue;
    observe_channels(graph, probe.outputs[i], ranges[i]);
    const float low = std::min(0.0f, *std::ranges::min_element(ranges[i]));
    const float high = std::max(0.0f, *std::ranges::max_element(ranges[i]));
    const float scale = std::max((high - low) / 255, 1e-5f);
    quantization = Quantization{scale, static_cast<int32_t>(std::nearbyint(-low / scale))};
  }
}

void check_int8_is_near_float(const Graph& graph, float tolerance,
                              const graph::BuildOptions& options) {
  Graph calibrated = graph;
  calibrate(calibrated);
  const auto inputs = random_inputs(graph);
  const auto expected = run(build(graph, {.float_only = true}), inputs);
  const Model model = build(calibrated, options);
  INFO(nodes_of(model));
  REQUIRE(model.has_int8());
  const auto got = run(model, inputs);
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    CHECK(relative_error(got[i], expected[i]) < tolerance);
}

std::string nodes_of(const Model& model) {
  std::string text;
  for (const NodeInfo& node : model.nodes())
    text += (text.empty() ? "" : " ") + node.name + ":" + node.op;
  return text;
}

}  // namespace octet::test
