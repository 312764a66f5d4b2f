#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;
using octet::graph::Precision;

namespace {

constexpr float input_scale = 0.5f;

// One 1x1 convolution on two channels.
Graph convolution(std::vector<float> weights, std::vector<float> bias) {
  GraphMaker m;
  const auto x = m.input({1, 2, 2, 2}, Quantization{input_scale, 0});
  const auto y = m.conv("conv", x,
                        {.channels = static_cast<int32_t>(bias.size()),
                         .weights = std::move(weights),
                         .bias_values = std::move(bias)});
  m.last().precision = Precision::int8;
  m.scale(y, 1, 0);
  return m.finish({y});
}

Graph quantized(Graph graph) {
  const auto ok = octet::graph::quantize_weights(graph);
  INFO((ok ? "" : ok.error().message));
  REQUIRE(ok);
  return graph;
}

std::string refusal_of(Graph graph) {
  const auto ok = octet::graph::quantize_weights(graph);
  REQUIRE_FALSE(ok);
  return ok.error().message;
}

const octet::graph::Tensor& weight_of(const Graph& graph) {
  return graph.tensor(graph.nodes[0].inputs[1]);
}

std::vector<int> weights_of(const Graph& graph) {
  std::vector<int> out;
  for (const std::byte b : *weight_of(graph).data) out.push_back(static_cast<int8_t>(b));
  return out;
}

std::vector<int32_t> bias_of(const Graph& graph) {
  const auto& bytes = *graph.tensor(graph.nodes[0].inputs[2]).data;
  std::vector<int32_t> out(bytes.size() / 4);
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

}  // namespace

TEST_CASE("weights are symmetric with a scale an output channel, the largest at 127") {
  const Graph graph = quantized(convolution({1.27f, -0.5f, 0.1f, -2.54f}, {1, -1}));
  CHECK(weight_of(graph).channel_scales == std::vector<float>{1.27f / 127, 2.54f / 127});
  CHECK(weight_of(graph).channel_zero_points.empty());
  CHECK(weights_of(graph) == std::vector<int>{127, -50, 5, -127});
  CHECK(bias_of(graph) == std::vector<int32_t>{200, -100});
}

TEST_CASE("a layer without bias gets one of zeros") {
  GraphMaker m;
  const auto x = m.input({1, 2}, Quantization{input_scale, 0});
  const auto y = m.linear("linear", x, {.channels = 3, .bias = false});
  m.last().precision = Precision::int8;
  const Graph graph = quantized(m.finish({y}));
  CHECK(bias_of(graph) == std::vector<int32_t>{0, 0, 0});
  CHECK(std::get<ConvAttributes>(graph.nodes[0].attributes).has_bias);
}

TEST_CASE("a channel of tiny weights does not push a big bias out of 32 bits") {
  const Graph graph = quantized(convolution({1e-12f, -1e-12f, 1, 1}, {3000, 1}));
  const float scale = weight_of(graph).channel_scales[0];
  CHECK(scale >= 3000 / (input_scale * 1073741824.0f));
  const double restored = double{input_scale} * double{scale} * bias_of(graph)[0];
  CHECK(restored == Approx(3000).epsilon(1e-6));
  CHECK(weights_of(graph)[0] == 0);
}

TEST_CASE(
    "channels of zeros, of denormals and of next to nothing have a scale, and their weights are "
    "0") {
  for (const float tiny : {0.0f, 1e-42f, 1e-37f}) {
    INFO(tiny);
    GraphMaker m;
    const auto x = m.input({1, 2, 2, 2}, Quantization{1e-3f, 0});
    const auto y = m.conv("conv", x, {.channels = 1, .weights = {tiny, -tiny}, .bias_values = {0}});
    m.last().precision = Precision::int8;
    m.scale(y, 1, 0);
    const Graph graph = quantized(m.finish({y}));
    CHECK(weight_of(graph).channel_scales[0] > 0);
    CHECK(bias_of(graph) == std::vector<int32_t>{0});
  }
}

TEST_CASE("one asked scale is spread over the channels; one a channel is taken as it is") {
  Graph graph = convolution({1, -1, 2, -2}, {0, 0});
  graph.nodes[0].weight_quantization = {.scale = {0.5f}};
  Graph per_tensor = quantized(graph);
  CHECK(weight_of(per_tensor).channel_scales == std::vector<float>{0.5f, 0.5f});
  CHECK(weights_of(per_tensor) == std::vector<int>{2, -2, 4, -4});
  graph.nodes[0].weight_quantization = {.scale = {0.5f, 0.25f}};
  CHECK(weights_of(quantized(graph)) == std::vector<int>{2, -2, 8, -8});
}

TEST_CASE("asked zero points are kept, and -128 may be used") {
  Graph graph = convolution({1, -1, 2, -2}, {0, 0});
  graph.nodes[0].weight_quantization = {.scale = {0.5f, 0.01f}, .zero_point = {3, 0}};
  const Graph result = quantized(graph);
  CHECK(weight_of(result).channel_zero_points == std::vector<int32_t>{3, 0});
  CHECK(weights_of(result) == std::vector<int>{5, 1, 127, -128});
}

TEST_CASE("weights that came as int8 are kept to the byte") {
  Graph graph = convolution({0, 0, 0, 0}, {1, 2});
  auto& weight = graph.tensor(graph.nodes[0].inputs[1]);
  weight.type = Type::s8;
  weight.data =
      std::vector<std::byte>{std::byte{0x80}, std::byte{1}, std::byte{2}, std::byte{0xFF}};
  CHECK(refusal_of(graph).find("weight_quantization") != std::string::npos);
  graph.nodes[0].weight_quantization = {.scale = {0.5f}};
  CHECK(weights_of(quantized(graph)) == std::vector<int>{-128, 1, 2, -1});
}

TEST_CASE("int8 weights of a layer that runs in float are real values again") {
  Graph graph = convolution({0, 0, 0, 0}, {1, 2});
  auto& weight = graph.tensor(graph.nodes[0].inputs[1]);
  weight.type = Type::s8;
  weight.data =
      std::vector<std::byte>{std::byte{0x80}, std::byte{1}, std::byte{2}, std::byte{0xFF}};
  graph.nodes[0].precision = Precision::float32;
  graph.nodes[0].weight_quantization = {.scale = {0.5f, 2}, .zero_point = {1}};
  const Graph result = quantized(graph);
  const auto values = octet::graph::float_values(weight_of(result));
  CHECK(std::vector<float>(values.begin(), values.end()) == std::vector<float>{-64.5f, 0, 2, -4});
}

TEST_CASE("an asked scale that does not fit the layer is an error with its name") {
  Graph graph = convolution({1, -1, 2, -2, 3, -3}, {0, 0, 0});
  const std::vector<octet::graph::WeightQuantization> wrong = {
      {.scale = {1, 1}},
      {.scale = {}},
      {.scale = {0}},
      {.scale = {-1}},
      {.scale = {INFINITY}},
      {.scale = {1e-40f}},
      {.scale = {1}, .zero_point = {0, 0}}};
  for (const auto& request : wrong) {
    graph.nodes[0].weight_quantization = request;
    CHECK(refusal_of(graph).find("'conv'") != std::string::npos);
  }
}

TEST_CASE("a bias that does not fit at an asked scale is an error with layer, channel and remedy") {
  Graph graph = convolution({1e-9f, 1e-9f}, {5000});
  graph.nodes[0].weight_quantization = {.scale = {1e-9f}};
  const std::string error = refusal_of(graph);
  CHECK(error.find("'conv', channel 0") != std::string::npos);
  CHECK(error.find("--keep-float") != std::string::npos);
}

TEST_CASE("all layers whose bias does not fit are said at once") {
  Graph graph = convolution({1e-9f, 1e-9f}, {5000});
  graph.nodes[0].weight_quantization = {.scale = {1e-9f}};
  graph.nodes.push_back(graph.nodes[0]);
  graph.nodes[1].name = "second";
  octet::graph::Tensor output = graph.tensor(graph.nodes[0].output());
  output.name = "other";
  graph.nodes[1].outputs = {graph.add_tensor(std::move(output))};
  const std::string error = refusal_of(graph);
  CHECK(error.find("2 layers have biases that do not fit 32 bits") != std::string::npos);
  CHECK(error.find("'conv', channel 0") != std::string::npos);
  CHECK(error.find("'second', channel 0") != std::string::npos);
}

TEST_CASE("a bias that the file has in 32 bits is taken as it is, at its scale alone") {
  Graph graph = convolution({1, 1}, {5000});
  graph.nodes[0].weight_quantization = {.scale = {0.5f}};
  const float scale = graph.tensor(graph.nodes[0].inputs[0]).quantization->scale * 0.5f;
  auto& bias = graph.tensor(graph.nodes[0].inputs[2]);
  bias.bias_s32 = {.values = {1073741827}, .scale = {scale}};
  CHECK(bias_of(quantized(graph))[0] == 1073741827);
  graph.tensor(graph.nodes[0].inputs[2]).bias_s32->scale[0] = scale * 2;
  CHECK(bias_of(quantized(graph))[0] == std::lround(5000 / scale));
}

TEST_CASE("weights and biases that are no numbers are errors with the layer's name") {
  CHECK(refusal_of(convolution({NAN, 1}, {0})).find("'conv'") != std::string::npos);
  CHECK(refusal_of(convolution({1, 1}, {INFINITY})).find("'conv'") != std::string::npos);
}

TEST_CASE("weights and biases that are no finite numbers are refused, in float as in int8") {
  const float nan = std::nanf("");
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Precision precision : {Precision::int8, Precision::float32}) {
    const auto refused = [&](std::vector<float> weights, std::vector<float> bias) {
      Graph graph = convolution(std::move(weights), std::move(bias));
      graph.nodes[0].precision = precision;
      return refusal_of(std::move(graph));
    };
    const std::string remedy =
        " with values that are no finite numbers (NaN or infinity): export the model again from "
        "weights that are finite";
    CHECK(refused({1, nan}, {0}) == "test graph: layer 'conv' has weights" + remedy);
    CHECK(refused({-infinity, 1}, {0}) == "test graph: layer 'conv' has weights" + remedy);
    CHECK(refused({1, 1}, {infinity}) == "test graph: layer 'conv' has a bias" + remedy);
  }
}
