// Damaged ONNX files are refused with a message, or read as what they say. They never crash octet.
#include "tests/engine/corruption.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>

#include "loaders/onnx/onnx_model.h"
#include "tests/loaders/float_export_maker.h"
#include "tests/onnx/onnx_maker.h"

namespace octet::test {
namespace {

/// Returns whether the file loads. If it does, the model is built as well.
bool try_model(const std::string& file) {
  const auto bytes = std::as_bytes(std::span(file));
  graph::Graph graph;
  try {
    loaders::looks_like_onnx(bytes);
    graph = loaders::load_onnx(bytes, "damaged.onnx", {});
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

// The places of the largest values, arithmetic on them, and the values at the results.
std::string picker() {
  OnnxMaker m;
  m.input("x", {1, 4, 4, 4}).output("picked").output("along").output("real");
  m.integers("shape", {4, 16}).integers("width", {4}).integers("last", {-1});
  m.node("Reshape", {"x", "shape"}, {"rows"});
  m.node("ArgMax", {"rows"}, {"n"}, {{"axis", int64_t{1}}, {"keepdims", int64_t{0}}});
  m.node("Div", {"n", "width"}, {"row"}).node("Mod", {"n", "width"}, {"column"});
  m.node("Sub", {"row", "width"}, {"from end"});
  m.node("Unsqueeze", {"from end", "last"}, {"a"}).node("Unsqueeze", {"column", "last"}, {"b"});
  m.node("Sub", {"b", "b"}, {"zero"});
  m.node("Concat", {"zero", "b", "a"}, {"places"}, {{"axis", int64_t{1}}});
  m.node("GatherND", {"x", "places"}, {"picked"});
  m.node("Gather", {"x", "column"}, {"along"}, {{"axis", int64_t{2}}});
  m.node("Cast", {"row"}, {"real"}, {{"to", int64_t{1}}});
  return m.file();
}

std::vector<std::string> sample_files() {
  std::vector<std::string> files;
  const std::string folder = std::string(OCTET_SOURCE_DIR) + "/tests/onnx/models";
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back(contents_of(entry.path()));
  files.push_back(picker());
  return files;
}

}  // namespace

TEST_CASE("an ONNX file that is cut off anywhere") {
  const std::string file =
      contents_of(std::string(OCTET_SOURCE_DIR) + "/tests/onnx/models/qdq_residual.onnx");
  REQUIRE(try_model(file));
  int loaded = 0;
  for (std::size_t size = 0; size < file.size(); ++size)
    loaded += try_model(file.substr(0, size)) ? 1 : 0;
  CHECK(loaded == 0);
}

TEST_CASE("ONNX files with random damage") {
  const auto seed = Catch::rngSeed();
  INFO("seed " << seed);
  Random random(seed);
  const std::vector<std::string> files = sample_files();
  REQUIRE(files.size() > 100);
  REQUIRE(try_model(files.back()));
  int refused = 0;
  for (const std::string& file : files) {
    for (int i = 0; i < 30; ++i) refused += try_model(corrupted(file, random)) ? 0 : 1;
  }
  CHECK(refused > 100);
}

}  // namespace octet::test
