// Shapes that follow from attributes by special rules.
#include <catch2/catch.hpp>

#include "loaders/loader.h"
#include "tests/loaders/float_export_maker.h"
#include "tests/onnx/check_onnx.h"
#include "tests/onnx/onnx_maker.h"

namespace octet::test {
namespace {

Shape shape_of_output(const OnnxMaker& maker) {
  const auto graph = load(maker);
  INFO((graph ? "" : graph.error().message));
  REQUIRE(graph);
  return graph->tensor(graph->outputs[0]).shape;
}

}  // namespace

TEST_CASE("ONNX: a resized extent is the floor of a product in float32") {
  for (const auto& [scale, height, width] :
       {std::tuple{0.7F, 7, 14}, {0.9F, 9, 18}, {3.3F, 33, 66}, {0.69F, 6, 13}}) {
    INFO(scale);
    OnnxMaker maker;
    maker.input("x", {1, 1, 10, 20})
        .floats("scales", {4}, {1, 1, scale, scale})
        .node("Resize", {"x", "", "scales"}, {"y"})
        .output("y");
    CHECK(shape_of_output(maker) == Shape{1, 1, height, width});
  }
}

TEST_CASE("ONNX: a transposed convolution's output_shape counts for more than its auto_pad") {
  for (const char* automatic : {"SAME_UPPER", "SAME_LOWER", "NOTSET"}) {
    INFO(automatic);
    OnnxMaker maker;
    maker.input("x", {1, 2, 7, 6})
        .floats("w", {2, 1, 3, 3}, std::vector<float>(18, 1))
        .node("ConvTranspose", {"x", "w"}, {"y"},
              {{"auto_pad", std::string(automatic)},
               {"strides", std::vector<int64_t>{2, 3}},
               {"output_shape", std::vector<int64_t>{15, 16}}})
        .output("y");
    CHECK(shape_of_output(maker) == Shape{1, 1, 15, 16});
  }
}

}  // namespace octet::test
