// The s8 model against what TensorFlow's own reference kernels answered (docs/formats.md).
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>

#include "loaders/loader.h"
#include "tests/graph/run_graph.h"
#include "tests/loaders/float_export_maker.h"
#include "tests/tflite/shared_models.h"

namespace octet::test {
namespace {

constexpr std::size_t images = 20;
constexpr std::size_t pixels = 224 * 224 * 3;
constexpr std::size_t classes = 1001;

std::size_t best_class(const uint8_t* scores) {
  return static_cast<std::size_t>(std::max_element(scores, scores + classes) - scores);
}

}  // namespace

TEST_CASE("the s8 MobileNetV2 answers as TensorFlow's reference kernels do") {
  const std::string folder = shared_tflite_folder();
  if (folder.empty()) return;
  const std::string inputs = read_file(folder + "golden/inputs_u8_20x224x224x3.bin");
  const std::string expected = read_file(folder + "golden/tf2_mobilenet_v2_ptq_u8_20x1001.bin");
  REQUIRE(inputs.size() == images * pixels);
  REQUIRE(expected.size() == images * classes);
  auto graph = loaders::load(folder + "tf2_mobilenet_v2_1.0_224_ptq.tflite");
  INFO((graph ? "" : graph.error().message));
  REQUIRE(graph);
  const Model model = build(std::move(*graph));
  auto session = Session::create(model, {.threads = 1});
  REQUIRE(session);

  std::size_t same_class = 0;
  int largest = 0;
  double sum = 0;
  for (std::size_t i = 0; i < images; ++i) {
    const auto* image = reinterpret_cast<const uint8_t*>(inputs.data()) + i * pixels;
    REQUIRE(session->set_pixels(0, std::span(image, pixels)));
    REQUIRE(session->run());
    std::vector<uint8_t> scores;
    for (const float score : session->output(0).values<float>())
      scores.push_back(static_cast<uint8_t>(std::lround(score * 256)));
    const auto* golden = reinterpret_cast<const uint8_t*>(expected.data()) + i * classes;
    same_class += best_class(scores.data()) == best_class(golden) ? 1 : 0;
    for (std::size_t c = 0; c < classes; ++c) {
      const int difference = std::abs(scores[c] - golden[c]);
      largest = std::max(largest, difference);
      if (getenv("OCTET_DEBUG") && difference > 3)
        printf("image %zu class %zu: %d against %d\n", i, c, scores[c], golden[c]);
      sum += difference;
    }
  }
  const double mean = sum / static_cast<double>(images * classes);
  CAPTURE(largest, mean);
  CHECK(same_class == images);
  CHECK(largest <= 6);
  CHECK(mean < 0.05);
}

}  // namespace octet::test
