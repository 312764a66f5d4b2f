// TFLite's operators that move values: join, cut, pad, turn and resize them.
#include <catch2/catch.hpp>

#include "tests/tflite/run_tflite.h"

namespace octet::test {
namespace {

using tflite::Activation;
using tflite::BuiltinOperator;
using tflite::TensorType;

struct Move {
  BuiltinOperator code;
  TfliteOptions options = {};
  std::vector<int32_t> x;
  std::vector<std::vector<int32_t>> integers = {};  ///< Operands after x.
  std::vector<int32_t> y = {};
};

TfliteMaker make(const Move& move, TensorType type = TensorType::FLOAT32, float scale = 0.02f,
                 int64_t zero_point = 5, float y_scale = 0.02f) {
  TfliteMaker m;
  const bool in_float = type == TensorType::FLOAT32;
  const auto add = [&](const std::string& name, const std::vector<int32_t>& shape, float s) {
    return in_float ? m.activation(name, shape) : m.activation(name, shape, type, s, zero_point);
  };
  m.inputs = {add("x", move.x, scale)};
  std::vector<int32_t> operands = {0};
  for (const auto& values : move.integers)
    operands.push_back(m.integers("operand " + std::to_string(operands.size()), values));
  m.outputs = {add("y", move.y, y_scale)};
  m.node(move.code, operands, m.outputs, move.options);
  return m;
}

void check_move(const Move& move) {
  check_float(make(move));
  check_int8(make(move, TensorType::UINT8));
  check_int8(make(move, TensorType::INT8));
  // The converter gives both the same scale. If they differ, the values must stay what they are.
  check_int8(make(move, TensorType::INT8, 0.02f, 5, 0.03f));
}

TfliteOptions strided(int32_t begin, int32_t end, int32_t ellipsis = 0, int32_t new_axis = 0,
                      int32_t shrink = 0) {
  return options<tflite::StridedSliceOptions>(tflite::CreateStridedSliceOptions, begin, end,
                                              ellipsis, new_axis, shrink, false);
}

}  // namespace

TEST_CASE("TFLite: shapes change, values stay") {
  check_move(
      {.code = BuiltinOperator::RESHAPE, .x = {1, 2, 3, 4}, .integers = {{2, -1}}, .y = {2, 12}});
  check_move({.code = BuiltinOperator::SQUEEZE, .x = {1, 2, 1, 4}, .y = {2, 4}});
  const std::vector<int32_t> axes = {-2};
  const TfliteOptions squeeze = {
      tflite::BuiltinOptions::SqueezeOptions, [axes](flatbuffers::FlatBufferBuilder& builder) {
        return tflite::CreateSqueezeOptionsDirect(builder, &axes).Union();
      }};
  check_move(
      {.code = BuiltinOperator::SQUEEZE, .options = squeeze, .x = {1, 2, 1, 4}, .y = {1, 2, 4}});
  check_move(
      {.code = BuiltinOperator::EXPAND_DIMS, .x = {2, 3}, .integers = {{-1}}, .y = {2, 3, 1}});
  check_move({.code = BuiltinOperator::TRANSPOSE,
              .x = {1, 2, 3, 4},
              .integers = {{0, 3, 1, 2}},
              .y = {1, 4, 2, 3}});
}

TEST_CASE("TFLite: a RESHAPE by what octet cannot compute takes the file's shape of the result") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 2, 3})};
  const int32_t shape = m.tensor({.name = "shape", .shape = {2}, .type = TensorType::INT32});
  m.outputs = {m.activation("y", {1, 6})};
  m.custom("ShapeOfSomeKind", {0}, {shape});
  m.node(BuiltinOperator::RESHAPE, {0, shape}, m.outputs);
  check_values(m, {1, 6}, {0, 1, 2, 3, 4, 5});
}

