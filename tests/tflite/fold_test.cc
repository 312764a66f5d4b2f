// When a TFLite file is loaded, octet computes operators that depend on constants and shapes only.
#include <catch2/catch.hpp>

#include "loaders/loader.h"
#include "tests/tflite/run_tflite.h"
#include "tests/tools/command_line.h"

namespace octet::test {
namespace {

using tflite::Activation;
using tflite::BuiltinOperator;
using tflite::Padding;
using tflite::TensorType;
using Extents = std::vector<int32_t>;

// Makes a model of x [1, 2, 3, 4] whose result has a shape that the model computes. In the file,
// that shape is a placeholder.
struct Shapes {
  TfliteMaker m;
  int32_t shape = 0;

  Shapes() {
    m.inputs = {m.activation("x", {1, 2, 3, 4})};
    shape = ints("shape", {4});
    m.node(BuiltinOperator::SHAPE, {0}, {shape});
  }
  int32_t ints(const std::string& name, const Extents& extents) {
    return m.tensor({.name = name, .shape = extents, .type = TensorType::INT32});
  }
  int32_t number(const std::string& name, int32_t value) {
    const std::string bytes(reinterpret_cast<const char*>(&value), 4);
    return m.tensor({.name = name, .shape = {}, .type = TensorType::INT32, .data = bytes});
  }
  /// Takes one extent from a shape, with STRIDED_SLICE.
  int32_t extent(int32_t axis) {
    const std::string name = "extent" + std::to_string(axis);
    const int32_t out = ints(name, {});
    m.node(BuiltinOperator::STRIDED_SLICE,
           {shape, m.integers(name + ".begin", {axis}), m.integers(name + ".end", {axis + 1}),
            m.integers(name + ".step", {1})},
           {out},
           options<tflite::StridedSliceOptions>(tflite::CreateStridedSliceOptions, 0, 0, 0, 0, 1,
                                                false));
    return out;
  }
  int32_t pack(const std::vector<int32_t>& parts) {
    const int32_t out = ints("packed", {static_cast<int32_t>(parts.size())});
    m.node(BuiltinOperator::PACK, parts, {out},
           options<tflite::PackOptions>(tflite::CreatePackOptions,
                                        static_cast<int32_t>(parts.size()), 0));
    return out;
  }
  /// Adds a result with a placeholder for its shape, because the file does not know its extents.
  int32_t result(const Extents& placeholder) {
    return m.tensor(
        {.name = "y", .shape = placeholder, .signature = Extents(placeholder.size(), -1)});
  }
};

Values counted(std::size_t count) {
  Values values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i);
  return values;
}

}  // namespace

TEST_CASE("TFLite: a RESHAPE by SHAPE, STRIDED_SLICE and PACK: no placeholder is believed") {
  Shapes s;
  const int32_t to = s.pack({s.extent(0), s.number("rest", -1), s.number("two", 2)});
  s.m.outputs = {s.result({1, 1, 2})};
  s.m.node(BuiltinOperator::RESHAPE, {0, to}, s.m.outputs);
  check_values(s.m, {1, 12, 2}, counted(24));
}

TEST_CASE("TFLite: a RESHAPE by arithmetic of extents, without a signature in the file") {
  Shapes s;
  const int32_t product = s.ints("product", {});
  s.m.node(BuiltinOperator::MUL, {s.extent(1), s.extent(2)}, {product},
           options<tflite::MulOptions>(tflite::CreateMulOptions, Activation::NONE));
  const int32_t to = s.pack({product, s.extent(3)});
  s.m.outputs = {s.m.activation("y", {1, 1})};
  s.m.node(BuiltinOperator::RESHAPE, {0, to}, s.m.outputs);
  check_values(s.m, {6, 4}, counted(24));
}

TEST_CASE("TFLite: a RESHAPE by GATHER, CONCATENATION and REDUCE_PROD") {
  Shapes s;
  const int32_t middle = s.ints("middle", {2});
  s.m.node(BuiltinOperator::GATHER, {s.shape, s.m.integers("which", {1, 2})}, {middle},
           options<tflite::GatherOptions>(tflite::CreateGatherOptions, 0, 0));
  const int32_t all = s.ints("all", {1});
  s.m.node(BuiltinOperator::REDUCE_PROD, {middle, s.m.integers("axis", {0})}, {all},
           options<tflite::ReducerOptions>(tflite::CreateReducerOptions, true));
  const int32_t to = s.ints("to", {2});
  s.m.node(BuiltinOperator::CONCATENATION, {all, s.m.integers("four", {4})}, {to},
           options<tflite::ConcatenationOptions>(tflite::CreateConcatenationOptions, 0,
                                                 Activation::NONE));
  s.m.outputs = {s.result({1, 1})};
  s.m.node(BuiltinOperator::RESHAPE, {0, to}, s.m.outputs);
  check_values(s.m, {6, 4}, counted(24));
}

