// TopK of ONNX files: in each of its operator sets, on floats and on bytes, and what is refused.
#include <catch2/catch.hpp>

#include "tests/onnx/check_onnx.h"
#include "tests/onnx/onnx_maker.h"

namespace octet::test {
namespace {

Model model_of(const OnnxMaker& m, const graph::BuildOptions& options = {.float_only = true}) {
  const auto graph = load(m);
  INFO((graph ? "" : graph.error().message));
  REQUIRE(graph);
  return build(*graph, options);
}

/// A TopK of x [1, 2, 2, 3], whose axis 1 is stored last; with k as an attribute before operator
/// set 10.
OnnxMaker top_k(int64_t opset, int64_t k, OnnxAttributes attributes = {},
                const std::vector<std::string>& outputs = {"values", "places"}) {
  OnnxMaker m;
  m.opset = opset;
  m.input("x", {1, 2, 2, 3});
  for (const std::string& name : outputs) {
    if (!name.empty()) m.output(name);
  }
  if (opset < 10) {
    attributes.emplace_back("k", k);
    m.node("TopK", {"x"}, outputs, attributes);
  } else {
    m.integers("k", {k}).node("TopK", {"x", "k"}, outputs, attributes);
  }
  return m;
}

// N, H, W, C: C is the file's axis 1.
const Values x = {1, 2, 5, 1, 5, 9, 0, 0, -1, -2, 7, 8};

}  // namespace

TEST_CASE("ONNX: TopK in each of its operator sets") {
  for (const int64_t opset : {7, 10, 11, 17, 24}) {
    INFO("operator set " << opset);
    // The last axis, W: places in it, outputs in the file's own order of axes.
    const auto last = run(model_of(top_k(opset, 2)), {x});
    CHECK(last[0] == Values{5, 5, 7, 0, 9, 2, 8, 0});
    CHECK(last[1] == Values{1, 2, 2, 0, 2, 0, 2, 0});
    const auto channels = run(model_of(top_k(opset, 1, {{"axis", int64_t{-3}}})), {x});
    CHECK(channels[0] == Values{2, 5, 9, 0, -1, 8});
    CHECK(channels[1] == Values{1, 0, 1, 0, 0, 1});
  }
  const auto least =
      run(model_of(top_k(11, 3, {{"largest", int64_t{0}}, {"sorted", int64_t{0}}})), {x});
  CHECK(least[0] == Values{1, 5, 5, -1, 0, 7, 1, 2, 9, -2, 0, 8});
  CHECK(least[1] == Values{0, 1, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2});
}

TEST_CASE("ONNX: a TopK of which one result is left out, or read by a node") {
  CHECK(run(model_of(top_k(17, 2, {}, {"values"})), {x})[0] == Values{5, 5, 7, 0, 9, 2, 8, 0});
  CHECK(run(model_of(top_k(17, 2, {}, {"", "places"})), {x})[0] == Values{1, 2, 2, 0, 2, 0, 2, 0});
  OnnxMaker m;
  m.input("x", {5}).output("taken").output("before").integers("k", {2}).integers("last", {-1});
  m.floats("table", {5}, {10, 11, 12, 13, 14}).integers("one", {1});
  m.node("TopK", {"x", "k"}, {"values", "places"});
  m.node("Unsqueeze", {"places", "last"}, {"rows"}).node("GatherND", {"table", "rows"}, {"taken"});
  m.node("Sub", {"places", "one"}, {"before"});
  const auto y = run(model_of(m), {{1, 4, 2, 4, 3}});
  CHECK(y[0] == Values{11, 13});
  CHECK(y[1] == Values{0, 2});
}

TEST_CASE("ONNX: TopK of bytes moves them, between quantize and dequantize nodes") {
  for (const int64_t k : {2, 5}) {
    OnnxMaker m;
    m.input("x", {5}).output("y").output("places").integers("k", {k});
    m.floats("s", {}, {0.5F}).constant("z", {}, uint8_type, "\x0A");
    m.node("QuantizeLinear", {"x", "s", "z"}, {"q"});
    m.node("TopK", {"q", "k"}, {"best", "places"});
    m.node("DequantizeLinear", {"best", "s", "z"}, {"y"});
    const Model model = model_of(m, {});
    CHECK(nodes_of(model).find("top_k") != std::string::npos);
    const auto top = std::ranges::find(model.nodes(), std::string("top_k"), &NodeInfo::op);
    CHECK(top->int8);
    const auto y = run(model, {{1, 3.1F, -20, 2.9F, 4}});
    const Values values = {4, 3, 3, 1, -5};
    const Values places = {4, 1, 3, 0, 2};
    CHECK(y[0] == Values(values.begin(), values.begin() + k));
    CHECK(y[1] == Values(places.begin(), places.begin() + k));
  }
}

TEST_CASE("ONNX: a TopK whose k or axis cannot be is refused") {
  OnnxMaker computed;
  computed.input("x", {5}).input("n", {1}).output("y");
  computed.node("TopK", {"x", "n"}, {"y", "places"});
  check_refused(computed,
                {"'.y': TopK with its k computed ('n')", "export the model with a number"});
  for (const int64_t opset : {7, 17}) {
    for (const int64_t k : {-1, 0, 4}) {
      check_refused(top_k(opset, k), {"node '.values' (TopK): takes " + std::to_string(k) +
                                          " values of the 3 along axis 3",
                                      "export the model with a k of 1 to 3"});
    }
    check_refused(top_k(opset, 1, {{"axis", int64_t{4}}}), {"node '.values' (TopK)", "axis 4"});
  }
  OnnxMaker two;
  two.input("x", {5}).output("y").integers("k", {1, 2}).node("TopK", {"x", "k"}, {"y", "places"});
  check_refused(two, {"node '.y' (TopK): has a k that is not one whole number"});
  OnnxMaker indices;
  indices.input("x", {5}).output("z").integers("k", {2});
  indices.node("TopK", {"x", "k"}, {"y", "places"}).node("TopK", {"places", "k"}, {"z", "of"});
  check_refused(indices, {"'.z': TopK on the indices 'places'"});
}

}  // namespace octet::test
