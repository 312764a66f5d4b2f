// TFLite's layers: paddings, strides, dilations, groups, multipliers, types of weights.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "tests/kernels/random.h"
#include "tests/tflite/run_tflite.h"

namespace octet::test {
namespace {

using tflite::Activation;
using tflite::BuiltinOperator;
using tflite::Padding;
using tflite::TensorType;

struct LayerCase {
  std::vector<int32_t> x = {1, 5, 6, 3};
  std::vector<int32_t> w = {4, 3, 3, 3};
  std::vector<int32_t> y = {1, 5, 6, 4};
  TfliteOptions options;
  BuiltinOperator code = BuiltinOperator::CONV_2D;
  int32_t channels_axis = 0;  ///< The axis of the output channels in the weights.
  bool bias = true;
};

TfliteOptions conv_options(Padding padding, int32_t stride_w, int32_t stride_h,
                           Activation activation = Activation::NONE, int32_t dilation_w = 1,
                           int32_t dilation_h = 1) {
  return options<tflite::Conv2DOptions>(tflite::CreateConv2DOptions, padding, stride_w, stride_h,
                                        activation, dilation_w, dilation_h);
}

TfliteOptions depthwise_options(Padding padding, int32_t stride, int32_t multiplier,
                                Activation activation = Activation::NONE, int32_t dilation = 1) {
  return options<tflite::DepthwiseConv2DOptions>(tflite::CreateDepthwiseConv2DOptions, padding,
                                                 stride, stride, multiplier, activation, dilation,
                                                 dilation);
}

TfliteOptions dense_options(Activation activation = Activation::NONE, bool keeps_axes = false) {
  return options<tflite::FullyConnectedOptions>(tflite::CreateFullyConnectedOptions, activation,
                                                tflite::WeightsFormat::DEFAULT, keeps_axes);
}

std::size_t elements_of(const std::vector<int32_t>& shape) {
  return static_cast<std::size_t>(element_count(shape));
}

TfliteMaker float_layer(const LayerCase& layer) {
  Random random(3);
  TfliteMaker m;
  m.inputs = {m.activation("x", layer.x)};
  std::vector<float> weights(elements_of(layer.w));
  for (float& w : weights) w = random.real(-1, 1);
  std::vector<int32_t> operands = {0, m.floats("w", layer.w, weights)};
  if (layer.bias) {
    std::vector<float> bias(static_cast<std::size_t>(layer.y.back()));
    for (float& b : bias) b = random.real(-1, 1);
    operands.push_back(m.floats("b", {layer.y.back()}, bias));
  }
  m.outputs = {m.activation("y", layer.y)};
  m.node(layer.code, operands, m.outputs, layer.options);
  return m;
}

// TFLite's three kinds of quantized layers.
enum class Kind { u8, s8, s8_by_channel };

TfliteMaker quantized_layer(const LayerCase& layer, Kind kind) {
  Random random(5);
  TfliteMaker m;
  const TensorType type = kind == Kind::u8 ? TensorType::UINT8 : TensorType::INT8;
  m.inputs = {m.activation("x", layer.x, type, 0.02f, kind == Kind::u8 ? 120 : -7)};
  TfliteScale scale{.scale = {0.01f}, .zero_point = {kind == Kind::u8 ? 131 : 0}};
  if (kind == Kind::s8_by_channel) {
    scale = {.axis = layer.channels_axis};
    for (int32_t c = 0; c < layer.y.back(); ++c) {
      scale.scale.push_back(0.005f * static_cast<float>(c + 1));
      scale.zero_point.push_back(0);
    }
  }
  std::vector<int32_t> weights(elements_of(layer.w));
  for (int32_t& w : weights)
    w = kind == Kind::u8 ? random.integer(0, 255) : random.integer(-127, 127);
  std::vector<int32_t> operands = {0, m.bytes("w", layer.w, type, weights, scale)};
  if (layer.bias) {
    std::vector<int32_t> bias;
    for (int32_t c = 0; c < layer.y.back(); ++c) bias.push_back(random.integer(-9000, 9000));
    operands.push_back(m.biases("b", bias));
  } else {
    operands.push_back(-1);
  }
  m.outputs = {m.activation("y", layer.y, type, 0.05f, kind == Kind::u8 ? 100 : -20)};
  m.node(layer.code, operands, m.outputs, layer.options);
  return m;
}

void check_layer(const LayerCase& layer) {
  check_float(float_layer(layer));
  for (const Kind kind : {Kind::u8, Kind::s8, Kind::s8_by_channel})
    check_int8(quantized_layer(layer, kind));
}

}  // namespace

TEST_CASE("TFLite: a convolution's SAME padding puts the odd rest at the end") {
  check_layer({.options = conv_options(Padding::SAME, 1, 1)});
  check_layer({.y = {1, 3, 3, 4}, .options = conv_options(Padding::SAME, 2, 2, Activation::RELU6)});
  // Even kernels, and strides that leave a rest, for an odd and for an even size.
  check_layer({.w = {4, 2, 4, 3}, .y = {1, 5, 3, 4}, .options = conv_options(Padding::SAME, 2, 1)});
  check_layer({.w = {4, 1, 1, 3}, .y = {1, 2, 2, 4}, .options = conv_options(Padding::SAME, 4, 3)});
}

TEST_CASE("TFLite: a convolution without padding, with dilation, in groups") {
  check_layer({.y = {1, 3, 2, 4}, .options = conv_options(Padding::VALID, 2, 1, Activation::RELU)});
  check_layer({.options = conv_options(Padding::SAME, 1, 1, Activation::RELU_N1_TO_1, 2, 2)});
  check_layer({.x = {2, 4, 4, 6},
               .w = {4, 3, 3, 3},
               .y = {2, 4, 4, 4},
               .options = conv_options(Padding::SAME, 1, 1),
               .bias = false});
}

TEST_CASE("TFLite: one row of pixels in front of the image, by hand") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 1, 4, 1})};
  const int32_t w = m.floats("w", {1, 1, 4, 1}, {1, 10, 100, 1000});
  m.outputs = {m.activation("y", {1, 1, 2, 1})};
  // Windows of 4 at stride 2 cover 6 positions, of which the input has 4. So there is one in front
  // and one behind.
  m.node(BuiltinOperator::CONV_2D, {0, w}, m.outputs, conv_options(Padding::SAME, 2, 1));
  check_values(m, {1, 1, 2, 1}, {0 * 10 + 1 * 100 + 2 * 1000, 1 * 1 + 2 * 10 + 3 * 100});
}

