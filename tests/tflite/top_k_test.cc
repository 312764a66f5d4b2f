// TOPK_V2 of TFLite files, on floats and on bytes, and what is refused.
#include <catch2/catch.hpp>

#include "loaders/loader.h"
#include "tests/tflite/run_tflite.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {

using tflite::BuiltinOperator;
using tflite::TensorType;

/// A TOPK_V2 of x [2, 5]: floats, or bytes of the scales.
TfliteMaker top_k(int32_t k, const std::vector<float>& scales = {}) {
  TfliteMaker m;
  const auto add = [&](const std::string& name, int32_t extent, std::size_t scale) {
    return scales.empty() ? m.activation(name, {2, extent})
                          : m.activation(name, {2, extent}, TensorType::INT8, scales[scale], -10);
  };
  m.inputs = {add("x", 5, 0)};
  const int32_t count = m.whole_numbers("k", {}, TensorType::INT32, {k});
  m.outputs = {add("values", k, scales.size() - 1),
               m.tensor({.name = "places", .shape = {2, k}, .type = TensorType::INT32})};
  return m.node(BuiltinOperator::TOPK_V2, {0, count}, m.outputs);
}

const Values x = {1, 4, 2, 4, 3, -1, -8, 0, 7, 0};

std::string load_error(const TfliteMaker& m) {
  const TemporaryFolder folder;
  const auto graph = loaders::load(folder.write("model.tflite", m.file()));
  return graph ? "" : graph.error().message;
}

}  // namespace

TEST_CASE("TFLite: TOPK_V2 gives values and places, of floats and of bytes") {
  const Values places = {1, 3, 4, 3, 2, 4};
  for (const std::vector<float>& scales :
       {std::vector<float>{}, std::vector<float>{0.5F}, std::vector<float>{0.5F, 1.0F}}) {
    const Model model = build(load_tflite_graph(top_k(3, scales).file()));
    CHECK(model.has_int8() == !scales.empty());
    const auto y = run(model, {x});
    CHECK(y[0] == Values{4, 4, 3, 7, 0, 0});
    CHECK(y[1] == places);
    CHECK(model.outputs()[1].type == Type::s32);
  }
  CHECK(run(build(load_tflite_graph(top_k(5).file())), {x})[1] ==
        Values{1, 3, 4, 2, 0, 3, 2, 4, 0, 1});
}

TEST_CASE("TFLite: a TOPK_V2 whose k is computed or out of range is refused") {
  for (const int32_t k : {6, 99}) {
    const std::string text = load_error(top_k(k));
    INFO(text);
    CHECK(contains(text, "node 'values' (TOPK_V2, operator 0): takes " + std::to_string(k) +
                             " values of the 5 along the last axis"));
    CHECK(contains(text, "convert the model with a k of 1 to 5"));
  }
  for (const int64_t k : {-1, 0}) {
    TfliteMaker m;
    m.inputs = {m.activation("x", {5})};
    const int32_t count = m.whole_numbers("k", {}, TensorType::INT32, {k});
    m.outputs = {m.activation("y", {1})};
    const int32_t places = m.tensor({.name = "places", .shape = {1}, .type = TensorType::INT32});
    m.node(BuiltinOperator::TOPK_V2, {0, count}, {m.outputs[0], places});
    CHECK(contains(load_error(m), "takes " + std::to_string(k) + " values of the 5"));
  }
  TfliteMaker computed;
  computed.inputs = {computed.activation("x", {2, 5})};
  const int32_t axis = computed.integers("axis", {1});
  const int32_t n = computed.tensor({.name = "n", .shape = {2}, .type = TensorType::INT32});
  computed.node(BuiltinOperator::ARG_MAX, {0, axis}, {n});
  computed.outputs = {computed.activation("y", {2, 1})};
  const int32_t places =
      computed.tensor({.name = "places", .shape = {2, 1}, .type = TensorType::INT32});
  computed.node(BuiltinOperator::TOPK_V2, {0, n}, {computed.outputs[0], places});
  CHECK(contains(load_error(computed),
                 "TOPK_V2 with its k computed ('n'); convert the model with a "
                 "number in its place"));
  TfliteMaker one = top_k(2);
  one.clear_nodes();
  one.node(BuiltinOperator::TOPK_V2, {0, 1}, {one.outputs[0]});
  one.outputs.pop_back();
  CHECK(contains(load_error(one), "has another number of outputs than 2"));
}

}  // namespace octet::test
