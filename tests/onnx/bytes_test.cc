// ONNX's operators on bytes, between QuantizeLinear and DequantizeLinear, with their rounding and
// clipping, against numbers worked out by hand.
#include <algorithm>
#include <catch2/catch.hpp>

#include "loaders/loader.h"
#include "tests/graph/run_graph.h"
#include "tests/onnx/check_onnx.h"
#include "tests/onnx/onnx_maker.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {

struct Bytes {
  float scale = 1;
  int zero_point = 0;
  int32_t type = uint8_type;
};

void add_scale(OnnxMaker& m, const std::string& name, const Bytes& bytes) {
  m.floats(name + ".s", {}, {bytes.scale});
  m.constant(name + ".z", {}, bytes.type, std::string(1, static_cast<char>(bytes.zero_point)));
}

void quantize(OnnxMaker& m, const std::string& x, const std::string& q, const Bytes& bytes) {
  add_scale(m, q, bytes);
  m.node("QuantizeLinear", {x, q + ".s", q + ".z"}, {q});
}

void dequantize(OnnxMaker& m, const std::string& q, const std::string& y, const Bytes& bytes) {
  add_scale(m, y, bytes);
  m.node("DequantizeLinear", {q, y + ".s", y + ".z"}, {y});
}

const Values reals = {-3, -1, 1, 3};
constexpr Bytes fine = {.scale = 0.0625f, .zero_point = 128};
constexpr Bytes fine_signed = {.scale = 0.0625f, .zero_point = 0, .type = int8_type};

/// The attribute kernel_shape of a pool; nothing for operators that are no pools.
OnnxAttributes windows_of(const std::string& op, int64_t extent) {
  if (op != "MaxPool" && op != "AveragePool") return {};
  return {{"kernel_shape", std::vector<int64_t>{extent, extent}}};
}

/// x [1, 1, 1, 4], quantized and dequantized with `fine`, then `op`, then quantized and dequantized
/// with the scale of the result.
OnnxMaker between(const std::string& op, const std::vector<std::string>& constants,
                  const OnnxAttributes& attributes, const Bytes& result) {
  OnnxMaker m;
  m.input("x", {1, 1, 1, 4}).output("y");
  m.integers("axes", {2}).integers("shape", {1, 4}).integers("zero", {0}).integers("four", {4});
  m.integers("last", {3}).integers("indices", {0, 1, 2, 3}).floats("ones", {4}, {1, 1, 1, 1});
  m.integers("pads", {0, 0, 0, 0, 0, 0, 0, 0});
  quantize(m, "x", "q", fine);
  dequantize(m, "q", "r", fine);
  std::vector<std::string> inputs = {"r"};
  inputs.insert(inputs.end(), constants.begin(), constants.end());
  m.node(op, inputs, {"moved"}, attributes);
  quantize(m, "moved", "p", result);
  dequantize(m, "p", "y", result);
  return m;
}

}  // namespace

TEST_CASE("ONNX: what moves is rounded and clipped to the scale of the quantize behind it") {
  struct Mover {
    std::string op;
    std::vector<std::string> constants;
    OnnxAttributes attributes;
  };
  const std::vector<int64_t> ones = {1, 1};
  const std::vector<Mover> movers = {
      {"Identity", {}, {}},
      {"MaxPool", {}, {{"kernel_shape", ones}}},
      {"Reshape", {"shape"}, {}},
      {"Flatten", {}, {}},
      {"Squeeze", {"axes"}, {}},
      {"Unsqueeze", {"axes"}, {}},
      {"Transpose", {}, {{"perm", std::vector<int64_t>{0, 3, 2, 1}}}},
      {"Slice", {"zero", "four", "last"}, {}},
      {"Split", {}, {{"axis", int64_t{3}}}},
      {"Gather", {"indices"}, {{"axis", int64_t{3}}}},
      {"Pad", {"pads"}, {}},
      {"DepthToSpace", {}, {{"blocksize", int64_t{1}}}},
      {"SpaceToDepth", {}, {{"blocksize", int64_t{1}}}},
      {"Resize", {"", "ones"}, {{"mode", std::string("nearest")}}},
      {"Concat", {}, {{"axis", int64_t{3}}}},
      {"Dropout", {}, {}}};
  const std::vector<std::pair<Bytes, Values>> results = {
      {{.scale = 0.0625f, .zero_point = 0}, {0, 0, 1, 3}},            // another zero point: a ReLU
      {{.scale = 0.75f, .zero_point = 128}, {-3, -0.75f, 0.75f, 3}},  // another scale
      {{.scale = 0.0078125f, .zero_point = 0}, {0, 0, 1, 1.9921875f}},  // both
      {{.scale = 0.0625f, .zero_point = 127, .type = int8_type}, {-3, -1, 0, 0}},
      {{.scale = 0.0625f, .zero_point = 128}, {-3, -1, 1, 3}}};  // the same as the operand
  for (const Mover& mover : movers) {
    for (const auto& [result, expected] : results) {
      INFO(mover.op << " to " << result.scale << ", " << result.zero_point);
      const OnnxMaker m = between(mover.op, mover.constants, mover.attributes, result);
      CHECK(answer(m, {reals}) == expected);
      // In float nothing is rounded, but values are clipped all the same.
      const Values in_float = answer(m, {reals}, {.float_only = true});
      const bool rounds = result.scale == 0.75f;
      CHECK(in_float == (rounds ? reals : expected));
    }
  }
}