TEST_CASE("TFLite: space and depth") {
  check_move({.code = BuiltinOperator::DEPTH_TO_SPACE,
              .options = options<tflite::DepthToSpaceOptions>(tflite::CreateDepthToSpaceOptions, 2),
              .x = {2, 2, 3, 8},
              .y = {2, 4, 6, 2}});
  check_move({.code = BuiltinOperator::SPACE_TO_DEPTH,
              .options = options<tflite::SpaceToDepthOptions>(tflite::CreateSpaceToDepthOptions, 2),
              .x = {2, 4, 6, 2},
              .y = {2, 2, 3, 8}});
}

TEST_CASE("TFLite: PAD is real zeros, PADV2 the value") {
  check_move({.code = BuiltinOperator::PAD,
              .x = {1, 2, 3, 2},
              .integers = {{0, 0, 1, 2, 0, 1, 1, 0}},
              .y = {1, 5, 4, 3}});
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 2, 2}, TensorType::INT8, 0.02f, 5)};
  const int32_t pads = m.integers("pads", {0, 0, 1, 0, 0, 1});
  const int32_t value = m.bytes("value", {1}, TensorType::INT8, {-77}, {{0.02f}, {5}, 0});
  m.outputs = {m.activation("y", {1, 3, 3}, TensorType::INT8, 0.02f, 5)};
  m.node(BuiltinOperator::PADV2, {0, pads, value}, m.outputs);
  check_int8(m);
}

TEST_CASE("TFLite: mirrored paddings, with and without the edge") {
  const auto mirror = [](tflite::MirrorPadMode mode) {
    return options<tflite::MirrorPadOptions>(tflite::CreateMirrorPadOptions, mode);
  };
  Move move{.code = BuiltinOperator::MIRROR_PAD,
            .options = mirror(tflite::MirrorPadMode::REFLECT),
            .x = {1, 4},
            .integers = {{0, 0, 2, 1}},
            .y = {1, 7}};
  check_values(make(move), {1, 7}, {2, 1, 0, 1, 2, 3, 2});
  move.options = mirror(tflite::MirrorPadMode::SYMMETRIC);
  check_values(make(move), {1, 7}, {1, 0, 0, 1, 2, 3, 3});
}

TEST_CASE("TFLite: slices") {
  const auto check = [](const Move& move, const Values& expected) {
    check_values(make(move), move.y, expected);
  };
  check({.code = BuiltinOperator::SLICE, .x = {2, 4}, .integers = {{1, 1}, {-1, 2}}, .y = {1, 2}},
        {5, 6});
  const auto code = BuiltinOperator::STRIDED_SLICE;
  check({code, strided(0, 0), {2, 4}, {{0, 1}, {2, 4}, {1, 2}}, {2, 2}}, {1, 3, 5, 7});
  // Backwards, with the whole axis taken by masks.
  check({code, strided(2, 2), {2, 4}, {{0, 0}, {1, 0}, {1, -1}}, {1, 4}}, {3, 2, 1, 0});
  // One row, counted from the end. Its axis is removed.
  check({code, strided(2, 2, 0, 0, 1), {2, 4}, {{-1, 0}, {0, 0}, {1, 1}}, {4}}, {4, 5, 6, 7});
  // [..., 1:3] and a new axis in front.
  check({code, strided(0, 0, 2, 1), {2, 4}, {{0, 0, 1}, {0, 0, 3}, {1, 1, 1}}, {1, 2, 2}},
        {1, 2, 5, 6});
  // Fewer positions than axes.
  check({code, strided(0, 0), {2, 4}, {{1}, {2}, {1}}, {1, 4}}, {4, 5, 6, 7});
}

TEST_CASE("TFLite: splits") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {2, 6})};
  const int32_t axis = m.integers("axis", {-1});
  m.outputs = {m.activation("a", {2, 2}), m.activation("b", {2, 2}), m.activation("c", {2, 2})};
  m.node(BuiltinOperator::SPLIT, {axis, 0}, m.outputs,
         options<tflite::SplitOptions>(tflite::CreateSplitOptions, 3));
  const auto thirds = run(build(load_tflite_graph(m.file()), {.float_only = true}),
                          {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}});
  CHECK(thirds == std::vector<Values>{{0, 1, 6, 7}, {2, 3, 8, 9}, {4, 5, 10, 11}});

  TfliteMaker v;
  v.inputs = {v.activation("x", {2, 3})};
  const int32_t sizes = v.integers("sizes", {1, -1});
  const int32_t at = v.integers("axis", {1});
  v.outputs = {v.activation("a", {2, 1}), v.activation("b", {2, 2})};
  v.node(BuiltinOperator::SPLIT_V, {0, sizes, at}, v.outputs,
         options<tflite::SplitVOptions>(tflite::CreateSplitVOptions, 2));
  const auto parts =
      run(build(load_tflite_graph(v.file()), {.float_only = true}), {{0, 1, 2, 3, 4, 5}});
  CHECK(parts == std::vector<Values>{{0, 3}, {1, 2, 4, 5}});
}

