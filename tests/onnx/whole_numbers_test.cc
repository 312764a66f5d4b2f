// Whole numbers that an ONNX file computes at run time: arithmetic on indices, and gathering with
// them.
#include <catch2/catch.hpp>

#include "loaders/loader.h"
#include "tests/graph/run_graph.h"
#include "tests/kernels/random.h"
#include "tests/onnx/check_onnx.h"
#include "tests/onnx/onnx_maker.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {

constexpr int64_t float_type = 1;  // a type of TensorProto
constexpr int64_t int32_type = 6;
constexpr int64_t int64_type = 7;

Expected<Model> load_model(const OnnxMaker& m, const graph::BuildOptions& options) {
  const auto graph = load(m);
  if (!graph) return tl::unexpected(graph.error());
  const auto bytes = graph::build_model(*graph, options);
  if (!bytes) return tl::unexpected(bytes.error());
  return Model::from_memory(*bytes, "model.onnx");
}

/// Returns all outputs for inputs in octet's order of axes.
std::vector<Values> answers(const OnnxMaker& m, const std::vector<Values>& inputs,
                            const graph::BuildOptions& options = {.float_only = true}) {
  const auto model = load_model(m, options);
  INFO((model ? "" : model.error().message));
  REQUIRE(model);
  return run(*model, inputs);
}

std::string refusal(const OnnxMaker& m) {
  const auto model = load_model(m, {.float_only = true});
  return model ? "" : model.error().message;
}

/// A model that finds the places n [1, 4] of the largest values of x [1, 4, 24] along its last
/// axis.
OnnxMaker largest() {
  OnnxMaker m;
  m.input("x", {1, 4, 24});
  m.node("ArgMax", {"x"}, {"n"}, {{"axis", int64_t{-1}}, {"keepdims", int64_t{0}}});
  return m;
}

/// Returns an x whose largest values are at these places.
Values with_largest(const std::vector<int32_t>& places) {
  Values x(places.size() * 24, -1.0F);
  for (std::size_t i = 0; i < places.size(); ++i)
    x[i * 24 + static_cast<std::size_t>(places[i])] = 5;
  return x;
}

const std::vector<int32_t> some_places = {0, 7, 17, 23};

}  // namespace

TEST_CASE("ONNX: arithmetic of indices: Div goes towards 0, Mod as its fmod says") {
  const auto of = [](const std::string& op, int64_t before, int64_t divisor,
                     const OnnxAttributes& attributes = {}) {
    OnnxMaker m = largest();
    m.output("y").integers("before", {before}).integers("k", {divisor});
    m.node("Sub", {"n", "before"}, {"shifted"});
    m.node(op, {"shifted", "k"}, {"y"}, attributes);
    return answers(m, {with_largest(some_places)})[0];
  };
  const OnnxAttributes fmod = {{"fmod", int64_t{1}}};
  // The places are -10, -3, 7 and 13.
  CHECK(of("Add", 10, 100) == Values{90, 97, 107, 113});
  CHECK(of("Mul", 10, -3) == Values{30, 9, -21, -39});
  CHECK(of("Div", 10, 4) == Values{-2, 0, 1, 3});
  CHECK(of("Div", 10, -4) == Values{2, 0, -1, -3});
  CHECK(of("Mod", 10, 4) == Values{2, 1, 3, 1});
  CHECK(of("Mod", 10, -4) == Values{-2, -3, -1, -3});
  CHECK(of("Mod", 10, 4, fmod) == Values{-2, -3, 3, 1});
  CHECK(of("Mod", 10, -4, fmod) == Values{-2, -3, 3, 1});
}