TEST_CASE("TFLite: depthwise convolutions with a multiplier, and with dilation") {
  LayerCase layer{.w = {1, 3, 3, 3},
                  .y = {1, 5, 6, 3},
                  .options = depthwise_options(Padding::SAME, 1, 1, Activation::RELU6),
                  .code = BuiltinOperator::DEPTHWISE_CONV_2D,
                  .channels_axis = 3};
  check_layer(layer);
  layer.w = {1, 3, 3, 6};
  layer.y = {1, 3, 3, 6};
  layer.options = depthwise_options(Padding::SAME, 2, 2);
  check_layer(layer);
  layer.y = {1, 1, 2, 6};
  layer.options = depthwise_options(Padding::VALID, 1, 2, Activation::NONE, 2);
  check_layer(layer);
}

TEST_CASE("TFLite: fully connected layers flatten, or keep axes") {
  LayerCase layer{.x = {2, 6},
                  .w = {4, 6},
                  .y = {2, 4},
                  .options = dense_options(Activation::RELU),
                  .code = BuiltinOperator::FULLY_CONNECTED};
  check_layer(layer);
  layer.x = {2, 1, 2, 3};
  check_layer(layer);
  layer.x = {1, 2, 2, 6};
  layer.y = {4, 4};
  check_layer(layer);
  layer.y = {1, 2, 2, 4};
  layer.options = dense_options(Activation::NONE, true);
  layer.bias = false;
  check_layer(layer);
}

TEST_CASE("TFLite: transposed convolutions") {
  const auto make = [](const LayerCase& layer, int kind) {
    TfliteMaker m = kind < 0 ? float_layer(layer) : quantized_layer(layer, static_cast<Kind>(kind));
    // The same tensors in the order of this operator, after the shape of the result.
    std::vector<int32_t> operands = {m.integers("shape", layer.y), 1, 0};
    if (layer.bias) operands.push_back(2);
    m.clear_nodes();
    m.node(BuiltinOperator::TRANSPOSE_CONV, operands, m.outputs, layer.options);
    return m;
  };
  const auto transposed = [](Padding padding, int32_t stride_w, int32_t stride_h,
                             Activation activation = Activation::NONE) {
    return options<tflite::TransposeConvOptions>(tflite::CreateTransposeConvOptions, padding,
                                                 stride_w, stride_h, activation);
  };
  for (int kind = -1; kind < 3; ++kind) {
    for (const LayerCase& layer :
         {LayerCase{
              .x = {1, 3, 4, 3}, .y = {1, 6, 8, 4}, .options = transposed(Padding::SAME, 2, 2)},
          LayerCase{
              .x = {1, 3, 4, 3}, .y = {1, 5, 7, 4}, .options = transposed(Padding::SAME, 2, 2)},
          LayerCase{.x = {1, 3, 4, 3},
                    .y = {1, 7, 9, 4},
                    .options = transposed(Padding::VALID, 2, 2, Activation::RELU)},
          LayerCase{.x = {1, 3, 4, 3},
                    .w = {4, 2, 5, 3},
                    .y = {1, 3, 12, 4},
                    .options = transposed(Padding::SAME, 3, 1),
                    .bias = false},
          LayerCase{.x = {1, 3, 4, 3},
                    .w = {4, 1, 1, 3},
                    .y = {1, 5, 7, 4},
                    .options = transposed(Padding::VALID, 2, 2)}}) {
      const TfliteMaker m = make(layer, kind);
      kind < 0 ? check_float(m) : check_int8(m);
    }
  }
}

