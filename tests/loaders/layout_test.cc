// Channels-first exports become channels-last graphs: with the same values, and with as few
// transposes as possible.
#include "loaders/layout.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "loaders/loader.h"
#include "tests/graph/run_graph.h"
#include "tests/loaders/sample_exports.h"

using namespace octet::test;
using namespace octet;
using nlohmann::json;
using octet::loaders::AxisOrder;

namespace {

// A channels-first graph that is made node by node. Shapes are given, as in an export.
class Nchw {
 public:
  explicit Nchw(const Shape& input) {
    sample_.graph = {
        {"format", 1}, {"layout", "nchw"}, {"nodes", json::array()}, {"inputs", {"x"}}};
    sample_.graph["tensors"]["x"] = {{"shape", input}};
  }
  Nchw& node(const std::string& op, const std::string& from, const std::string& to,
             const Shape& shape, json attributes = json::object()) {
    return join(op, std::vector{from}, to, shape, std::move(attributes));
  }
  Nchw& join(const std::string& op, const std::vector<std::string>& from, const std::string& to,
             const Shape& shape, json attributes = json::object()) {
    sample_.graph["tensors"][to] = {{"shape", shape}};
    sample_.graph["nodes"].push_back({{"name", to},
                                      {"op", op},
                                      {"inputs", from},
                                      {"outputs", {to}},
                                      {"attributes", std::move(attributes)}});
    return *this;
  }
  Nchw& parameter(const std::string& name, std::vector<int64_t> shape) {
    sample_.tensors.push_back(exported(name, std::move(shape)));
    return *this;
  }
  Graph load(const std::vector<std::string>& outputs) {
    sample_.graph["outputs"] = outputs;
    const TemporaryFolder folder;
    auto graph = loaders::load(folder.write("model.safetensors", sample_.file()));
    INFO((graph ? "" : graph.error().message));
    REQUIRE(graph);
    return std::move(*graph);
  }

 private:
  SampleExport sample_;
};

int count_of(const Graph& graph, Op op) {
  return static_cast<int>(std::ranges::count(graph.nodes, op, &Node::op));
}

// Returns 0, 1, 2, ... in the author's order [C, H, W], stored as the engine takes them.
Values numbered_channels_last(int c, int h, int w) {
  Values values;
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      for (int k = 0; k < c; ++k) values.push_back(static_cast<float>((k * h + y) * w + x));
    }
  }
  return values;
}

Values numbered(std::size_t count) {
  Values values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i);
  return values;
}

Values output_of(Graph graph, const Values& input) {
  return run(build(std::move(graph), {.float_only = true}), {input})[0];
}

}  // namespace

TEST_CASE("orders of axes: channels last, stored positions and shapes") {
  CHECK(loaders::channels_last_order(4) == AxisOrder{0, 2, 3, 1});
  CHECK(loaders::channels_last_order(3) == AxisOrder{0, 2, 1});
  CHECK(loaders::channels_last_order(2) == AxisOrder{0, 1});
  CHECK(loaders::stored_axis({0, 2, 3, 1}, 1) == 3);
  CHECK(loaders::stored_shape({1, 2, 3, 4}, {0, 2, 3, 1}) == Shape{1, 3, 4, 2});
}

TEST_CASE("an array is permuted row by row") {
  const std::vector<uint8_t> values = {0, 1, 2, 3, 4, 5};
  const auto turned = loaders::permute(std::as_bytes(std::span(values)), {2, 3}, {1, 0}, 1);
  const std::vector<int> expected = {0, 3, 1, 4, 2, 5};
  for (std::size_t i = 0; i < 6; ++i) CHECK(std::to_integer<int>(turned[i]) == expected[i]);
}

