// Whole models from PyTorch, with PyTorch's outputs. tests/pytorch/make_golden.py made them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "graph/graph.h"
#include "loaders/loader.h"
#include "tests/loaders/float_export_maker.h"

namespace {

using octet::Shape;
using octet::test::contents_of;

const std::string folder = OCTET_SOURCE_DIR "/tests/golden/";

// Changes values from the author's order of axes (N, C, H, W) to the engine's (N, H, W, C).
std::vector<float> channels_last(const std::vector<float>& values, const Shape& nchw) {
  if (nchw.size() != 4) return values;
  const auto c = static_cast<std::size_t>(nchw[1]);
  const auto pixels = static_cast<std::size_t>(nchw[2]) * static_cast<std::size_t>(nchw[3]);
  std::vector<float> out(values.size());
  for (std::size_t n = 0; n < static_cast<std::size_t>(nchw[0]); ++n) {
    for (std::size_t i = 0; i < c; ++i) {
      for (std::size_t p = 0; p < pixels; ++p)
        out[(n * pixels + p) * c + i] = values[(n * c + i) * pixels + p];
    }
  }
  return out;
}

std::vector<float> as_floats(const std::string& bytes) {
  std::vector<float> out(bytes.size() / sizeof(float));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(out.data()));
  return out;
}

// 'float_...' is a float model; 'q_...' came from torch.ao.quantization.convert.
octet::Model build(const std::string& name) {
  const bool float_only = name.starts_with("float_");
  auto graph = octet::loaders::load(folder + name + ".safetensors");
  INFO((graph ? "" : graph.error().message));
  REQUIRE(graph);
  const auto bytes = octet::graph::build_model(std::move(*graph), {.float_only = float_only});
  INFO((bytes ? "" : bytes.error().message));
  REQUIRE(bytes);
  auto model = octet::Model::from_memory(*bytes, name);
  INFO((model ? "" : model.error().message));
  REQUIRE(model);
  return std::move(*model);
}

struct Case {
  std::string name;
  Shape input_shape;
  std::string output_type;
  double tolerance;
};

std::vector<Case> cases(const std::string& output_type) {
  std::ifstream file(folder + "golden.json");
  REQUIRE(file.good());
  std::vector<Case> out;
  for (const auto& entry : nlohmann::json::parse(file)) {
    if (entry["output_type"] != output_type) continue;
    out.push_back({.name = entry["name"],
                   .input_shape = entry["input_shape"].get<Shape>(),
                   .output_type = output_type,
                   .tolerance = entry["tolerance"]});
  }
  REQUIRE(!out.empty());
  return out;
}

octet::Session run(const octet::Model& model, const Case& golden) {
  auto session = octet::Session::create(model, {.threads = 1});
  INFO((session ? "" : session.error().message));
  REQUIRE(session);
  const auto values = channels_last(as_floats(contents_of(folder + golden.name + ".input.bin")),
                                    golden.input_shape);
  const auto set = session->set_input(0, values);
  INFO((set ? "" : set.error().message));
  REQUIRE(set);
  const auto ran = session->run();
  INFO((ran ? "" : ran.error().message));
  REQUIRE(ran);
  return std::move(*session);
}

// Returns the u8 values behind a model's dequantized output.
std::vector<int> output_bytes(const octet::Model& model, const octet::Session& session) {
  const octet::NodeInfo& last = model.nodes().back();
  REQUIRE(last.op == "dequantize");
  const octet::TensorInfo& quantized = last.inputs[0];
  std::vector<int> out;
  for (const float value : session.output(0).values<float>()) {
    const int q = static_cast<int>(std::lround(value / quantized.scale)) + quantized.zero_point;
    REQUIRE(quantized.scale * static_cast<float>(q - quantized.zero_point) == value);
    out.push_back(q);
  }
  return out;
}

}  // namespace

TEST_CASE("a converted PyTorch model gives PyTorch's bytes") {
  for (const Case& golden : cases("u8")) {
    INFO(golden.name);
    const octet::Model model = build(golden.name);
    CHECK_FALSE(model.has_float_island());
    const octet::Session session = run(model, golden);
    const auto ours = output_bytes(model, session);
    const auto theirs = contents_of(folder + golden.name + ".output.bin");
    REQUIRE(ours.size() == theirs.size());
    int largest = 0;
    std::size_t different = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      const int difference = std::abs(ours[i] - static_cast<int>(static_cast<uint8_t>(theirs[i])));
      largest = std::max(largest, difference);
      different += difference != 0 ? 1 : 0;
    }
    INFO(different << " of " << ours.size() << " bytes differ");
    CHECK(largest <= static_cast<int>(golden.tolerance));
  }
}

TEST_CASE("a float PyTorch model gives PyTorch's values") {
  for (const Case& golden : cases("f32")) {
    INFO(golden.name);
    const octet::Model model = build(golden.name);
    const octet::Session session = run(model, golden);
    const auto ours = session.output(0).values<float>();
    const auto theirs = as_floats(contents_of(folder + golden.name + ".output.bin"));
    REQUIRE(ours.size() == theirs.size());
    float largest = 0;
    for (const float value : theirs) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < ours.size(); ++i) {
      INFO(i << ": " << ours[i] << " for " << theirs[i]);
      REQUIRE(std::abs(ours[i] - theirs[i]) <=
              static_cast<float>(golden.tolerance) * std::max(largest, 1e-6f));
    }
  }
}

TEST_CASE("indices of a PyTorch model's argmax are PyTorch's") {
  for (const Case& golden : cases("s32")) {
    INFO(golden.name);
    const octet::Model model = build(golden.name);
    const octet::Session session = run(model, golden);
    const auto ours = session.output(0).values<int32_t>();
    const auto bytes = contents_of(folder + golden.name + ".output.bin");
    REQUIRE(ours.size_bytes() == bytes.size());
    CHECK(std::equal(bytes.begin(), bytes.end(), reinterpret_cast<const char*>(ours.data())));
  }
}