TEST_CASE("ONNX: maxima of whole images are clipped by the quantize behind them") {
  for (const char* op : {"GlobalMaxPool", "ReduceMax"}) {
    OnnxAttributes attributes;
    if (std::string(op) == "ReduceMax") attributes = {{"axes", std::vector<int64_t>{2, 3}}};
    const OnnxMaker m = between(op, {}, attributes, {.scale = 0.0078125f, .zero_point = 0});
    CHECK(answer(m, {reals}) == Values{1.9921875f});
    CHECK(answer(m, {reals}, {.float_only = true}) == Values{1.9921875f});
  }
}

TEST_CASE("ONNX: pools, resizes and softmax of a quantized file are clipped in float as well") {
  const std::vector<int64_t> ones = {1, 1};
  const Bytes narrow = {.scale = 0.0078125f, .zero_point = 0};
  CHECK(answer(between("AveragePool", {}, {{"kernel_shape", ones}}, narrow), {reals},
               {.float_only = true}) == Values{0, 0, 1, 1.9921875f});
  const OnnxMaker resized =
      between("Resize", {"", "ones"}, {{"mode", std::string("linear")}}, narrow);
  CHECK(answer(resized, {reals}, {.float_only = true}) == Values{0, 0, 1, 1.9921875f});
  const OnnxMaker shares =
      between("Softmax", {}, {{"axis", int64_t{3}}}, {.scale = 0.001953125f, .zero_point = 0});
  CHECK(answer(shares, {reals}, {.float_only = true}).at(3) == 255 * 0.001953125f);
}

TEST_CASE("ONNX: operators on bytes see the numbers of the bytes") {
  struct Operator {
    std::string op;
    std::vector<std::string> inputs;
    Bytes bytes;
    Values expected;
  };
  const Bytes shifted = {.scale = 0.0625f, .zero_point = -16, .type = int8_type};
  // Constants of either type: ten and the zero point.
  for (const Operator& one :
       std::vector<Operator>{{"Relu", {"q"}, shifted, {1, 1, 1, 3}},
                             {"Relu", {"q"}, fine_signed, {0, 0, 1, 3}},
                             {"Max", {"q", "u128"}, fine, {0, 0, 1, 3}},
                             {"Max", {"u128", "q"}, fine, {0, 0, 1, 3}},
                             {"Min", {"q", "s10"}, fine_signed, {-3, -1, 0.625f, 0.625f}},
                             {"Clip", {"q", "s0", "s10"}, fine_signed, {0, 0, 0.625f, 0.625f}},
                             {"Clip", {"q", "", "u128"}, fine, {-3, -1, 0, 0}}}) {
    INFO(one.op << " of " << (one.bytes.type == int8_type ? "s8" : "u8"));
    OnnxMaker m;
    m.input("x", {1, 1, 1, 4}).output("y");
    m.constant("u128", {}, uint8_type, "\x80").constant("s0", {}, int8_type, std::string(1, '\0'));
    m.constant("s10", {}, int8_type, "\n");
    quantize(m, "x", "q", one.bytes);
    m.node(one.op, one.inputs, {"p"});
    dequantize(m, "p", "y", one.bytes);
    CHECK(answer(m, {reals}) == one.expected);
    CHECK(answer(m, {reals}, {.float_only = true}) == one.expected);
  }
}

