// TFLite's functions of one and of two values, pools, reductions, softmax.
#include <catch2/catch.hpp>

#include "tests/tflite/run_tflite.h"

namespace octet::test {
namespace {

using tflite::Activation;
using tflite::BuiltinOperator;
using tflite::Padding;
using tflite::TensorType;

// A tensor of floats, or of bytes with a scale.
struct Stored {
  TensorType type = TensorType::FLOAT32;
  float scale = 0;
  int64_t zero_point = 0;
};

int32_t add(TfliteMaker& m, const std::string& name, const std::vector<int32_t>& shape,
            const Stored& kind) {
  return kind.type == TensorType::FLOAT32
             ? m.activation(name, shape)
             : m.activation(name, shape, kind.type, kind.scale, kind.zero_point);
}

struct Case {
  BuiltinOperator code;
  TfliteOptions options = {};
  std::vector<int32_t> x = {2, 3, 4, 5};
  std::vector<int32_t> y = {2, 3, 4, 5};
  std::vector<int32_t> integers = {};  ///< a second operand: axes
};

TfliteMaker make(const Case& c, const Stored& x, const Stored& y) {
  TfliteMaker m;
  m.inputs = {add(m, "x", c.x, x)};
  std::vector<int32_t> operands = {0};
  if (!c.integers.empty()) operands.push_back(m.integers("axes", c.integers));
  m.outputs = {add(m, "y", c.y, y)};
  m.node(c.code, operands, m.outputs, c.options);
  return m;
}

// Adds an int8 operator behind the result. A float result is rounded where an int8 operator reads
// it.
TfliteMaker with_reader(TfliteMaker m, const std::vector<int32_t>& shape, const Stored& kind) {
  const int32_t z = add(m, "z", shape, kind);
  m.node(BuiltinOperator::RELU, m.outputs, {z});
  m.outputs = {z};
  return m;
}

const Stored in_float;
const Stored in_u8 = {TensorType::UINT8, 0.031f, 127};
const Stored in_s8 = {TensorType::INT8, 0.031f, -1};

void check_everywhere(const Case& c, const Stored& result_u8, const Stored& result_s8) {
  check_float(make(c, in_float, in_float));
  check_int8(make(c, in_u8, result_u8));
  check_int8(make(c, in_s8, result_s8));
}

}  // namespace

TEST_CASE("TFLite: functions of one value") {
  const Stored wide_u8 = {TensorType::UINT8, 0.03f, 100};
  const Stored wide_s8 = {TensorType::INT8, 0.03f, -30};
  for (const auto code :
       {BuiltinOperator::RELU, BuiltinOperator::RELU6, BuiltinOperator::RELU_N1_TO_1,
        BuiltinOperator::RELU_0_TO_1, BuiltinOperator::HARD_SWISH, BuiltinOperator::ELU}) {
    INFO(tflite::EnumNameBuiltinOperator(code));
    check_everywhere({.code = code}, wide_u8, wide_s8);
    // The scale is the same before and behind, so the activation only clips.
    check_everywhere({.code = code}, in_u8, in_s8);
  }
  const auto leaky = options<tflite::LeakyReluOptions>(tflite::CreateLeakyReluOptions, 0.1f);
  check_everywhere({.code = BuiltinOperator::LEAKY_RELU, .options = leaky}, wide_u8, wide_s8);
  check_everywhere({.code = BuiltinOperator::LOGISTIC}, {TensorType::UINT8, 1.0f / 256, 0},
                   {TensorType::INT8, 1.0f / 256, -128});
  check_everywhere({.code = BuiltinOperator::TANH}, {TensorType::UINT8, 1.0f / 128, 128},
                   {TensorType::INT8, 1.0f / 128, 0});
}

TEST_CASE("TFLite: more functions of one value") {
  for (const auto code :
       {BuiltinOperator::GELU, BuiltinOperator::EXP, BuiltinOperator::ABS, BuiltinOperator::NEG}) {
    INFO(tflite::EnumNameBuiltinOperator(code));
    check_everywhere({.code = code}, {TensorType::UINT8, 0.1f, 90}, {TensorType::INT8, 0.1f, -50});
  }
  const auto by_tanh = options<tflite::GeluOptions>(tflite::CreateGeluOptions, true);
  check_everywhere({.code = BuiltinOperator::GELU, .options = by_tanh},
                   {TensorType::UINT8, 0.1f, 90}, {TensorType::INT8, 0.1f, -50});
  for (const auto code : {BuiltinOperator::LOG, BuiltinOperator::SQRT}) {
    INFO(tflite::EnumNameBuiltinOperator(code));
    const Stored positive = {TensorType::UINT8, 0.03f, 0};
    TfliteMaker m = make({.code = BuiltinOperator::ABS}, positive, positive);
    const int32_t z = add(m, "z", {2, 3, 4, 5}, {TensorType::UINT8, 0.05f, 128});
    m.node(code, m.outputs, {z});
    m.outputs = {z};
    check_int8(m);
  }
}

TEST_CASE("TFLite: functions of two values, with broadcasting and fused activations") {
  const std::vector<std::vector<int32_t>> shapes = {{2, 3, 4, 5}, {1, 1, 1, 5}, {5}, {2, 1, 4, 1}};
  for (const auto code : {BuiltinOperator::ADD, BuiltinOperator::SUB, BuiltinOperator::MUL}) {
    INFO(tflite::EnumNameBuiltinOperator(code));
    for (const auto& shape : shapes) {
      for (const auto activation : {Activation::NONE, Activation::RELU, Activation::RELU6}) {
        for (const bool turned : {false, true}) {
          const auto two = [&](const Stored& a, const Stored& b, const Stored& y) {
            TfliteMaker m;
            m.inputs = {add(m, "a", turned ? shape : shapes[0], a),
                        add(m, "b", turned ? shapes[0] : shape, b)};
            m.outputs = {add(m, "y", shapes[0], y)};
            m.node(code, {0, 1}, m.outputs, binary_options(code, activation));
            return m;
          };
          check_float(two(in_float, in_float, in_float));
          check_int8(two(in_u8, {TensorType::UINT8, 0.02f, 3}, {TensorType::UINT8, 0.05f, 90}));
          check_int8(two(in_s8, {TensorType::INT8, 0.02f, -5}, {TensorType::INT8, 0.05f, 7}));
        }
      }
    }
  }
}

TEST_CASE("TFLite: a constant operand keeps its bytes") {
  TfliteMaker m;
  m.inputs = {add(m, "x", {1, 2, 2, 3}, in_s8)};
  const int32_t c = m.bytes("c", {3}, TensorType::INT8, {-128, 17, 127}, {{0.0117f}, {-3}, 0});
  m.outputs = {add(m, "y", {1, 2, 2, 3}, {TensorType::INT8, 0.04f, 0})};
  m.node(BuiltinOperator::MUL, {0, c}, m.outputs,
         binary_options(BuiltinOperator::MUL, Activation::NONE));
  check_int8(m);
}

TEST_CASE("TFLite: DIV, and MAXIMUM and MINIMUM with a number") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {2, 3})};
  const int32_t c = m.floats("c", {3}, {2, -4, 0.5});
  m.outputs = {m.activation("y", {2, 3})};
  m.node(BuiltinOperator::DIV, {0, c}, m.outputs,
         binary_options(BuiltinOperator::DIV, Activation::RELU));
  check_float(m);
  for (const auto code : {BuiltinOperator::MAXIMUM, BuiltinOperator::MINIMUM}) {
    TfliteMaker bounded;
    bounded.inputs = {bounded.activation("x", {2, 3})};
    const int32_t bound = bounded.floats("c", {}, {0.5});
    bounded.outputs = {bounded.activation("y", {2, 3})};
    check_float(bounded.node(code, {0, bound}, bounded.outputs));
  }
}

