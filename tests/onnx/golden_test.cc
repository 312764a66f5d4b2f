// The models of tests/onnx/models, against the outputs of ONNX Runtime (make_golden.mjs).
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "loaders/layout.h"
#include "loaders/loader.h"
#include "tests/graph/run_graph.h"
#include "tests/shared_data.h"

namespace octet::test {
namespace {

using nlohmann::json;

const std::string folder = std::string(OCTET_SOURCE_DIR) + "/tests/onnx/";

json read_json(const std::string& name) {
  std::ifstream file(folder + name);
  REQUIRE(file);
  return json::parse(file);
}

/// Decodes float32 values from base64.
Values decode(const std::string& text) {
  static const std::string digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(digits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  Values values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

/// Gives the same numbers as make_golden.mjs.
class PatternOfModels {
 public:
  float next(float range) {
    state_ = state_ * 1664525U + 1013904223U;
    const double unit = static_cast<double>(state_ >> 8) / 8388608.0 - 1.0;
    return static_cast<float>(unit * static_cast<double>(range));
  }

 private:
  uint32_t state_ = 1;
};

/// Makes the inputs in the file's order of axes, then stores them as octet does: channels-last, if
/// the loader turned the image.
std::vector<Values> make_inputs(const Graph& graph, const std::vector<Shape>& logical,
                                float range) {
  PatternOfModels random;
  std::vector<Values> inputs;
  for (std::size_t i = 0; i < logical.size(); ++i) {
    const Shape& shape = logical[i];
    Values values(static_cast<std::size_t>(element_count(shape)));
    for (float& value : values) value = random.next(range);
    if (graph.tensor(graph.inputs[i]).shape != shape) {
      const auto stored =
          loaders::permute(std::as_bytes(std::span(values)), shape, {0, 2, 3, 1}, sizeof(float));
      std::memcpy(values.data(), stored.data(), stored.size());
    }
    inputs.push_back(std::move(values));
  }
  return inputs;
}

/// The input shapes from the file. No test model has two equal extents, by which a channels-last
/// image could be mistaken for a channels-first one, so the stored shape tells which it is.
std::vector<Shape> logical_shapes(const json& entry) {
  std::vector<Shape> shapes;
  for (const json& input : entry["inputs"]) shapes.push_back(input.get<Shape>());
  return shapes;
}

Graph load(const std::string& path) {
  auto graph = loaders::load(path);
  INFO((graph ? "" : graph.error().message));
  REQUIRE(graph);
  return std::move(*graph);
}

void check_outputs(const json& outputs, const Model& model, const std::vector<Values>& got,
                   float step) {
  REQUIRE(got.size() == outputs.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("output " << outputs[i]["name"]);
    CHECK(model.outputs()[i].name == outputs[i]["name"].get<std::string>());
    CHECK(model.outputs()[i].shape == outputs[i]["shape"].get<Shape>());
    const Values expected = decode(outputs[i]["values"]);
    if (step == 0) {
      CHECK(relative_error(got[i], expected) < 2e-5f);
      continue;
    }
    REQUIRE(got[i].size() == expected.size());
    float largest = 0;
    for (std::size_t k = 0; k < expected.size(); ++k)
      largest = std::max(largest, std::abs(got[i][k] - expected[k]));
    CHECK(largest <= step * 1.001f);
  }
}

}  // namespace

TEST_CASE("ONNX models give what ONNX Runtime gives") {
  const json golden = read_json("golden.json");
  REQUIRE(golden.size() > 100);
  for (const json& entry : golden) {
    const std::string name = entry["name"];
    const float step = entry.value("step", 0.0f);
    DYNAMIC_SECTION(name) {
      const Graph graph = load(folder + "models/" + name + ".onnx");
      const auto inputs = make_inputs(graph, logical_shapes(entry), entry["range"]);
      const Model model = build(graph, {.float_only = step == 0});
      INFO(nodes_of(model));
      if (step != 0) {
        const auto in_float = std::ranges::count_if(model.nodes(), [](const NodeInfo& node) {
          return !node.int8 && node.op != "reshape" && node.op != "transpose";
        });
        CHECK(in_float == entry["float_nodes"].get<int>());
      }
      check_outputs(entry["outputs"], model, run(model, inputs), step);
    }
  }
}

TEST_CASE("the three ONNX detectors in float give what ONNX Runtime gives") {
  for (const json& entry : read_json("detectors.json")) {
    DYNAMIC_SECTION(entry["name"].get<std::string>()) {
      const std::string path = shared_data("onnx/" + entry["name"].get<std::string>());
      if (path.empty()) continue;
      const Graph graph = load(path);
      const auto inputs = make_inputs(graph, logical_shapes(entry), 1);
      const Model model = build(graph, {.float_only = true});
      const auto got = run(model, inputs);
      REQUIRE(got.size() == entry["outputs"].size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        Values every;
        for (std::size_t k = 0; k < got[i].size(); k += 97) every.push_back(got[i][k]);
        CHECK(relative_error(every, decode(entry["outputs"][i]["values"])) < 1e-4f);
      }
    }
  }
}

}  // namespace octet::test