TEST_CASE("ONNX: a cast of bytes to floats gives the numbers of the bytes") {
  for (const Bytes& bytes : {fine, fine_signed, Bytes{.scale = 1, .zero_point = 0}}) {
    OnnxMaker m;
    m.input("x", {1, 1, 1, 4}).output("y").floats("two", {}, {2});
    quantize(m, "x", "q", bytes);
    m.node("Cast", {"q"}, {"numbers"}, {{"to", int64_t{1}}}).node("Mul", {"numbers", "two"}, {"y"});
    Values expected;
    for (const float real : reals) {
      const float low = bytes.type == int8_type ? -128.0f : 0.0f;
      const float byte = real / bytes.scale + static_cast<float>(bytes.zero_point);
      expected.push_back(2 * std::clamp(byte, low, low + 255));
    }
    CHECK(answer(m, {reals}) == expected);
    CHECK(answer(m, {reals}, {.float_only = true}) == expected);
  }
}

TEST_CASE("ONNX: a pad of bytes without a value is byte 0") {
  for (const Bytes& bytes : {fine, fine_signed}) {
    OnnxMaker m;
    m.input("x", {1, 1, 1, 4}).output("y").integers("pads", {0, 0, 0, 1, 0, 0, 0, 0});
    quantize(m, "x", "q", bytes);
    m.node("Pad", {"q", "pads"}, {"p"});
    dequantize(m, "p", "y", bytes);
    const float first = bytes.type == int8_type ? 0.0f : -8.0f;
    CHECK(answer(m, {reals}) == Values{first, -3, -1, 1, 3});
    CHECK(answer(m, {reals}, {.float_only = true}) == Values{first, -3, -1, 1, 3});
  }
}

TEST_CASE("ONNX: bytes are joined with constants of bytes") {
  OnnxMaker m;
  m.input("x", {1, 1, 1, 4}).output("y").constant("c", {1, 1, 1, 1}, uint8_type, "\x90");
  quantize(m, "x", "q", fine);
  m.node("Concat", {"c", "q"}, {"p"}, {{"axis", int64_t{3}}});
  dequantize(m, "p", "y", fine);
  CHECK(answer(m, {reals}) == Values{1, -3, -1, 1, 3});

  OnnxMaker several;
  several.input("x", {1, 1, 1, 4}).output("y");
  quantize(several, "x", "q", fine);
  quantize(several, "x", "p", {.scale = 0.5f, .zero_point = 128});
  several.node("Concat", {"p", "q"}, {"both"}, {{"axis", int64_t{3}}});
  dequantize(several, "both", "y", fine);
  check_refused(several, {"'.both': Concat of bytes with several scales ('p' and 'q')"});
}

TEST_CASE("ONNX: what computes with bytes is refused by name") {
  for (const char* op : {"Sub", "Mul", "Add", "Div"}) {
    OnnxMaker m;
    m.input("x", {1, 4}).output("y").constant("c", {}, uint8_type, "\x02");
    quantize(m, "x", "q", fine);
    m.node(op, {"q", "c"}, {"p"});
    dequantize(m, "p", "y", fine);
    check_refused(m, {"'.p': " + std::string(op) + " on bytes ('q' is uint8"});
  }
  for (const char* op : {"Abs", "Neg", "Softmax", "AveragePool", "Sigmoid", "GlobalAveragePool"}) {
    OnnxMaker m;
    m.input("x", {1, 1, 2, 2}).output("y");
    quantize(m, "x", "q", fine_signed);
    m.node(op, {"q"}, {"p"}, windows_of(op, 1));
    dequantize(m, "p", "y", fine_signed);
    check_refused(m, {"'.p': " + std::string(op) + " on bytes ('q' is int8"});
  }
  OnnxMaker resize;
  resize.input("x", {1, 1, 2, 2}).output("y").floats("scales", {4}, {1, 1, 2, 2});
  quantize(resize, "x", "q", fine);
  resize.node("Resize", {"q", "", "scales"}, {"p"}, {{"mode", std::string("linear")}});
  dequantize(resize, "p", "y", fine);
  check_refused(resize, {"'.p': Resize on bytes"});

  for (const char* op : {"MaxPool", "GlobalMaxPool"}) {
    OnnxMaker m;
    m.input("x", {1, 1, 2, 2}).output("y").constant("c", {1, 1, 2, 2}, uint8_type, "\1\2\3\4");
    m.node(op, {"c"}, {"p"}, windows_of(op, 2));
    dequantize(m, "p", "d", fine);
    m.node("Add", {"x", "d"}, {"y"});
    check_refused(m, {"'.p': " + std::string(op) + " on the constant bytes 'c'"});
  }

  OnnxMaker compared;
  compared.input("x", {1, 4}).output("y").constant("c", {}, uint8_type, "\x02");
  quantize(compared, "x", "q", fine);
  compared.node("Equal", {"q", "c"}, {"y"});
  check_refused(compared, {"'.y': Equal of values that are computed at run time"});
}

