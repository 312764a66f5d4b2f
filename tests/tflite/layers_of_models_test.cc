// The real u8 models, layer by layer: each operator in double on the very bytes that octet fed it.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/kernels/random.h"
#include "tests/loaders/float_export_maker.h"
#include "tests/tflite/run_tflite.h"
#include "tests/tflite/shared_models.h"

namespace octet::test {
namespace {

using loaders::tflite::ModelFile;
using loaders::tflite::TensorRecord;

// octet's model of the file, with every tensor as an output.
Model with_all_tensors(Graph graph) {
  for (std::size_t i = 0; i < graph.tensors.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    const bool computed = !graph.tensor(id).is_constant() && !graph.is_input(id);
    if (computed && graph.producer_of(id) >= 0 && !graph.is_output(id)) graph.outputs.push_back(id);
  }
  return build(std::move(graph));
}

// A smooth picture with noise on it: all layers have something to do.
std::vector<double> picture(const TensorRecord& input, uint32_t seed) {
  Random random(seed);
  std::vector<double> values;
  const int32_t width = input.shape[2] * input.shape[3];
  for (int32_t i = 0; i < input.shape[1] * width; ++i) {
    const double wave = 128 + 90 * std::sin(i % width * 0.02 + seed) * std::cos(i / width * 0.05);
    const double q = std::clamp(std::round(wave + random.real(-30, 30)), 0.0, 255.0);
    const double byte = input.type == tflite::TensorType::INT8 ? q - 128 : q;
    values.push_back(double{input.scale[0]} * (byte - static_cast<double>(input.zero_point[0])));
  }
  return values;
}

void check_every_layer(const std::string& path, int pictures) {
  const std::string bytes = read_file(path);
  const ModelFile file = loaders::tflite::read_model(std::as_bytes(std::span(bytes)));
  const Model model = with_all_tensors(load_tflite_graph(bytes));
  int64_t compared = 0;
  int64_t apart = 0;
  for (int p = 0; p < pictures; ++p) {
    RealValues ours;
    const int32_t input = file.inputs[0];
    ours[input] = picture(file.tensors[static_cast<std::size_t>(input)], static_cast<uint32_t>(p));
    const auto outputs = run(model, {Values(ours[input].begin(), ours[input].end())});
    for (std::size_t t = 0; t < file.tensors.size(); ++t) {
      for (std::size_t o = 0; o < outputs.size(); ++o) {
        if (model.outputs()[o].name == file.tensors[t].name)
          ours[static_cast<int32_t>(t)].assign(outputs[o].begin(), outputs[o].end());
      }
    }
    for (std::size_t i = 0; i < file.operators.size(); ++i) {
      const int32_t result = file.operators[i].outputs[0];
      const TensorRecord& tensor = file.tensors[static_cast<std::size_t>(result)];
      INFO("operator " << i << " " << file.operators[i].op << " '" << tensor.name << "'");
      // Bytes of another name alone.
      const bool passes = file.operators[i].op == "QUANTIZE" || file.operators[i].op == "RESHAPE";
      if (passes && !ours.contains(result)) ours[result] = ours.at(file.operators[i].inputs[0]);
      REQUIRE(ours.contains(result));
      const std::vector<double> got = ours.at(result);
      evaluate(file, i, ours);
      const std::vector<double>& expected = ours.at(result);
      REQUIRE(got.size() == expected.size());
      double largest = 0;
      for (std::size_t k = 0; k < got.size(); ++k) {
        const double steps = std::round(std::abs(got[k] - expected[k]) / double{tensor.scale[0]});
        largest = std::max(largest, steps);
        apart += steps > 0 ? 1 : 0;
      }
      CHECK(largest <= 1);
      compared += static_cast<int64_t>(got.size());
      ours[result] = got;  // the next layer is fed what octet fed it
    }
  }
  WARN(path.substr(path.rfind('/') + 1) << ": " << apart << " of " << compared
                                        << " bytes are one step from the evaluation in double");
}

}  // namespace

TEST_CASE("the u8 models give at every layer what double precision gives, to one step") {
  const std::string folder = shared_tflite_folder();
  if (folder.empty()) return;
  check_every_layer(folder + "mobilenet_v1_0.25_128_quant.tflite", 3);
  check_every_layer(folder + "mobilenet_v2_1.0_224_quant.tflite", 1);
}

TEST_CASE("models with dead channels give at every layer what double precision gives") {
  const std::string folder = std::string(OCTET_SOURCE_DIR) + "/../shared/data/zoo/";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: no ../shared/data/zoo here");
    return;
  }
  check_every_layer(folder + "mnv3_post_quant_aware.tflite", 1);
  check_every_layer(folder + "portrait_video_quant.tflite", 1);
}

}  // namespace octet::test
