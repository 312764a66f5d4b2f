#include "tests/onnx/check_onnx.h"

#include <catch2/catch.hpp>

#include "tests/loaders/check_refusal.h"
#include "tests/loaders/float_export_maker.h"

namespace octet::test {

Expected<graph::Graph> load(const OnnxMaker& model, const loaders::LoadOptions& options) {
  const TemporaryFolder folder;
  return loaders::load(folder.write("model.onnx", model.file()), options);
}

void check_loads(const OnnxMaker& model, const loaders::LoadOptions& options) {
  const auto graph = load(model, options);
  INFO((graph ? "" : graph.error().message));
  CHECK(graph);
}

void check_refused(const OnnxMaker& model, const std::vector<std::string>& parts,
                   const loaders::LoadOptions& options) {
  check_refusal(load(model, options), "model.onnx", parts);
}

Values answer(const OnnxMaker& model, const std::vector<Values>& inputs,
              const graph::BuildOptions& options) {
  const auto graph = load(model);
  INFO((graph ? "" : graph.error().message));
  REQUIRE(graph);
  return run(build(*graph, options), inputs).at(0);
}

}  // namespace octet::test