TEST_CASE("ONNX: bounds of another type than their operand, and casts between integers") {
  OnnxMaker m;
  m.input("x", {1, 4}).output("y").floats("c", {}, {2});
  quantize(m, "x", "q", fine);
  m.node("Max", {"q", "c"}, {"p"});
  dequantize(m, "p", "y", fine);
  check_refused(m, {"'.p' (Max)", "its bound as float32 beside uint8"});

  OnnxMaker cast;
  cast.input("x", {1, 4}).output("y");
  quantize(cast, "x", "q", fine);
  cast.node("Cast", {"q"}, {"y"}, {{"to", int64_t{6}}});
  check_refused(cast, {"'.y': Cast of uint8 to int32"});
}

TEST_CASE("ONNX: an input of bytes means one thing") {
  OnnxMaker m;
  m.input("x", {1, 4}, uint8_type).output("y").output("z");
  m.node("Cast", {"x"}, {"y"}, {{"to", int64_t{1}}});
  dequantize(m, "x", "z", fine);
  check_refused(m, {"'.z' (DequantizeLinear)", "reads 'x' with another scale"});

  OnnxMaker moved;
  moved.input("x", {1, 4}, uint8_type).output("y").output("z").integers("shape", {4});
  moved.node("Reshape", {"x", "shape"}, {"r"});
  dequantize(moved, "r", "y", fine);
  dequantize(moved, "x", "z", {.scale = 0.5f, .zero_point = 128});
  check_refused(moved, {"'.z' (DequantizeLinear)", "reads 'x' with another scale"});
}

TEST_CASE("ONNX: weights keep their bytes however the file moves them") {
  // [2, 2] bytes with a scale for each row, used as a convolution's [2, 2, 1, 1], row by row or
  // turned around.
  struct Way {
    std::string op;
    std::vector<std::string> constants;
    OnnxAttributes attributes;
    std::vector<int64_t> dims;  ///< The dims of the result.
  };
  for (const Way& way : std::vector<Way>{{"Reshape", {"shape"}, {}, {2, 2, 1, 1}},
                                         {"Unsqueeze", {"axes"}, {}, {2, 2, 1, 1}},
                                         {"Slice", {"zero", "two", "zero"}, {}, {2, 2}},
                                         {"Gather", {"order"}, {}, {2, 2}},
                                         {"Identity", {}, {}, {2, 2}},
                                         {"Expand", {"two_two"}, {}, {2, 2}},
                                         {"Split", {"all"}, {}, {2, 2}},
                                         {"Pad", {"nothing"}, {}, {2, 2}}}) {
    INFO(way.op);
    OnnxMaker m;
    m.input("x", {1, 2, 1, 1}).output("y");
    m.integers("shape", {2, 2, 1, 1}).integers("axes", {2, 3}).integers("zero", {0});
    m.integers("two", {2}).integers("order", {0, 1}).integers("two_two", {2, 2});
    m.integers("all", {2}).integers("nothing", {0, 0, 0, 0});
    m.constant("w", {2, 2}, int8_type, std::string("\x01\x02\x03\x04", 4));
    m.floats("w.s", {2}, {0.5f, 0.003f}).constant("w.z", {2}, int8_type, std::string(2, '\0'));
    m.node("DequantizeLinear", {"w", "w.s", "w.z"}, {"w.real"}, {{"axis", int64_t{0}}});
    std::vector<std::string> inputs = {"w.real"};
    inputs.insert(inputs.end(), way.constants.begin(), way.constants.end());
    m.node(way.op, inputs, {"w.moved"}, way.attributes);
    if (way.dims.size() == 2) m.node("Reshape", {"w.moved", "shape"}, {"w.ready"});
    quantize(m, "x", "q", fine);
    dequantize(m, "q", "r", fine);
    m.node("Conv", {"r", way.dims.size() == 2 ? "w.ready" : "w.moved"}, {"y"});
    const auto graph = load(m);
    REQUIRE(graph);
    const Model model = build(*graph);
    CHECK(model.has_int8());
    CHECK(contains(nodes_of(model), ".y:conv2d"));
    const Values y = run(model, {{1, 2}}).at(0);
    CHECK(y[0] == Approx(0.5 * (1 + 2 * 2)).epsilon(1e-6));
    CHECK(y[1] == Approx(0.003 * (3 + 2 * 4)).epsilon(1e-6));
  }
}

