// Movement plans, run by the reference copy, against index arithmetic that follows from each
// operator.
#include "engine/movement.h"

#include <functional>
#include <numeric>

#include "tests/engine/index.h"
#include "tests/kernels/random.h"

namespace octet {
namespace {

using test::Index;
using test::Random;
using test::ravel;
using test::unravel;
constexpr uint8_t pad_value = 201;

std::vector<uint8_t> numbered(const Shape& shape, int start) {
  std::vector<uint8_t> values(static_cast<std::size_t>(element_count(shape)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] =
        static_cast<uint8_t>((i * 37 + i / 256 * 11 + static_cast<std::size_t>(start)) % 200);
  }
  return values;
}

std::vector<uint8_t> run_plan(const MovementPlan& plan,
                              const std::vector<std::vector<uint8_t>>& inputs,
                              std::size_t output_size) {
  std::vector<uint8_t> output(output_size, plan.fill_first ? pad_value : 255);
  for (const PlannedCopy& copy : plan.copies) {
    kernels::best_table().copy(
        copy.params, inputs[static_cast<std::size_t>(copy.input)].data() + copy.source_offset,
        output.data() + copy.target_offset,
        {.begin = 0, .end = static_cast<std::size_t>(copy.params.extent[0])});
  }
  if (plan.nearest) {
    const auto* from = reinterpret_cast<const std::byte*>(inputs[0].data());
    auto* to = reinterpret_cast<std::byte*>(output.data());
    const std::size_t rows = plan.nearest->rows();
    resize_nearest(*plan.nearest, from, to, {.begin = rows / 3, .end = rows});
    resize_nearest(*plan.nearest, from, to, {.begin = 0, .end = rows / 3});
  }
  return output;
}

/// Checks a plan. `value_at` returns the output's value at an index. Returns the plan for further
/// checks.
MovementPlan check(Op op, const Attributes& attributes, const std::vector<Shape>& shapes,
                   const std::function<uint8_t(const Index&)>& value_at,
                   const std::vector<std::vector<uint8_t>>& inputs) {
  REQUIRE(is_movement(op, attributes));
  const auto output = infer_shape(op, attributes, shapes);
  REQUIRE(output.has_value());
  MovementPlan plan = plan_movement(op, attributes, shapes, *output, 1);
  std::vector<uint8_t> expected;
  for (std::size_t i = 0; i < static_cast<std::size_t>(element_count(*output)); ++i) {
    expected.push_back(value_at(unravel(*output, i)));
  }
  CHECK(run_plan(plan, inputs, expected.size()) == expected);
  return plan;
}

Shape random_shape(Random& random) {
  Shape shape(static_cast<std::size_t>(random.integer(1, 6)));
  for (int32_t& extent : shape) extent = random.integer(1, shape.size() > 4 ? 4 : 7);
  return shape;
}

TEST_CASE("a concatenation along any axis puts its inputs side by side") {
  Random random(51);
  for (int round = 0; round < 60; ++round) {
    const Shape shape = random_shape(random);
    const auto axis =
        static_cast<std::size_t>(random.integer(0, static_cast<int32_t>(shape.size()) - 1));
    std::vector<Shape> shapes(static_cast<std::size_t>(random.integer(1, 4)), shape);
    std::vector<std::vector<uint8_t>> inputs;
    for (Shape& s : shapes) {
      s[axis] = random.integer(1, 5);
      inputs.push_back(numbered(s, round + static_cast<int>(inputs.size()) * 50));
    }
    INFO("seed " << random.seed << ", " << shape_text(shape) << ", axis " << axis);
    check(
        Op::concat, AxisAttributes{.axis = static_cast<int32_t>(axis)}, shapes,
        [&](Index index) {
          std::size_t input = 0;
          while (index[axis] >= shapes[input][axis]) index[axis] -= shapes[input++][axis];
          return inputs[input][ravel(shapes[input], index)];
        },
        inputs);
  }
}

TEST_CASE("a slice walks each axis by its stride, backwards too") {
  Random random(52);
  for (int round = 0; round < 60; ++round) {
    const Shape shape = random_shape(random);
    SliceAttributes slice;
    for (const int32_t extent : shape) {
      const int32_t stride = random.pick({1, 1, 2, -1, -2});
      slice.begin.push_back(random.integer(0, extent - 1));
      slice.stride.push_back(stride);
      const int32_t room = stride > 0 ? extent - 1 - slice.begin.back() : slice.begin.back();
      slice.count.push_back(random.integer(1, room / std::abs(stride) + 1));
    }
    const auto input = numbered(shape, round);
    INFO("seed " << random.seed << ", round " << round << ", " << shape_text(shape));
    check(Op::slice, slice, {shape},
          [&](Index index) {
            for (std::size_t i = 0; i < index.size(); ++i)
              index[i] = slice.begin[i] + index[i] * slice.stride[i];
            return input[ravel(shape, index)];
          },
          {input});
  }
}

TEST_CASE("padding surrounds the input with the fill value") {
  Random random(53);
  for (int round = 0; round < 60; ++round) {
    const Shape shape = random_shape(random);
    PadAttributes pad;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      pad.before.push_back(random.integer(0, 2));
      pad.after.push_back(random.integer(0, 2));
    }
    const auto input = numbered(shape, round);
    INFO("seed " << random.seed << ", round " << round << ", " << shape_text(shape));
    check(Op::pad, pad, {shape},
          [&](Index index) {
            for (std::size_t i = 0; i < index.size(); ++i) {
              index[i] -= pad.before[i];
              if (index[i] < 0 || index[i] >= shape[i]) return pad_value;
            }
            return input[ravel(shape, index)];
          },
          {input});
  }
}

TEST_CASE("padding by nothing fills nothing first") {
  const PadAttributes pad = {.before = {0, 0}, .after = {0, 0}};
  const std::vector<Shape> shapes = {{3, 4}};
  CHECK(!plan_movement(Op::pad, pad, shapes, {3, 4}, 1).fill_first);
}

TEST_CASE("a transposition puts each axis where the permutation says") {
  Random random(54);
  for (int round = 0; round < 60; ++round) {
    const Shape shape = random_shape(random);
    TransposeAttributes transpose;
    transpose.permutation.resize(shape.size());
    std::iota(transpose.permutation.begin(), transpose.permutation.end(), 0);
    for (std::size_t i = shape.size(); i-- > 1;) {
      std::swap(transpose.permutation[i], transpose.permutation[static_cast<std::size_t>(
                                              random.integer(0, static_cast<int32_t>(i)))]);
    }
    const auto input = numbered(shape, round);
    INFO("seed " << random.seed << ", round " << round << ", " << shape_text(shape));
    check(Op::transpose, transpose, {shape},
          [&](const Index& index) {
            Index from(index.size());
            for (std::size_t i = 0; i < index.size(); ++i) {
              from[static_cast<std::size_t>(transpose.permutation[i])] = index[i];
            }
            return input[ravel(shape, from)];
          },
          {input});
  }
}

TEST_CASE("a reshape is one copy of one row") {
  const auto input = numbered({2, 3, 4}, 0);
  const Shape target = {6, 4};
  const MovementPlan plan =
      check(Op::reshape, ReshapeAttributes{.shape = target}, {{2, 3, 4}},
            [&](const Index& index) { return input[ravel(target, index)]; }, {input});
  REQUIRE(plan.copies.size() == 1);
  CHECK(plan.copies[0].params.rank == 1);
  CHECK(plan.copies[0].params.extent[0] == 24);
}

TEST_CASE("axes that stay together are copied as one") {
  const std::vector<Shape> shapes = {{1, 5, 7, 3}, {1, 5, 7, 2}};
  const MovementPlan plan =
      plan_movement(Op::concat, AxisAttributes{.axis = 3}, shapes, {1, 5, 7, 5}, 4);
  REQUIRE(plan.copies.size() == 2);
  const kernels::CopyParams& second = plan.copies[1].params;
  CHECK(plan.copies[1].target_offset == 3);
  CHECK(second.element_size == 4);
  REQUIRE(second.rank == 2);
  CHECK(second.extent[0] == 35);
  CHECK(second.extent[1] == 2);
}

TEST_CASE("a nearest resize takes the pixel at floor(i * in / out), at any scale") {
  Random random(55);
  for (int round = 0; round < 100; ++round) {
    const Shape shape = {random.integer(1, 2), random.integer(1, 12), random.integer(1, 12),
                         random.integer(1, 5)};
    const ResizeAttributes resize = {
        .output_h = random.chance(0.4) ? shape[1] * random.integer(1, 3) : random.integer(1, 20),
        .output_w = random.chance(0.4) ? shape[2] * random.integer(1, 3) : random.integer(1, 20)};
    const auto input = numbered(shape, round);
    INFO("seed " << random.seed << ", " << shape_text(shape) << " to " << resize.output_h << "x"
                 << resize.output_w);
    check(Op::resize, resize, {shape},
          [&](Index index) {
            index[1] = index[1] * shape[1] / resize.output_h;
            index[2] = index[2] * shape[2] / resize.output_w;
            return input[ravel(shape, index)];
          },
          {input});
  }
}

TEST_CASE("a nearest resize needs no copy, whatever its sizes") {
  for (const int32_t size : {6, 100, 401, 1501, 4001}) {
    for (const int32_t other : {size, size + 1, size + 2, 2 * size, 2 * size + 1, size / 2 - 1}) {
      const std::vector<Shape> shapes = {{1, size, size, 1}};
      const Shape output = {1, other, other, 1};
      const ResizeAttributes resize = {.output_h = other, .output_w = other};
      INFO(size << " to " << other);
      const MovementPlan plan = plan_movement(Op::resize, resize, shapes, output, 1);
      CHECK(plan.copies.empty());
      CHECK(plan.nearest.has_value());
    }
  }
}

TEST_CASE("a nearest resize of pixels of every size, at once and in two parts") {
  for (const int32_t channels : {1, 2, 3, 4, 5, 8, 16, 70}) {
    for (const bool larger : {false, true}) {
      const Shape shape = {2, 41, 37, channels};
      const ResizeAttributes resize = {.output_h = larger ? 53 : 23, .output_w = larger ? 47 : 29};
      const auto input = numbered(shape, channels);
      INFO(shape_text(shape) << " to " << resize.output_h << "x" << resize.output_w);
      const MovementPlan plan = check(Op::resize, resize, {shape},
                                      [&](Index index) {
                                        index[1] = index[1] * shape[1] / resize.output_h;
                                        index[2] = index[2] * shape[2] / resize.output_w;
                                        return input[ravel(shape, index)];
                                      },
                                      {input});
      CHECK(plan.nearest);
    }
  }
}

TEST_CASE("a bilinear resize computes: it is no movement") {
  CHECK(!is_movement(Op::resize, ResizeAttributes{.mode = ResizeMode::bilinear}));
  CHECK(!is_movement(Op::add, BinaryAttributes{}));
}

}  // namespace
}  // namespace octet