TEST_CASE("TFLite: weights in float16, behind a DEQUANTIZE") {
  // As binary16: 1, -2, 0.5 and 65504.
  const std::string data("\x00\x3C\x00\xC0\x00\x38\xFF\x7B", 8);
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 2})};
  const int32_t half =
      m.tensor({.name = "half", .shape = {2, 2}, .type = TensorType::FLOAT16, .data = data});
  const int32_t full = m.activation("full", {2, 2});
  m.outputs = {m.activation("y", {1, 2})};
  m.node(BuiltinOperator::DEQUANTIZE, {half}, {full});
  m.node(BuiltinOperator::FULLY_CONNECTED, {0, full}, m.outputs, dense_options());
  check_values(m, {1, 2}, {-2, 65504});
}

TEST_CASE("TFLite: int8 weights of a float model become floats") {
  LayerCase layer{.options = conv_options(Padding::SAME, 1, 1)};
  TfliteMaker m;
  m.inputs = {m.activation("x", layer.x)};
  std::vector<int32_t> weights(elements_of(layer.w));
  Random random(9);
  for (int32_t& w : weights) w = random.integer(-127, 127);
  const int32_t w = m.bytes("w", layer.w, TensorType::INT8, weights, {{0.01f}, {0}, 0});
  m.outputs = {m.activation("y", layer.y)};
  m.node(BuiltinOperator::CONV_2D, {0, w}, m.outputs, layer.options);
  check_float(m);
  const Graph graph = load_tflite_graph(m.file());
  CHECK_FALSE(graph.keeps_rounding);
  CHECK(graph.tensor(graph.nodes[0].inputs[1]).type == Type::f32);
}

TEST_CASE("TFLite: a layer with weights in float stays in float, beside int8") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 2}, TensorType::INT8, 0.02f, 0)};
  const int32_t relu = m.activation("relu", {1, 2}, TensorType::INT8, 0.02f, 0);
  const int32_t real = m.activation("real", {1, 2});
  const int32_t w = m.floats("w", {2, 2}, {0.5, 0.25, -1, 3});
  m.outputs = {m.activation("y", {1, 2})};
  m.node(BuiltinOperator::RELU, {0}, {relu}).node(BuiltinOperator::DEQUANTIZE, {relu}, {real});
  m.node(BuiltinOperator::FULLY_CONNECTED, {real, w}, m.outputs, dense_options());
  const Model model = build(load_tflite_graph(m.file()));
  CHECK(model.has_int8());
  const auto node = std::ranges::find(model.nodes(), "linear", &NodeInfo::op);
  REQUIRE(node != model.nodes().end());
  CHECK_FALSE(node->int8);
  CHECK(node->reason == "left in float by the model's author: its weights are floats");
  const auto got = run(model, {{1, -1}});
  CHECK(got[0][0] == Approx(0.5));
  CHECK(got[0][1] == Approx(-1));
}

TEST_CASE("TFLite: unsigned weights keep their zero point only where a byte needs it") {
  const auto zero_points = [](const std::vector<int32_t>& weights) {
    TfliteMaker m;
    m.inputs = {m.activation("x", {1, 2}, TensorType::UINT8, 0.5f, 0)};
    const int32_t w = m.bytes("w", {2, 2}, TensorType::UINT8, weights, {{0.1f}, {100}, 0});
    m.outputs = {m.activation("y", {1, 2}, TensorType::UINT8, 0.5f, 0)};
    m.node(BuiltinOperator::FULLY_CONNECTED, {0, w}, m.outputs, dense_options());
    check_int8(m);
    const Graph graph = load_tflite_graph(m.file());
    return graph.nodes[0].weight_quantization->zero_point;
  };
  CHECK(zero_points({0, 100, 227, 50}).empty());
  CHECK(zero_points({0, 100, 228, 50}) == std::vector<int32_t>{100 - 128});
}

TEST_CASE("TFLite: a bias of s32 stays the s32 that it was") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 1}, TensorType::INT8, 0.0123f, 0)};
  const std::vector<int32_t> given = {0, 1, -1, 4095, -70001, 1048577, -3333333, 8388607};
  const auto channels = static_cast<int32_t>(given.size());
  TfliteScale scale{.axis = 0};
  for (int32_t c = 0; c < channels; ++c) {
    scale.scale.push_back(0.0071f / static_cast<float>(c + 1));
    scale.zero_point.push_back(0);
  }
  const int32_t w =
      m.bytes("w", {channels, 1}, TensorType::INT8, std::vector<int32_t>(given.size(), 1), scale);
  const int32_t b = m.biases("b", given);
  m.outputs = {m.activation("y", {1, channels}, TensorType::INT8, 100, 0)};
  m.node(BuiltinOperator::FULLY_CONNECTED, {0, w, b}, m.outputs, dense_options());
  Graph graph = load_tflite_graph(m.file());
  REQUIRE(graph::run_pipeline(graph, {}));
  for (const Node& node : graph.nodes) {
    if (node.op != Op::linear) continue;
    const auto& data = *graph.tensor(node.inputs[2]).data;
    std::vector<int32_t> kept(given.size());
    std::memcpy(kept.data(), data.data(), data.size());
    CHECK(kept == given);
  }
}

}  // namespace octet::test