TEST_CASE("TFLite: PRELU with a slope a channel, one, and one a place") {
  for (const std::vector<int32_t>& shape :
       {std::vector<int32_t>{1, 1, 5}, {5}, {1, 1, 1}, {2, 3, 5}}) {
    TfliteMaker m;
    m.inputs = {m.activation("x", {1, 2, 3, 5})};
    std::vector<float> slopes(static_cast<std::size_t>(element_count(shape)));
    for (std::size_t i = 0; i < slopes.size(); ++i) slopes[i] = 0.1f * static_cast<float>(i) - 0.2f;
    const int32_t s = m.floats("s", shape, slopes);
    m.outputs = {m.activation("y", {1, 2, 3, 5})};
    check_float(m.node(BuiltinOperator::PRELU, {0, s}, m.outputs));
  }
  TfliteMaker m;
  m.inputs = {add(m, "x", {1, 2, 3, 3}, in_s8)};
  const int32_t s = m.bytes("s", {1, 1, 3}, TensorType::INT8, {-100, 20, 127}, {{0.01f}, {0}, 0});
  m.outputs = {add(m, "y", {1, 2, 3, 3}, in_s8)};
  m.node(BuiltinOperator::PRELU, {0, s}, m.outputs);
  check_int8(with_reader(m, {1, 2, 3, 3}, in_s8), false);
}

