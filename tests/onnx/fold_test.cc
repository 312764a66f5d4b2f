// Nodes of constants: each function against values from ONNX's specification.
#include "loaders/onnx/fold.h"

#include <catch2/catch.hpp>
#include <limits>

namespace octet::test {
namespace {

using loaders::LoadError;
using loaders::onnx::AttributeProto;
using loaders::onnx::Constant;
using loaders::onnx::DataType;
namespace onnx = loaders::onnx;
using loaders::onnx::NodeProto;
using Integers = std::vector<int64_t>;
using Floats = std::vector<float>;

Constant integers(const Integers& values) { return loaders::onnx::make_integers(values); }
Constant integers(const Integers& dims, const Integers& values) {
  return {.type = DataType::int64, .dims = dims, .integers = values};
}
Constant floats(const Floats& values) {
  return {.dims = {static_cast<int64_t>(values.size())}, .floats = values};
}
AttributeProto number(const std::string& name, int64_t value) { return {.name = name, .i = value}; }

Constant folded(const std::string& op, const std::vector<Constant>& inputs,
                const std::vector<AttributeProto>& attributes = {}) {
  const NodeProto proto{.op_type = op, .attributes = attributes};
  std::vector<const Constant*> pointers;
  for (const Constant& input : inputs) pointers.push_back(&input);
  REQUIRE(loaders::onnx::can_fold(op));
  return loaders::onnx::fold(onnx::Node(proto, "test", 17), {pointers, 1000})[0];
}

}  // namespace

TEST_CASE("ONNX folding: whole numbers") {
  const Constant a = integers({7, -7, 7, -7});
  const Constant b = integers({2, 2, -2, -2});
  CHECK(folded("Add", {a, b}).integers == Integers{9, -5, 5, -9});
  CHECK(folded("Sub", {a, b}).integers == Integers{5, -9, 9, -5});
  CHECK(folded("Mul", {a, b}).integers == Integers{14, -14, -14, 14});
  CHECK(folded("Div", {a, b}).integers == Integers{3, -3, -3, 3});
  CHECK(folded("Mod", {a, b}).integers == Integers{1, 1, -1, -1});
  CHECK(folded("Mod", {a, b}, {number("fmod", 1)}).integers == Integers{1, -1, 1, -1});
  CHECK(folded("Min", {a, b}).integers == Integers{2, -7, -2, -7});
  CHECK(folded("Max", {a, b}).integers == Integers{7, 2, 7, -2});
  CHECK(folded("Neg", {a}).integers == Integers{-7, 7, -7, 7});
  CHECK(folded("Abs", {a}).integers == Integers{7, 7, 7, 7});
}

TEST_CASE("ONNX folding: what 64 bits do not hold is an error") {
  const Constant least = integers({std::numeric_limits<int64_t>::min()});
  CHECK_THROWS_AS(folded("Sub", {least, integers({1})}), LoadError);
  CHECK_THROWS_AS(folded("Mul", {least, integers({2})}), LoadError);
  CHECK_THROWS_AS(folded("Div", {least, integers({-1})}), LoadError);
  CHECK_THROWS_AS(folded("Div", {least, integers({0})}), LoadError);
  CHECK_THROWS_AS(folded("Mod", {least, integers({0})}), LoadError);
  CHECK_THROWS_AS(folded("Neg", {least}), LoadError);
}

TEST_CASE("ONNX folding: floats") {
  CHECK(folded("Div", {floats({1, -3}), floats({4, 2})}).floats == Floats{0.25f, -1.5f});
  CHECK(folded("Pow", {floats({2, 9}), floats({3, 0.5f})}).floats == Floats{8, 3});
  CHECK(folded("Round", {floats({0.5f, 1.5f, 2.5f, -0.5f})}).floats == Floats{0, 2, 2, 0});
  CHECK(folded("Floor", {floats({1.5f, -1.5f})}).floats == Floats{1, -2});
  CHECK(folded("Ceil", {floats({1.5f, -1.5f})}).floats == Floats{2, -1});
  CHECK(folded("Reciprocal", {floats({4})}).floats == Floats{0.25f});
  CHECK(folded("Clip", {floats({-2, 0, 2}), floats({-1}), floats({1})}).floats == Floats{-1, 0, 1});
}

TEST_CASE("ONNX folding: broadcasting") {
  const Constant column = integers({2, 1}, {10, 20});
  const Constant sum = folded("Add", {column, integers({1, 2, 3})});
  CHECK(sum.dims == Integers{2, 3});
  CHECK(sum.integers == Integers{11, 12, 13, 21, 22, 23});
  CHECK_THROWS_AS(folded("Add", {integers({1, 2}), integers({1, 2, 3})}), LoadError);
}

TEST_CASE("ONNX folding: comparisons and logic") {
  const Constant a = integers({1, 2, 3});
  const Constant b = integers({2, 2, 2});
  CHECK(folded("Equal", {a, b}).integers == Integers{0, 1, 0});
  CHECK(folded("Less", {a, b}).integers == Integers{1, 0, 0});
  CHECK(folded("LessOrEqual", {a, b}).integers == Integers{1, 1, 0});
  CHECK(folded("Greater", {a, b}).integers == Integers{0, 0, 1});
  CHECK(folded("GreaterOrEqual", {a, b}).integers == Integers{0, 1, 1});
  const Constant yes = integers({1, 1, 0});
  const Constant no = integers({1, 0, 0});
  CHECK(folded("And", {yes, no}).integers == Integers{1, 0, 0});
  CHECK(folded("Or", {yes, no}).integers == Integers{1, 1, 0});
  CHECK(folded("Xor", {yes, no}).integers == Integers{0, 1, 0});
  CHECK(folded("Not", {yes}).integers == Integers{0, 0, 1});
  CHECK(folded("Where", {yes, a, b}).integers == Integers{1, 2, 2});
}

TEST_CASE("ONNX folding: casts") {
  const auto to = [](DataType type) { return number("to", static_cast<int64_t>(type)); };
  CHECK(folded("Cast", {floats({1.9f, -1.9f})}, {to(DataType::int64)}).integers == Integers{1, -1});
  CHECK(folded("Cast", {integers({3})}, {to(DataType::float32)}).floats == Floats{3});
  CHECK(folded("Cast", {floats({0, 0.5f})}, {to(DataType::boolean)}).integers == Integers{0, 1});
  CHECK(folded("CastLike", {integers({3}), floats({0})}).floats == Floats{3});
}

TEST_CASE("ONNX folding: reductions") {
  const Constant x = integers({2, 3}, {1, 2, 3, 4, 5, 6});
  const AttributeProto last{.name = "axes", .ints = {-1}};
  CHECK(folded("ReduceProd", {x}, {last}).integers == Integers{6, 120});
  CHECK(folded("ReduceProd", {x}, {last}).dims == Integers{2, 1});
  CHECK(folded("ReduceSum", {x, integers({0})}, {number("keepdims", 0)}).integers ==
        Integers{5, 7, 9});
  CHECK(folded("ReduceMax", {x}).integers == Integers{6});
  CHECK(folded("ReduceMin", {x}, {last, number("keepdims", 0)}).integers == Integers{1, 4});
  CHECK(folded("ReduceMean", {floats({1, 2, 6})}).floats == Floats{3});
}

TEST_CASE("ONNX folding: what moves, repeats and makes values") {
  const Constant x = integers({2, 2}, {1, 2, 3, 4});
  CHECK(folded("Tile", {x, integers({1, 2})}).integers == Integers{1, 2, 1, 2, 3, 4, 3, 4});
  CHECK(folded("Expand", {integers({2, 1}, {1, 2}), integers({2, 2})}).integers ==
        Integers{1, 1, 2, 2});
  CHECK(folded("Transpose", {x}).integers == Integers{1, 3, 2, 4});
  CHECK(folded("Concat", {x, x}, {number("axis", 1)}).integers == Integers{1, 2, 1, 2, 3, 4, 3, 4});
  CHECK(folded("Gather", {x, integers({-1, 0})}, {number("axis", 1)}).integers ==
        Integers{2, 1, 4, 3});
  CHECK(folded("Range", {integers({}, {5}), integers({}, {0}), integers({}, {-2})}).integers ==
        Integers{5, 3, 1});
  CHECK(folded("Size", {x}).integers == Integers{4});
  CHECK(folded("Shape", {x}, {number("start", -1)}).integers == Integers{2});
  CHECK(
      folded("Slice", {x, integers({1}), integers({-9}), integers({0}), integers({-1})}).integers ==
      Integers{3, 4, 1, 2});
  CHECK(folded("Squeeze", {integers({1, 2, 1}, {7, 8})}).dims == Integers{2});
  CHECK(folded("Unsqueeze", {integers({7, 8}), integers({0, 2})}).dims == Integers{1, 2, 1});
  CHECK(folded("Pad", {x, integers({0, 1, 1, 0})}).integers == Integers{0, 1, 2, 0, 3, 4, 0, 0, 0});
  CHECK(folded("Pad", {x, integers({1, -1}), integers({}, {9}), integers({1})}).integers ==
        Integers{9, 1, 9, 3});
  for (const auto& [mode, expected] : {std::pair{"reflect", Integers{2, 1, 2, 1, 4, 3, 4, 3}},
                                       {"edge", Integers{1, 1, 2, 2, 3, 3, 4, 4}},
                                       {"wrap", Integers{2, 1, 2, 1, 4, 3, 4, 3}}}) {
    const AttributeProto text{.name = "mode", .s = mode};
    CHECK(folded("Pad", {x, integers({0, 1, 0, 1})}, {text}).integers == expected);
  }
  CHECK_THROWS_AS(folded("Pad", {x, integers({1})}), LoadError);
  CHECK_THROWS_AS(folded("Pad", {x, integers({0, -2, 0, 0})}), LoadError);
  CHECK_THROWS_AS(folded("Pad", {x, integers({0, -3, 0, 0})}), LoadError);
  CHECK_THROWS_AS(folded("Range", {floats({0}), floats({1}), floats({0})}), LoadError);
  CHECK_THROWS_AS(folded("Gather", {x, integers({2})}), LoadError);
}

TEST_CASE("ONNX folding: a split gives each of its results its part") {
  const NodeProto proto{
      .op_type = "Split", .outputs = {"a", "b"}, .attributes = {number("axis", 1)}};
  const Constant x = integers({2, 3}, {1, 2, 3, 4, 5, 6});
  const std::vector<const Constant*> by_itself = {&x};
  const auto halves = loaders::onnx::fold(onnx::Node(proto, "test", 17), {by_itself, 1000});
  REQUIRE(halves.size() == 2);
  CHECK(halves[0].integers == Integers{1, 2, 4, 5});
  CHECK(halves[1].integers == Integers{3, 6});
  const Constant sizes = integers({1, 2});
  const std::vector<const Constant*> by_sizes = {&x, &sizes};
  const auto parts = loaders::onnx::fold(onnx::Node(proto, "test", 17), {by_sizes, 1000});
  CHECK(parts[0].integers == Integers{1, 4});
  CHECK(parts[1].integers == Integers{2, 3, 5, 6});
  const Constant too_much = integers({2, 2});
  const std::vector<const Constant*> wrong = {&x, &too_much};
  CHECK_THROWS_AS(loaders::onnx::fold(onnx::Node(proto, "test", 17), {wrong, 1000}), LoadError);
}

}  // namespace octet::test