TEST_CASE("ONNX: rows and columns of a place, as floats, joined with constants, cut and turned") {
  OnnxMaker m = largest();
  m.output("row").output("column").output("real").output("places").output("turned").output("cut");
  m.integers("width", {6}).integers("last", {-1});
  m.node("Div", {"n", "width"}, {"row"}).node("Mul", {"row", "width"}, {"before"});
  m.node("Sub", {"n", "before"}, {"column"});
  m.node("Cast", {"column"}, {"column.real"}, {{"to", float_type}});
  m.floats("half", {1}, {0.5F}).node("Add", {"column.real", "half"}, {"real"});
  m.node("Unsqueeze", {"row", "last"}, {"rows"}).node("Unsqueeze", {"column", "last"}, {"columns"});
  m.constant("channels", {1, 4, 1}, int64_type,
             std::string("\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0", 32));
  m.node("Concat", {"channels", "rows", "columns"}, {"places"}, {{"axis", int64_t{2}}});
  m.node("Transpose", {"places"}, {"turned"}, {{"perm", std::vector<int64_t>{2, 0, 1}}});
  m.integers("from", {1}).integers("to", {3}).integers("axis", {1});
  m.node("Slice", {"places", "from", "to", "axis"}, {"cut"});
  const auto got = answers(m, {with_largest(some_places)});
  CHECK(got[0] == Values{0, 1, 2, 3});
  CHECK(got[1] == Values{0, 1, 5, 5});
  CHECK(got[2] == Values{0.5F, 1.5F, 5.5F, 5.5F});
  CHECK(got[3] == Values{0, 0, 0, 1, 1, 1, 2, 2, 5, 3, 3, 5});
  CHECK(got[4] == Values{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 5, 5});
  CHECK(got[5] == Values{1, 1, 1, 2, 2, 5});
}

TEST_CASE("ONNX: GatherND's places, computed, may count from the end") {
  for (const int64_t before : {0, 24}) {
    OnnxMaker m = largest();
    m.input("table", {24, 2}).output("y").integers("before", {before}).integers("last", {-1});
    m.node("Sub", {"n", "before"}, {"shifted"});
    m.node("Unsqueeze", {"shifted", "last"}, {"places"});
    m.node("GatherND", {"table", "places"}, {"y"});
    Values table;
    for (int32_t i = 0; i < 48; ++i) table.push_back(static_cast<float>(i));
    CHECK(answers(m, {with_largest(some_places), table})[0] ==
          Values{0, 1, 14, 15, 34, 35, 46, 47});
  }
}

TEST_CASE("ONNX: Gather along any axis of an image by computed indices, of any rank") {
  // The image is stored N, H, W, C.
  const std::vector<int64_t> dims = {1, 3, 24, 24};
  Random random(3);
  Values stored(3 * 24 * 24);
  for (float& v : stored) v = random.real(-1, 1);
  const auto at = [&](std::size_t c, std::size_t h, std::size_t w) {
    return stored[(h * 24 + w) * 3 + c];
  };
  for (const int64_t axis : {2, 3}) {
    for (const bool many : {false, true}) {
      INFO("axis " << axis << (many ? ", indices of rank 2" : ", indices of rank 0"));
      OnnxMaker m = largest();
      m.input("image", dims).output("y").integers("first", {0}).integers("shape", {2, 2});
      m.integers("one", {1}).integers("zero", {0});
      if (many) {
        m.node("Reshape", {"n", "shape"}, {"at"});
      } else {
        m.node("Slice", {"n", "zero", "one", "one"}, {"some"});
        m.node("Squeeze", {"some"}, {"at"});
      }
      m.node("Gather", {"image", "at"}, {"y"}, {{"axis", axis}});
      Values expected;
      const std::size_t places = many ? 4 : 1;
      for (std::size_t c = 0; c < 3; ++c) {
        if (axis == 2) {
          for (std::size_t i = 0; i < places; ++i) {
            for (std::size_t w = 0; w < 24; ++w)
              expected.push_back(at(c, static_cast<std::size_t>(some_places[i]), w));
          }
        } else {
          for (std::size_t h = 0; h < 24; ++h) {
            for (std::size_t i = 0; i < places; ++i)
              expected.push_back(at(c, h, static_cast<std::size_t>(some_places[i])));
          }
        }
      }
      CHECK(answers(m, {with_largest(some_places), stored})[0] == expected);
    }
  }
}