TEST_CASE("ONNX: weights that are padded keep their bytes where the value is one of their levels") {
  for (const float value : {0.0f, 0.5f, 0.001f}) {
    INFO(value);
    OnnxMaker m;
    m.input("x", {1, 2, 1, 1}).output("y").integers("pads", {0, 0, 0, 0, 0, 1, 0, 0});
    m.constant("w", {2, 1, 1, 1}, uint8_type, "\x03\x04").floats("value", {}, {value});
    m.floats("w.s", {2}, {0.5f, 0.25f}).constant("w.z", {2}, uint8_type, "\x01\x02");
    m.node("DequantizeLinear", {"w", "w.s", "w.z"}, {"w.real"}, {{"axis", int64_t{0}}});
    m.node("Pad", {"w.real", "pads", "value"}, {"w.padded"});
    quantize(m, "x", "q", fine);
    dequantize(m, "q", "r", fine);
    m.node("Conv", {"r", "w.padded"}, {"y"});
    const auto graph = load(m);
    REQUIRE(graph);
    const Model model = build(*graph);
    const auto& nodes = model.nodes();
    const auto layer = std::ranges::find(nodes, ".y", &NodeInfo::name);
    REQUIRE(layer != nodes.end());
    CHECK(layer->int8 == (value != 0.001f));
    const Values y = run(model, {{1, 2}}).at(0);
    CHECK(y[0] == Approx(1 + 2 * value).epsilon(1e-6));
    CHECK(y[1] == Approx(0.5 + 2 * value).epsilon(1e-6));
  }
}

TEST_CASE("ONNX: weights that are joined of two scales keep their bytes") {
  OnnxMaker m;
  m.input("x", {1, 2, 1, 1}).output("y");
  for (const char* name : {"a", "b"}) {
    m.constant(name, {1, 2, 1, 1}, int8_type, std::string("\x01\x02", 2));
    dequantize(m, name, std::string(name) + ".real",
               {.scale = *name == 'a' ? 0.5f : 0.003f, .zero_point = 0, .type = int8_type});
  }
  m.node("Concat", {"a.real", "b.real"}, {"w"}, {{"axis", int64_t{0}}});
  quantize(m, "x", "q", fine);
  dequantize(m, "q", "r", fine);
  m.node("Conv", {"r", "w"}, {"y"});
  const Values y = answer(m, {{1, 2}});
  CHECK(y[0] == Approx(2.5).epsilon(1e-6));
  CHECK(y[1] == Approx(0.015).epsilon(1e-6));
}