TEST_CASE("a chain of image operators has no transpose but at an output of rank 4") {
  Nchw m({1, 3, 8, 8});
  m.parameter("w", {4, 3, 3, 3}).parameter("w2", {4, 1, 3, 3});
  m.join("conv2d", {"x", "w"}, "a", {1, 4, 8, 8}, {{"padding", {1, 1, 1, 1}}});
  m.node("relu", "a", "b", {1, 4, 8, 8});
  m.join("conv2d", {"b", "w2"}, "c", {1, 4, 8, 8}, {{"padding", {1, 1, 1, 1}}, {"groups", 4}});
  m.join("add", {"c", "b"}, "d", {1, 4, 8, 8});
  m.node("max_pool2d", "d", "e", {1, 4, 4, 4}, {{"kernel", {2, 2}}});
  const Graph graph = m.load({"e"});
  CHECK(count_of(graph, Op::transpose) == 1);
  CHECK(graph.nodes.back().op == Op::transpose);
  CHECK(graph.tensor(graph.inputs[0]).shape == Shape{1, 8, 8, 3});
  CHECK(graph.tensor(graph.outputs[0]).shape == Shape{1, 4, 4, 4});
}

TEST_CASE("outputs come in the author's order of axes") {
  Nchw m({1, 2, 2, 3});
  CHECK(output_of(m.node("relu", "x", "y", {1, 2, 2, 3}).load({"y"}),
                  numbered_channels_last(2, 2, 3)) == numbered(12));
}

TEST_CASE("a detection head's permute, view and concat need no transpose at all") {
  Nchw m({1, 3, 4, 4});
  m.parameter("w", {4, 3, 1, 1});
  m.join("conv2d", {"x", "w"}, "head", {1, 4, 4, 4});
  m.node("transpose", "head", "permuted", {1, 4, 4, 4}, {{"permutation", {0, 2, 3, 1}}});
  m.node("reshape", "permuted", "viewed", {1, 32, 2}, {{"shape", {1, 32, 2}}});
  m.join("concat", {"viewed", "viewed"}, "all", {1, 64, 2}, {{"axis", 1}});
  CHECK(count_of(m.load({"all"}), Op::transpose) == 0);
}

TEST_CASE(
    "a flatten of a feature map of one pixel is a reshape; of more pixels it needs a transpose") {
  for (const int32_t size : {1, 3}) {
    Nchw m({1, 4, size, size});
    m.node("reshape", "x", "flat", {1, 4 * size * size}, {{"shape", {1, 4 * size * size}}});
    const Graph graph = m.load({"flat"});
    CHECK(count_of(graph, Op::transpose) == (size == 1 ? 0 : 1));
    CHECK(output_of(graph, numbered_channels_last(4, size, size)) ==
          numbered(static_cast<std::size_t>(4 * size * size)));
  }
}

TEST_CASE("a linear layer after a flatten sees the values in the author's order") {
  Nchw m({1, 2, 2, 2});
  m.parameter("w", {3, 8});
  m.node("reshape", "x", "flat", {1, 8}, {{"shape", {1, 8}}});
  m.join("linear", {"flat", "w"}, "y", {1, 3});
  const Graph graph = m.load({"y"});
  const auto w = octet::graph::float_values(tensor_named(graph, "w"));
  const Values got = output_of(graph, numbered_channels_last(2, 2, 2));
  for (std::size_t o = 0; o < 3; ++o) {
    float sum = 0;
    for (std::size_t i = 0; i < 8; ++i) sum += w[o * 8 + i] * static_cast<float>(i);
    CHECK(got[o] == Approx(sum).margin(1e-4));
  }
}