TEST_CASE("TFLite: CONCATENATION of different scales, with an activation") {
  for (const auto activation : {Activation::NONE, Activation::RELU}) {
    const auto joins =
        options<tflite::ConcatenationOptions>(tflite::CreateConcatenationOptions, -1, activation);
    for (const auto type : {TensorType::UINT8, TensorType::INT8}) {
      TfliteMaker m;
      m.inputs = {m.activation("a", {1, 2, 2, 3}, type, 0.02f, 5),
                  m.activation("b", {1, 2, 2, 2}, type, 0.05f, 90)};
      m.outputs = {m.activation("y", {1, 2, 2, 5}, type, 0.03f, 40)};
      m.node(BuiltinOperator::CONCATENATION, {0, 1}, m.outputs, joins);
      check_int8(m);
    }
    TfliteMaker m;
    m.inputs = {m.activation("a", {2, 3}), m.activation("b", {2, 2})};
    m.outputs = {m.activation("y", {2, 5})};
    check_float(m.node(BuiltinOperator::CONCATENATION, {0, 1}, m.outputs, joins));
  }
}

TEST_CASE("TFLite: PACK joins along a new axis") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {2, 2})};
  m.outputs = {m.activation("y", {2, 2, 2})};
  m.node(BuiltinOperator::PACK, {0, 0}, m.outputs,
         options<tflite::PackOptions>(tflite::CreatePackOptions, 2, 1));
  check_values(m, {2, 2, 2}, {0, 1, 0, 1, 2, 3, 2, 3});
}

TEST_CASE("TFLite: resizing by every rule of coordinates") {
  struct Rule {
    bool corners, half_pixel;
  };
  for (const Rule& rule : {Rule{false, false}, Rule{true, false}, Rule{false, true}}) {
    INFO("align_corners " << rule.corners << ", half_pixel_centers " << rule.half_pixel);
    for (const std::vector<int32_t>& size :
         {std::vector<int32_t>{6, 8}, {5, 7}, {2, 3}, {1, 1}, {3, 4}}) {
      INFO("to " << shape_text(size));
      const std::vector<int32_t> y = {1, size[0], size[1], 2};
      const auto nearest = options<tflite::ResizeNearestNeighborOptions>(
          tflite::CreateResizeNearestNeighborOptions, rule.corners, rule.half_pixel);
      const auto bilinear = options<tflite::ResizeBilinearOptions>(
          tflite::CreateResizeBilinearOptions, rule.corners, rule.half_pixel);
      for (const Move& move :
           {Move{BuiltinOperator::RESIZE_NEAREST_NEIGHBOR, nearest, {1, 3, 4, 2}, {size}, y},
            Move{BuiltinOperator::RESIZE_BILINEAR, bilinear, {1, 3, 4, 2}, {size}, y}}) {
        check_float(make(move));
        // An operator that runs in float between bytes.
        TfliteMaker m;
        m.inputs = {m.activation("x", move.x, TensorType::INT8, 0.02f, 5)};
        const int32_t wanted = m.integers("size", size);
        const int32_t middle = m.activation("middle", y, TensorType::INT8, 0.02f, 5);
        m.outputs = {m.activation("y", y, TensorType::INT8, 0.02f, 5)};
        m.node(move.code, {0, wanted}, {middle}, move.options);
        m.node(BuiltinOperator::RELU, {middle}, m.outputs);
        check_int8(m, false);
      }
    }
  }
}

}  // namespace octet::test
