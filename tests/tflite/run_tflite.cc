#include "tests/tflite/run_tflite.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "loaders/tflite/tflite_model.h"
#include "tests/kernels/random.h"

namespace octet::test {

using loaders::tflite::ModelFile;
using loaders::tflite::TensorRecord;

namespace {

std::span<const std::byte> as_span(const std::string& file) {
  return std::as_bytes(std::span(file));
}

bool is_bytes(const TensorRecord& tensor) {
  return tensor.type == tflite::TensorType::UINT8 || tensor.type == tflite::TensorType::INT8;
}

// Returns random values that the inputs can represent: whole bytes.
RealValues random_values(const ModelFile& file) {
  Random random(11);
  RealValues values;
  for (const int32_t index : file.inputs) {
    const TensorRecord& tensor = file.tensors[static_cast<std::size_t>(index)];
    auto& v = values[index];
    const int64_t low = tensor.type == tflite::TensorType::INT8 ? -128 : 0;
    for (int64_t i = 0; i < element_count(tensor.shape); ++i) {
      if (is_bytes(tensor)) {
        const int64_t q = low + random.integer(0, 255);
        v.push_back(double{tensor.scale[0]} * static_cast<double>(q - tensor.zero_point[0]));
      } else {
        v.push_back(random.real(-3, 3));
      }
    }
  }
  return values;
}

std::vector<Values> input_values(const ModelFile& file, const RealValues& values) {
  std::vector<Values> inputs;
  for (const int32_t index : file.inputs)
    inputs.emplace_back(values.at(index).begin(), values.at(index).end());
  return inputs;
}

// Runs octet and the evaluation, and calls `compare` for each output.
template <class Compare>
void compare_outputs(const TfliteMaker& maker, const graph::BuildOptions& options,
                     const Compare& compare) {
  const std::string bytes = maker.file();
  const ModelFile file = loaders::tflite::read_model(as_span(bytes));
  RealValues values = random_values(file);
  const Model model = build(load_tflite_graph(bytes), options);
  INFO(nodes_of(model));
  const auto got = run(model, input_values(file, values));
  for (std::size_t i = 0; i < file.operators.size(); ++i) evaluate(file, i, values);
  REQUIRE(got.size() == file.outputs.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const TensorRecord& tensor = file.tensors[static_cast<std::size_t>(file.outputs[i])];
    INFO("output '" << tensor.name << "'");
    CHECK(model.outputs()[i].shape == tensor.shape);
    const std::vector<double>& expected = values.at(file.outputs[i]);
    compare(model, tensor, got[i], Values(expected.begin(), expected.end()));
  }
}

}  // namespace

Graph load_tflite_graph(const std::string& file) {
  Graph graph = loaders::load_tflite(as_span(file), "test.tflite", {});
  const auto valid = graph::check(graph);
  INFO((valid ? "" : valid.error().message));
  REQUIRE(valid);
  return graph;
}

void check_float(const TfliteMaker& maker, float tolerance) {
  compare_outputs(
      maker, {.float_only = true},
      [&](const Model&, const TensorRecord&, const Values& got, const Values& expected) {
        CHECK(relative_error(got, expected) < tolerance);
      });
}

void check_int8(const TfliteMaker& maker, bool all_int8) {
  compare_outputs(maker, {},
                  [&](const Model& model, const TensorRecord& tensor, const Values& got,
                      const Values& expected) {
                    CHECK(model.has_int8());
                    if (all_int8) CHECK_FALSE(model.has_float_island());
                    REQUIRE(got.size() == expected.size());
                    const float scale = is_bytes(tensor) ? tensor.scale[0] : 0.0f;
                    float largest = 0;
                    for (std::size_t k = 0; k < got.size(); ++k)
                      largest = std::max(largest, std::abs(got[k] - expected[k]));
                    CHECK(largest <= scale * 1.001f);
                  });
}

void check_values(const TfliteMaker& maker, const Shape& shape, const Values& expected) {
  const Model model = build(load_tflite_graph(maker.file()), {.float_only = true});
  Values input(static_cast<std::size_t>(element_count(model.inputs()[0].shape)));
  std::iota(input.begin(), input.end(), 0.0f);
  const auto got = run(model, {input});
  CHECK(model.outputs()[0].shape == shape);
  CHECK(got[0] == expected);
}

}  // namespace octet::test