TEST_CASE("ONNX: float weights and constants in a quantized model run in float, with the reason") {
  OnnxMaker layer;
  layer.input("x", {1, 2, 1, 1}).output("y").floats("w", {1, 2, 1, 1}, {1, 0.001f});
  quantize(layer, "x", "q", fine);
  dequantize(layer, "q", "r", fine);
  layer.node("Conv", {"r", "w"}, {"c"});
  quantize(layer, "c", "p", {.scale = 0.001f, .zero_point = 0});
  dequantize(layer, "p", "y", {.scale = 0.001f, .zero_point = 0});
  CHECK(answer(layer, {{0, 4}})[0] == Approx(0.004));

  OnnxMaker sum;
  sum.input("x", {1, 2}).output("y").floats("c", {2}, {-1, 0.1f});
  quantize(sum, "x", "q", fine);
  dequantize(sum, "q", "r", fine);
  sum.node("Add", {"r", "c"}, {"s"});
  quantize(sum, "s", "p", {.scale = 0.1f, .zero_point = 0});
  dequantize(sum, "p", "y", {.scale = 0.1f, .zero_point = 0});
  const Values y = answer(sum, {{1, 2}});
  CHECK(y[0] == 0);
  CHECK(y[1] == Approx(2.1));
  const auto graph = load(sum);
  REQUIRE(graph);
  const Model model = build(*graph);
  const auto& nodes = model.nodes();
  const auto add = std::ranges::find(nodes, ".s", &NodeInfo::name);
  REQUIRE(add != nodes.end());
  CHECK(add->reason == "left in float by the model's author: a constant of it is floats");
}

TEST_CASE("ONNX: one number loses nothing as bytes, so that its sum or product stays int8") {
  OnnxMaker m;
  m.input("x", {1, 2}).output("y").floats("c", {}, {-0.7f});
  quantize(m, "x", "q", fine);
  dequantize(m, "q", "r", fine);
  m.node("Mul", {"r", "c"}, {"s"});
  quantize(m, "s", "p", {.scale = 0.1f, .zero_point = 128});
  dequantize(m, "p", "y", {.scale = 0.1f, .zero_point = 128});
  const auto graph = load(m);
  REQUIRE(graph);
  const Model model = build(*graph);
  for (const NodeInfo& node : model.nodes()) CHECK(node.int8);
  const Values y = run(model, {{1, -2}}).at(0);
  CHECK(y[0] == Approx(-0.7));
  CHECK(y[1] == Approx(1.4));
}

TEST_CASE("ONNX: a channel of weights with a scale of nothing is dead") {
  for (const float scale : {0.0f, 1e-40f}) {
    OnnxMaker m;
    m.input("x", {1, 1, 1, 1}).output("y").constant("w", {2, 1, 1, 1}, int8_type, "\x7F\x7F");
    m.floats("w.s", {2}, {scale, 0.01f}).constant("w.z", {2}, int8_type, std::string(2, '\0'));
    m.node("DequantizeLinear", {"w", "w.s", "w.z"}, {"w.real"}, {{"axis", int64_t{0}}});
    quantize(m, "x", "q", fine);
    dequantize(m, "q", "r", fine);
    m.node("Conv", {"r", "w.real"}, {"y"});
    const Values y = answer(m, {{1}});
    CHECK(y[0] == 0);
    CHECK(y[1] == Approx(1.27));
  }
}

TEST_CASE("ONNX: a constant with a scale of nothing is its values, in int8 and in float") {
  // 1e-40 and 1e38 are float32 numbers, but their inverses are no normal ones.
  for (const float scale : {0.0f, 1e-40f, 1e38f}) {
    for (const char* op : {"Add", "Sub", "Mul", "Max", "Concat"}) {
      INFO(op << " with a scale of " << scale);
      const std::string name = op;
      const bool is_bound = name == "Max";  // clips with a single number
      OnnxMaker m;
      m.input("x", {1, 4}).output("y");
      const std::vector<int64_t> dims =
          is_bound ? std::vector<int64_t>{} : std::vector<int64_t>{1, 4};
      m.constant("c", dims, int8_type, is_bound ? "\x03" : "\x01\xFF\x02\x03");
      quantize(m, "x", "q", fine);
      dequantize(m, "q", "r", fine);
      dequantize(m, "c", "c.real", {.scale = scale, .zero_point = 0, .type = int8_type});
      m.node(op, {"r", "c.real"}, {"s"},
             name == "Concat" ? OnnxAttributes{{"axis", int64_t{1}}} : OnnxAttributes{});
      quantize(m, "s", "p", fine);
      dequantize(m, "p", "y", fine);
      const Values x = {-3, -1, 1, 3};
      const std::vector<float> c = is_bound
                                       ? std::vector<float>(4, 3 * scale)
                                       : std::vector<float>{scale, -scale, 2 * scale, 3 * scale};
      std::vector<double> wanted;
      for (std::size_t i = 0; i < 4; ++i) {
        const double a = x[i];
        const double b = double{c[i]};
        wanted.push_back(name == "Add"   ? a + b
                         : name == "Sub" ? a - b
                         : name == "Mul" ? a * b
                         : is_bound      ? std::max(a, b)
                                         : a);
      }
      if (name == "Concat") wanted.insert(wanted.end(), c.begin(), c.end());
      // The values that `fine` can represent.
      for (double& value : wanted) value = std::clamp(value, -8.0, 7.9375);
      for (const bool float_only : {false, true}) {
        INFO((float_only ? "float" : "int8"));
        const Values y = answer(m, {x}, {.float_only = float_only});
        REQUIRE(y.size() == wanted.size());
        for (std::size_t i = 0; i < wanted.size(); ++i)
          CHECK(y[i] == Approx(wanted[i]).margin(1e-6));
      }
    }
  }
}