TEST_CASE("TFLite: pools leave the padding out") {
  const auto pool = [](Padding padding, int32_t stride, int32_t w, int32_t h,
                       Activation activation = Activation::NONE) {
    return options<tflite::Pool2DOptions>(tflite::CreatePool2DOptions, padding, stride, stride, w,
                                          h, activation);
  };
  for (const auto code : {BuiltinOperator::MAX_POOL_2D, BuiltinOperator::AVERAGE_POOL_2D}) {
    INFO(tflite::EnumNameBuiltinOperator(code));
    for (const Case& c : {Case{.code = code,
                               .options = pool(Padding::SAME, 2, 3, 3),
                               .x = {2, 5, 6, 3},
                               .y = {2, 3, 3, 3}},
                          Case{.code = code,
                               .options = pool(Padding::SAME, 1, 2, 2),
                               .x = {1, 5, 6, 3},
                               .y = {1, 5, 6, 3}},
                          Case{.code = code,
                               .options = pool(Padding::VALID, 2, 3, 2, Activation::RELU),
                               .x = {1, 5, 6, 3},
                               .y = {1, 2, 2, 3}}}) {
      check_everywhere(c, in_u8, in_s8);
    }
  }
}

TEST_CASE("TFLite: a pool whose result has another scale is requantized") {
  const auto window = options<tflite::Pool2DOptions>(tflite::CreatePool2DOptions, Padding::VALID, 1,
                                                     1, 2, 2, Activation::NONE);
  check_int8(make({.code = BuiltinOperator::MAX_POOL_2D,
                   .options = window,
                   .x = {1, 4, 4, 2},
                   .y = {1, 3, 3, 2}},
                  in_u8, {TensorType::UINT8, 0.05f, 90}));
}

TEST_CASE("TFLite: MEAN and SUM over height and width, and over other axes") {
  for (const bool keeps : {false, true}) {
    const auto reduces = options<tflite::ReducerOptions>(tflite::CreateReducerOptions, keeps);
    const std::vector<int32_t> image =
        keeps ? std::vector<int32_t>{2, 1, 1, 5} : std::vector<int32_t>{2, 5};
    check_everywhere(
        {.code = BuiltinOperator::MEAN, .options = reduces, .y = image, .integers = {1, 2}},
        {TensorType::UINT8, 0.02f, 100}, {TensorType::INT8, 0.02f, -20});
    check_float(
        make({.code = BuiltinOperator::SUM, .options = reduces, .y = image, .integers = {-2, 1}},
             in_float, in_float));
    const std::vector<int32_t> channels =
        keeps ? std::vector<int32_t>{2, 3, 4, 1} : std::vector<int32_t>{2, 3, 4};
    const Case over_channels = {
        .code = BuiltinOperator::MEAN, .options = reduces, .y = channels, .integers = {-1}};
    check_float(make(over_channels, in_float, in_float));
    const Stored result = {TensorType::INT8, 0.02f, 9};
    check_int8(with_reader(make(over_channels, in_s8, result), channels, result), false);
  }
}

