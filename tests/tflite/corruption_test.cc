// Damaged TFLite files are refused with a message, or read as what they say. They never crash
// octet.
#include "tests/engine/corruption.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "loaders/tflite/tflite_model.h"
#include "tests/graph/run_graph.h"
#include "tests/tflite/sample_models.h"

namespace octet::test {
namespace {

/// Returns whether the file loads. If it does, the model is built as well.
bool try_model(const std::string& file) {
  const auto bytes = std::as_bytes(std::span(file));
  graph::Graph graph;
  try {
    loaders::looks_like_tflite(bytes);
    graph = loaders::load_tflite(bytes, "damaged.tflite", {});
  } catch (const std::exception& error) {
    CHECK(std::strlen(error.what()) > 0);
    return false;
  }
  if (!graph::check(graph)) return false;
  for (const bool float_only : {false, true}) {
    const auto model = graph::build_model(graph, {.float_only = float_only});
    if (!model) CHECK_FALSE(model.error().message.empty());
    if (model) Model::from_memory(*model, "damaged.octet");
  }
  return true;
}

}  // namespace

TEST_CASE("TFLite: the small models load, in float and in int8") {
  for (const std::string& file : sample_tflite_models()) {
    const auto graph = loaders::load_tflite(std::as_bytes(std::span(file)), "sample.tflite", {});
    const bool quantized = graph.keeps_rounding;
    build(graph, {.float_only = !quantized});
  }
}

TEST_CASE("a TFLite file that is cut off anywhere") {
  // FlatBuffers may end a file with nothing but padding.
  for (const std::string& file : sample_tflite_models()) {
    REQUIRE(try_model(file));
    for (std::size_t size = 0; size + 8 < file.size(); size += 7) try_model(file.substr(0, size));
    CHECK_FALSE(try_model(file.substr(0, file.size() / 2)));
  }
}

TEST_CASE("TFLite files with random damage") {
  const auto seed = Catch::rngSeed();
  INFO("seed " << seed);
  Random random(seed);
  const std::vector<std::string> files = sample_tflite_models();
  REQUIRE(files.size() > 50);
  int refused = 0;
  for (const std::string& file : files) {
    for (int i = 0; i < 60; ++i) refused += try_model(corrupted(file, random)) ? 0 : 1;
  }
  CHECK(refused > 1000);
}

}  // namespace octet::test
