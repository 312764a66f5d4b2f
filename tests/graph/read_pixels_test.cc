// Inputs that are images: their u8 form is the image's own bytes.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/graph/run_graph.h"
#include "tests/kernels/random.h"

namespace octet::test {
namespace {

constexpr int32_t height = 9;
constexpr int32_t width = 7;

/// A layer that reads an image with this preprocessing.
Graph reader_of_image(std::vector<float> mean, std::vector<float> std, ConvSettings settings) {
  GraphMaker m;
  const auto channels = static_cast<int32_t>(mean.size());
  const TensorId x = m.conv("a", m.input({1, height, width, channels}), settings);
  Graph graph = m.finish({m.conv("b", m.relu("relu", x), {.channels = 4})});
  graph.preprocess = Preprocess{.height = height, .width = width, .mean = mean, .std = std};
  if (channels == 1) graph.preprocess->channels = Channels::gray;
  return graph;
}

std::vector<uint8_t> image_of(const Graph& graph, Draw& random) {
  return random.bytes(graph.preprocess->mean.size() * height * width);
}

Values values_of(const Preprocess& p, const std::vector<uint8_t>& pixels) {
  Values values;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const std::size_t c = i % p.mean.size();
    values.push_back((static_cast<float>(pixels[i]) - p.mean[c]) / p.std[c]);
  }
  return values;
}

const TensorInfo& quantized_input(const Model& model) { return model.nodes()[0].outputs[0]; }

}  // namespace

TEST_CASE("an image that layers read is its own bytes, whatever the preprocessing") {
  Random random(180);
  INFO("seed " << random.seed);
  const std::vector<std::pair<std::vector<float>, std::vector<float>>> all = {
      {{123.675F, 116.28F, 103.53F}, {58.395F, 57.12F, 57.375F}},
      {{127.5F, 127.5F, 127.5F}, {127.5F, 127.5F, 127.5F}},
      {{0, 0, 0}, {255, 255, 255}},
      {{255, 0.5F, 254.5F}, {1, 300, 0.017F}},
      {{33.4F}, {78.6F}},
  };
  for (const auto& [mean, std] : all) {
    const auto channels = static_cast<int32_t>(mean.size());
    for (const ConvSettings& settings :
         {ConvSettings{.channels = 8, .kernel = 3},
          ConvSettings{.channels = 8, .kernel = 3, .stride = 2, .padding = 1, .bias = false},
          ConvSettings{.channels = channels, .kernel = 3, .padding = 1, .groups = channels}}) {
      INFO("mean " << mean[0] << ", padding " << settings.padding << ", groups "
                   << settings.groups);
      Graph graph = reader_of_image(mean, std, settings);
      const auto pixels = image_of(graph, random);
      const Values values = values_of(*graph.preprocess, pixels);
      calibrate(graph);
      const Model model = build(graph);
      REQUIRE(quantized_input(model).channel_scales.size() == mean.size());
      for (std::size_t c = 0; c < mean.size(); ++c) {
        CHECK(quantized_input(model).channel_scales[c] == Approx(1 / std[c]));
        CHECK(std::abs(static_cast<float>(quantized_input(model).channel_zero_points[c]) -
                       mean[c]) <= 0.5F);
      }
      // The layer alone, whose result is not rounded, is near float, at the border as well.
      graph::Graph alone = graph;
      alone.nodes.resize(1);
      alone.outputs = alone.nodes[0].outputs;
      const Values in_float = run(build(alone, {.float_only = true}), {values})[0];
      CHECK(relative_error(run(build(alone), {values})[0], in_float) < 0.02F);
      // The bytes are the pixels: as an output, they come back.
      graph::Graph lowered = *graph::lower(graph, {});
      lowered.outputs = {lowered.nodes[0].output()};
      lowered.nodes.resize(1);
      const auto bytes = graph::finish_model(lowered);
      REQUIRE(bytes);
      const auto probe = Model::from_memory(*bytes, "probe");
      INFO((probe ? "" : probe.error().message));
      REQUIRE(probe);
      const Session session = session_of(*probe, {}, {values});
      CHECK(std::ranges::equal(session.output(0).values<uint8_t>(), pixels));
      // Pixels and their values give the same answer.
      auto by_pixels = Session::create(model);
      REQUIRE(by_pixels);
      REQUIRE(by_pixels->set_pixels(0, pixels));
      REQUIRE(by_pixels->run());
      CHECK(std::ranges::equal(by_pixels->output(0).values<float>(), run(model, {values})[0]));
    }
  }
}

TEST_CASE("a network reads an image's bytes with less error than a rounded input") {
  Random random(181);
  INFO("seed " << random.seed);
  for (const int32_t padding : {0, 1}) {
    GraphMaker m;
    Graph graph = m.finish({m.conv("a", m.input({1, height, width, 3}),
                                   {.channels = 64, .kernel = 3, .padding = padding})});
    graph.preprocess = Preprocess{.height = height,
                                  .width = width,
                                  .mean = {123.675F, 116.28F, 103.53F},
                                  .std = {58.395F, 57.12F, 57.375F}};
    const auto pixels = image_of(graph, random);
    const Values values = values_of(*graph.preprocess, pixels);
    const Values expected = run(build(graph, {.float_only = true}), {values})[0];
    calibrate(graph);
    for (graph::Tensor& tensor : graph.tensors) tensor.channel_low.clear();
    const auto error = [&](const Graph& g) {
      double sum = 0;
      const Values got = run(build(g), {values})[0];
      for (std::size_t i = 0; i < got.size(); ++i)
        sum += std::pow(double{got[i]} - double{expected[i]}, 2);
      return std::sqrt(sum);
    };
    Graph rounded = graph;
    rounded.preprocess.reset();
    CHECK(error(graph) < (padding == 0 ? 0.9 : 1.1) * error(rounded));  // the border is rounded
  }
}

TEST_CASE("an input that is no image, or that others read, keeps one scale") {
  const auto has_pixels = [](Graph graph) {
    calibrate(graph);
    return !quantized_input(build(graph)).channel_scales.empty();
  };
  const auto image = [] { return reader_of_image({5, 6, 7}, {1, 2, 3}, {.channels = 8}); };
  CHECK(has_pixels(image()));
  Graph graph = image();
  graph.preprocess.reset();
  CHECK(!has_pixels(graph));
  graph = image();
  graph.preprocess->mean[1] = -3;
  CHECK(!has_pixels(graph));
  graph = image();
  graph.outputs.push_back(graph.inputs[0]);
  CHECK(!has_pixels(graph));
  graph = image();
  graph.keeps_rounding = true;
  CHECK(!has_pixels(graph));
  GraphMaker m;
  const TensorId x = m.input({1, height, width, 3});
  graph = m.finish({m.conv("a", x), m.max_pool("b", x)});
  graph.preprocess =
      Preprocess{.height = height, .width = width, .mean = {5, 6, 7}, .std = {1, 2, 3}};
  CHECK(!has_pixels(graph));
}

}  // namespace octet::test