TEST_CASE("TFLite: REDUCE_MAX over height and width") {
  for (const bool keeps : {false, true}) {
    check_everywhere(
        {.code = BuiltinOperator::REDUCE_MAX,
         .options = options<tflite::ReducerOptions>(tflite::CreateReducerOptions, keeps),
         .y = keeps ? std::vector<int32_t>{2, 1, 1, 5} : std::vector<int32_t>{2, 5},
         .integers = {1, 2}},
        in_u8, in_s8);
  }
}

TEST_CASE("TFLite: softmax, of bytes rounded to the file's scale") {
  const auto softmax = options<tflite::SoftmaxOptions>(tflite::CreateSoftmaxOptions, 1.0f);
  check_everywhere({.code = BuiltinOperator::SOFTMAX, .options = softmax, .x = {3, 7}, .y = {3, 7}},
                   {TensorType::UINT8, 1.0f / 256, 0}, {TensorType::INT8, 1.0f / 256, -128});
  check_float(
      make({.code = BuiltinOperator::LOG_SOFTMAX, .x = {3, 7}, .y = {3, 7}}, in_float, in_float));
  const Model model = build(load_tflite_graph(
      make({.code = BuiltinOperator::SOFTMAX, .options = softmax, .x = {1, 7}, .y = {1, 7}}, in_s8,
           {TensorType::INT8, 1.0f / 256, -128})
          .file()));
  const auto scores = run(model, {{0, 0.1f, 0.2f, 0.3f, 1, 2, 3}});
  for (const float score : scores[0]) CHECK(score * 256 == std::round(score * 256));
}

TEST_CASE("TFLite: ARG_MAX gives indices") {
  for (const Stored& kind : {in_float, in_u8, in_s8}) {
    TfliteMaker m;
    m.inputs = {add(m, "x", {2, 3, 4}, kind)};
    const int32_t axis = m.integers("axis", {-1});
    m.outputs = {m.tensor({.name = "y", .shape = {2, 3}, .type = TensorType::INT64})};
    m.node(BuiltinOperator::ARG_MAX, {0, axis}, m.outputs);
    kind.type == TensorType::FLOAT32 ? check_float(m) : check_int8(m);
  }
}

TEST_CASE("TFLite: QUANTIZE and DEQUANTIZE draw the borders") {
  // Goes from float to int8, through a relu in int8, to uint8 and back to float.
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 2, 2, 3})};
  const int32_t q = add(m, "q", {1, 2, 2, 3}, in_s8);
  const int32_t relu = add(m, "relu", {1, 2, 2, 3}, in_s8);
  const int32_t u8 = add(m, "u8", {1, 2, 2, 3}, {TensorType::UINT8, 0.05f, 3});
  m.outputs = {m.activation("y", {1, 2, 2, 3})};
  m.node(BuiltinOperator::QUANTIZE, {0}, {q}).node(BuiltinOperator::RELU, {q}, {relu});
  m.node(BuiltinOperator::QUANTIZE, {relu}, {u8})
      .node(BuiltinOperator::DEQUANTIZE, {u8}, m.outputs);
  const Model model = build(load_tflite_graph(m.file()));
  CHECK(model.has_int8());
  const Values got = run(model, {{-1, -0.03f, 0, 0.03f, 0.26f, 0.5f, 1, 2, 3, 5, 7, 20}})[0];
  const auto rescaled = [](float x) {
    const float once = std::clamp(std::nearbyint(x / 0.031f), -127.0f, 128.0f) * 0.031f;
    return std::nearbyint(std::max(once, 0.0f) / 0.05f) * 0.05f;
  };
  CHECK(got[0] == 0);
  CHECK(got[4] == Approx(rescaled(0.26f)));
  CHECK(got[6] == Approx(rescaled(1)));
  CHECK(got[11] == Approx(rescaled(20)));
}

}  // namespace octet::test