TEST_CASE("axes of the author's order mean the same in the stored one") {
  const Values input = numbered_channels_last(2, 2, 3);
  Nchw means({1, 2, 2, 3});
  CHECK(output_of(means.node("mean", "x", "y", {1, 2, 2}, {{"axes", {-1}}}).load({"y"}), input) ==
        Values{1, 4, 7, 10});
  Nchw over_channels({1, 2, 2, 3});
  CHECK(output_of(over_channels.node("mean", "x", "y", {1, 2, 3}, {{"axes", {1}}}).load({"y"}),
                  input) == Values{3, 4, 5, 6, 7, 8});
  Nchw slice({1, 2, 2, 3});
  CHECK(
      output_of(slice.node("slice", "x", "y", {1, 1, 2, 3}, {{"axis", 1}, {"start", 1}, {"end", 9}})
                    .load({"y"}),
                input) == Values{6, 7, 8, 9, 10, 11});
  Nchw strided({1, 2, 2, 3});
  CHECK(output_of(
            strided.node("slice", "x", "y", {1, 2, 2, 2}, {{"axis", 3}, {"step", 2}}).load({"y"}),
            input) == Values{0, 2, 3, 5, 6, 8, 9, 11});
  Nchw pad({1, 2, 2, 3});
  const json pads = {{0, 0}, {0, 1}, {0, 0}, {1, 0}};
  const Values padded = output_of(
      pad.node("pad", "x", "y", {1, 3, 2, 4}, {{"pads", pads}, {"value", -1}}).load({"y"}), input);
  CHECK(Values(padded.begin(), padded.begin() + 8) == Values{-1, 0, 1, 2, -1, 3, 4, 5});
  CHECK(Values(padded.begin() + 16, padded.end()) == Values(8, -1));
  Nchw argmax({1, 2, 2, 3});
  CHECK(output_of(argmax.node("argmax", "x", "y", {1, 2, 3}, {{"axis", 1}}).load({"y"}), input) ==
        Values(6, 1));
}

TEST_CASE("any transpose gives the author's values, however it is stored") {
  const Values input = numbered_channels_last(2, 3, 4);
  for (const auto& permutation :
       {std::vector{0, 1, 2, 3}, {0, 2, 3, 1}, {0, 3, 1, 2}, {0, 3, 2, 1}, {0, 1, 3, 2}}) {
    const Shape shape = {1, 2, 3, 4};
    Shape out;
    for (const int axis : permutation) out.push_back(shape[static_cast<std::size_t>(axis)]);
    Nchw m(shape);
    m.node("transpose", "x", "t", out, {{"permutation", permutation}}).node("relu", "t", "y", out);
    const Values got = output_of(m.load({"y"}), input);
    const Values values = numbered(24);
    const auto expected = loaders::permute(std::as_bytes(std::span(values)), shape, permutation, 4);
    CHECK(std::memcmp(got.data(), expected.data(), expected.size()) == 0);
  }
}

TEST_CASE("constants broadcast along the author's axes") {
  Nchw m({1, 2, 2, 3});
  m.parameter("column", {2, 1, 1}).parameter("row", {3}).parameter("scalar", {});
  m.join("mul", {"x", "column"}, "a", {1, 2, 2, 3});
  m.join("add", {"row", "a"}, "b", {1, 2, 2, 3});
  m.join("sub", {"b", "scalar"}, "y", {1, 2, 2, 3});
  const Graph graph = m.load({"y"});
  const Values got = output_of(graph, numbered_channels_last(2, 2, 3));
  const auto column = octet::graph::float_values(tensor_named(graph, "column"));
  const auto row = octet::graph::float_values(tensor_named(graph, "row"));
  const float scalar = octet::graph::float_values(tensor_named(graph, "scalar"))[0];
  for (std::size_t i = 0; i < 12; ++i) {
    CHECK(got[i] ==
          Approx(static_cast<float>(i) * column[i / 6] + row[i % 3] - scalar).margin(1e-5));
  }
}

TEST_CASE("operands that are stored in different orders meet in one") {
  Nchw m({1, 3, 3, 3});
  m.node("transpose", "x", "t", {1, 3, 3, 3}, {{"permutation", {0, 2, 1, 3}}});
  m.join("add", {"x", "t"}, "y", {1, 3, 3, 3});
  const Values got = output_of(m.load({"y"}), numbered_channels_last(3, 3, 3));
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t h = 0; h < 3; ++h) {
      for (std::size_t w = 0; w < 3; ++w) {
        CHECK(got[(c * 3 + h) * 3 + w] ==
              static_cast<float>((c * 3 + h) * 3 + w + (h * 3 + c) * 3 + w));
      }
    }
  }
}