TEST_CASE("ONNX: bytes between QuantizeLinear and DequantizeLinear are gathered as they are") {
  OnnxMaker m = largest();
  m.input("z", {24, 1, 2}).output("y").floats("scale", {}, {0.5F}).integers("last", {-1});
  m.constant("zero", {}, 3, std::string(1, '\5'));
  m.node("QuantizeLinear", {"z", "scale", "zero"}, {"bytes"});
  m.node("Unsqueeze", {"n", "last"}, {"places"});
  m.node("GatherND", {"bytes", "places"}, {"some"});
  m.node("Gather", {"some", "n"}, {"again"}, {{"axis", int64_t{1}}});
  m.node("DequantizeLinear", {"some", "scale", "zero"}, {"y"});
  Values z;
  for (int32_t i = 0; i < 48; ++i) z.push_back(static_cast<float>(i) * 0.5F - 10.2F);
  const auto model = load_model(m, {});
  REQUIRE(model);
  CHECK(model->has_int8());
  CHECK_FALSE(model->has_float_island());
  const auto got = run(*model, {with_largest(some_places), z});
  CHECK(got[0] == Values{-10, -9.5F, -3, -2.5F, 7, 7.5F, 13, 13.5F});
}

TEST_CASE("ONNX: floats become int32, towards 0") {
  OnnxMaker m;
  m.input("x", {4}).output("y").node("Cast", {"x"}, {"whole"}, {{"to", int32_type}});
  m.node("Cast", {"whole"}, {"y"}, {{"to", float_type}});
  CHECK(answers(m, {{1.9F, -1.9F, 3e9F, 0.2F}})[0] == Values{1, -1, 2147483648.0F, 0});
}

TEST_CASE("ONNX: index arithmetic that octet lacks is refused by name") {
  const auto lacks = [](const std::string& op, const std::vector<std::string>& inputs,
                        const OnnxAttributes& attributes = {}) {
    OnnxMaker m = largest();
    m.input("v", {1, 4})
        .output("y")
        .integers("k", {3})
        .integers("none", {0})
        .integers("last", {-1});
    m.integers("wide", {int64_t{1} << 40}).integers("large", {1 << 30});
    m.constant("bytes", {1}, 2, std::string(1, '\1'));
    m.node("Unsqueeze", {"n", "last"}, {"places"});
    m.node(op, inputs, {"y"}, attributes);
    return refusal(m);
  };
  CHECK(contains(lacks("Mul", {"n", "large"}), "'.y': Mul of indices that 32 bits may not hold"));
  CHECK(contains(lacks("Add", {"n", "wide"}),
                 "'.y': Add on 'wide', whose numbers 32 bits do not hold"));
  CHECK(contains(lacks("Add", {"n", "bytes"}), "'.y': Add on 'bytes', which is uint8, beside"));
  CHECK(contains(lacks("Add", {"n", "v"}), "'.y': Add on 'v', which is no whole numbers"));
  CHECK(contains(lacks("Div", {"n", "none"}), "'.y' (div) divides by 0"));
  CHECK(contains(lacks("Mod", {"n", "none"}), "divides by 0"));
  CHECK(contains(lacks("Mod", {"v", "v"}), "'.y': Mod of values that are computed at run time"));
  CHECK(contains(lacks("Max", {"n", "k"}), "Max on the indices 'n'"));
  CHECK(contains(lacks("Neg", {"n"}), "Neg on the indices 'n'"));
  CHECK(contains(lacks("Concat", {"n", "v"}, {{"axis", int64_t{0}}}), "Concat on 'v'"));
  CHECK(contains(lacks("Cast", {"v"}, {{"to", int64_type}}), "Cast of floats to int64"));
  CHECK(contains(lacks("GatherND", {"x", "places"}, {{"batch_dims", int64_t{1}}}),
                 "GatherND with batch dimensions"));
  CHECK(contains(lacks("GatherND", {"x", "v"}), "GatherND on 'v', which is no whole numbers"));
  CHECK(contains(lacks("Gather", {"x", "v"}), "Gather on 'v', which is no whole numbers"));
  CHECK(contains(lacks("GatherND", {"x", "n"}), "takes places [1, 4] of [1, 4, 24]"));
  CHECK(contains(lacks("GatherND", {"x", "k"}), "takes place 3 along axis 0, which has 1"));
}

}  // namespace octet::test