TEST_CASE("ONNX: scales that are none say their value") {
  const auto with_scale = [](float scale) {
    OnnxMaker m;
    m.input("x", {1, 4}).output("y");
    quantize(m, "x", "q", {.scale = scale});
    dequantize(m, "q", "y", {.scale = scale});
    return m;
  };
  check_refused(with_scale(-0.5f), {"'.q'", "a scale of -0.5, which is no positive number"});
  check_refused(with_scale(9e-41f), {"'.q'", "e-41, which is too small"});
  check_refused(with_scale(3e38f), {"'.q'", "a scale of 3e+38, which is too large"});
}

TEST_CASE("ONNX: a bias beyond 32 bits says the layer, the scales, and what to do") {
  OnnxMaker m;
  m.input("x", {1, 1, 1, 1}).output("y").constant("w", {1, 1, 1, 1}, int8_type, "\x01");
  m.floats("b", {1}, {3});
  quantize(m, "x", "q", fine);
  dequantize(m, "q", "r", fine);
  dequantize(m, "w", "w.real", {.scale = 1e-9f, .zero_point = 0, .type = int8_type});
  m.node("Conv", {"r", "w.real", "b"}, {"y"});
  const auto graph = load(m);
  REQUIRE(graph);
  const auto built = graph::build_model(*graph, {});
  REQUIRE_FALSE(built);
  for (const char* part :
       {"layer '.y'", "the bias 3 ", "(1e-09)", "Quantize the model again", "--keep-float .y"}) {
    INFO(built.error().message);
    CHECK(contains(built.error().message, part));
  }
  CHECK(graph::build_model(*graph, {.keep_float = {".y"}}));
}

TEST_CASE("ONNX: an attribute of another type than ONNX gives it") {
  OnnxMaker number;
  number.input("x", {1, 2}).output("y");
  OnnxMaker axis = number;
  number.node("LeakyRelu", {"x"}, {"y"}, {{"alpha", int64_t{1}}});
  check_refused(number, {"'.y' (LeakyRelu)", "'alpha' as a whole number (INT)", "(FLOAT)"});
  axis.node("Softmax", {"x"}, {"y"}, {{"axis", 1.0f}});
  check_refused(axis, {"'.y' (Softmax)", "'axis' as a number (FLOAT)", "(INT)"});
  OnnxMaker list;
  list.input("x", {1, 2, 3, 4})
      .output("y")
      .node("MaxPool", {"x"}, {"y"}, {{"kernel_shape", int64_t{2}}});
  check_refused(list, {"'.y' (MaxPool)", "'kernel_shape' as a whole number (INT)", "(INTS)"});
}

TEST_CASE("ONNX: names that stand for two values") {
  OnnxMaker twice;
  twice.input("x", {1, 2}).output("y").floats("c", {2}, {1, 2}).floats("c", {2}, {3, 4});
  twice.node("Add", {"x", "c"}, {"y"});
  check_refused(twice, {"'c' is written twice", "initializer"});
  OnnxMaker nodes;
  nodes.input("x", {1, 2}).output("y").node("Relu", {"x"}, {"y"}).node("Neg", {"x"}, {"y"});
  check_refused(nodes, {"'y' is written twice", "'.y' (Relu)", "(Neg)"});
  OnnxMaker over_input;
  over_input.input("x", {1, 2}).output("y").node("Relu", {"x"}, {"x"}).node("Neg", {"x"}, {"y"});
  check_refused(over_input, {"'x' is written twice", "an input"});
}