TEST_CASE("TFLite: RESIZE and SLICE by computed extents, CAST to floats and back") {
  Shapes s;
  const int32_t as_float = s.m.activation("as float", {});
  s.m.node(BuiltinOperator::CAST, {s.extent(1)}, {as_float});
  const int32_t twice = s.m.activation("twice", {});
  s.m.node(BuiltinOperator::MUL, {as_float, s.m.floats("factor", {}, {2})}, {twice},
           options<tflite::MulOptions>(tflite::CreateMulOptions, Activation::NONE));
  const int32_t height = s.ints("height", {});
  s.m.node(BuiltinOperator::CAST, {twice}, {height});
  const int32_t size = s.pack({height, s.extent(2)});
  const int32_t resized = s.m.activation("resized", {1, 1, 1, 4});
  s.m.node(BuiltinOperator::RESIZE_NEAREST_NEIGHBOR, {0, size}, {resized},
           options<tflite::ResizeNearestNeighborOptions>(tflite::CreateResizeNearestNeighborOptions,
                                                         false, false));
  s.m.outputs = {s.m.activation("y", {1, 1, 1, 1})};
  const int32_t sizes = s.ints("sizes", {4});
  s.m.node(BuiltinOperator::SUB, {s.shape, s.m.integers("less", {0, 0, 2, 0})}, {sizes},
           options<tflite::SubOptions>(tflite::CreateSubOptions, Activation::NONE));
  s.m.node(BuiltinOperator::SLICE, {resized, s.m.integers("from", {0, 1, 1, 0}), sizes},
           s.m.outputs);
  check_values(s.m, {1, 2, 1, 4}, {4, 5, 6, 7, 16, 17, 18, 19});
}

TEST_CASE("TFLite: weights that are moved before a layer reads them keep their bytes") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 3, 3, 2}, TensorType::INT8, 0.02f, -3)};
  const int32_t w = m.bytes("w", {3, 2}, TensorType::INT8, {100, -20, 3, 127, -128, 6},
                            {{0.01f, 0.002f, 0.03f}, {0, 0, 0}, 0});
  const int32_t moved = m.tensor({.name = "moved",
                                  .shape = {3, 1, 1, 2},
                                  .type = TensorType::INT8,
                                  .scale = {{0.01f, 0.002f, 0.03f}, {0, 0, 0}, 0}});
  m.node(BuiltinOperator::RESHAPE, {w, m.integers("to", {3, 1, 1, 2})}, {moved});
  m.outputs = {m.activation("y", {1, 3, 3, 3}, TensorType::INT8, 0.05f, 4)};
  m.node(BuiltinOperator::CONV_2D, {0, moved}, m.outputs,
         options<tflite::Conv2DOptions>(tflite::CreateConv2DOptions, Padding::SAME, 1, 1,
                                        Activation::NONE, 1, 1));
  const Graph graph = load_tflite_graph(m.file());
  const graph::Node& layer = graph.nodes[0];
  REQUIRE(layer.weight_quantization);
  CHECK(layer.weight_quantization->scale == std::vector<float>{0.01f, 0.002f, 0.03f});
  CHECK(graph.tensor(layer.inputs[1]).type == Type::s8);
  CHECK(build(graph).has_int8());
}

TEST_CASE("TFLite: a shape that is computed of values, and open in the file, is refused by name") {
  TfliteMaker m;
  m.inputs = {m.activation("x", {1, 6})};
  const int32_t shape = m.tensor({.name = "shape", .shape = {2}, .type = TensorType::INT32});
  m.outputs = {m.tensor({.name = "y", .shape = {1, 1}, .signature = {-1, -1}})};
  m.custom("Odd", {0}, {shape}).node(BuiltinOperator::RESHAPE, {0, shape}, m.outputs);
  const TemporaryFolder folder;
  const auto graph = loaders::load(folder.write("m.tflite", m.file()), {});
  REQUIRE_FALSE(graph);
  CHECK(contains(graph.error().message, "RESHAPE with its shape computed ('shape')"));
}

}  // namespace octet::test