TEST_CASE("ONNX: the bias of a QGemm has the scale of its product, alpha among it") {
  for (const float alpha : {1.0f, 0.5f, -0.5f, 2.0f}) {
    INFO("alpha " << alpha);
    OnnxMaker m;
    m.input("x", {1, 2}).output("y").constant("w", {2, 1}, int8_type, "\x02\x04");
    // 64 levels of 0.0625 * 0.5.
    m.constant("b", {1}, 6, std::string("\x40\0\0\0", 4));
    add_scale(m, "w", {.scale = 0.5f, .zero_point = 0, .type = int8_type});
    quantize(m, "x", "q", fine);
    add_scale(m, "g", fine);
    m.node("QGemm", {"q", "q.s", "q.z", "w", "w.s", "w.z", "b", "g.s", "g.z"}, {"g"},
           {{"alpha", alpha}}, "com.microsoft");
    dequantize(m, "g", "y", fine);
    const float wanted = alpha * (1 * 1 - 2 * 2 + 2);
    CHECK(answer(m, {{1, -2}})[0] == Approx(wanted));
    CHECK(answer(m, {{1, -2}}, {.float_only = true})[0] == Approx(wanted));
  }
}

TEST_CASE("ONNX: a QLinearConv of ONNX Runtime's on channels-last images is refused") {
  OnnxMaker m;
  m.input("x", {1, 1, 1, 1}).output("y").constant("w", {1, 1, 1, 1}, int8_type, "\x01");
  quantize(m, "x", "q", fine);
  m.node("QLinearConv", {"q", "q.s", "q.z", "w", "q.s", "q.z", "q.s", "q.z"}, {"y"},
         {{"channels_last", int64_t{1}}}, "com.microsoft");
  check_refused(m, {"'.y': com.microsoft.QLinearConv with channels last"});
}

TEST_CASE("ONNX: an input that is turned to channels-first behind its scale is channels-last") {
  const std::vector<int64_t> first = {0, 3, 1, 2};
  OnnxMaker m;
  m.input("x", {1, 5, 4, 3}).output("y").floats("mean", {1, 1, 1, 3}, {1, 2, 3});
  quantize(m, "x", "q", fine);
  dequantize(m, "q", "r", fine);
  m.node("Sub", {"r", "mean"}, {"s"}).node("Transpose", {"s"}, {"y"}, {{"perm", first}});
  const auto graph = load(m);
  REQUIRE(graph);
  CHECK(graph->tensor(graph->inputs[0]).shape == Shape{1, 5, 4, 3});

  OnnxMaker cast;
  cast.input("x", {1, 5, 4, 3}, uint8_type).output("y").floats("c", {}, {255});
  cast.node("Cast", {"x"}, {"f"}, {{"to", int64_t{1}}}).node("Div", {"f", "c"}, {"d"});
  cast.node("Transpose", {"d"}, {"y"}, {{"perm", first}});
  const auto turned = load(cast);
  REQUIRE(turned);
  CHECK(turned->tensor(turned->inputs[0]).shape == Shape{1, 5, 4, 3});

  // Channels in another order, and padding.
  OnnxMaker swapped;
  swapped.input("x", {1, 5, 4, 3}).output("y").integers("bgr", {2, 1, 0});
  swapped.integers("pads", {0, 1, 1, 0, 0, 1, 1, 0});
  swapped.node("Gather", {"x", "bgr"}, {"g"}, {{"axis", int64_t{3}}});
  swapped.node("Pad", {"g", "pads"}, {"p"}).node("Neg", {"p"}, {"n"});
  swapped.node("Transpose", {"n"}, {"y"}, {{"perm", first}});
  const auto bgr = load(swapped);
  REQUIRE(bgr);
  CHECK(bgr->tensor(bgr->inputs[0]).shape == Shape{1, 5, 4, 3});
}

}  // namespace octet::test
