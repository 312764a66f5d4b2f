#include "engine/broadcast.h"

#include "tests/kernels/random.h"

using octet::BroadcastPlan;
using octet::plan_broadcast;
using octet::Shape;
using octet::test::Random;

namespace {

// Returns the position of an operand's value for output position `index`, by NumPy's rule.
std::size_t position_in(const Shape& shape, const Shape& index) {
  std::size_t at = 0;
  const std::size_t missing = index.size() - shape.size();
  for (std::size_t i = 0; i < shape.size(); ++i) {
    at = at * static_cast<std::size_t>(shape[i]) +
         static_cast<std::size_t>(shape[i] == 1 ? 0 : index[i + missing]);
  }
  return at;
}

// Returns the output's shape with some extents replaced by 1 and sometimes without leading axes.
Shape operand_of(const Shape& output, Random& random) {
  Shape shape = output;
  for (int32_t& extent : shape) {
    if (random.chance(0.35)) extent = 1;
  }
  const auto dropped =
      random.chance(0.3) ? random.integer(0, static_cast<int32_t>(shape.size())) : 0;
  shape.erase(shape.begin(), shape.begin() + dropped);
  return shape;
}

}  // namespace

TEST_CASE("a broadcast plan reads what NumPy's rule reads") {
  Random random(2);
  for (int round = 0; round < 1000; ++round) {
    Shape output(static_cast<std::size_t>(random.integer(0, 5)));
    for (int32_t& extent : output) extent = random.integer(1, 4);
    const std::array<Shape, 2> shapes = {operand_of(output, random), operand_of(output, random)};
    INFO("seed " << random.seed << ": " << octet::shape_text(shapes[0]) << " and "
                 << octet::shape_text(shapes[1]) << " to " << octet::shape_text(output));
    const BroadcastPlan plan = plan_broadcast(shapes[0], shapes[1], output);
    REQUIRE(static_cast<int64_t>(plan.rows * plan.row_size) == octet::element_count(output));
    Shape index(output.size(), 0);
    std::size_t wrong = 0;
    for (std::size_t row = 0; row < plan.rows; ++row) {
      for (std::size_t i = 0; i < plan.row_size; ++i) {
        for (int operand = 0; operand < 2; ++operand) {
          const auto o = static_cast<std::size_t>(operand);
          wrong += plan.offset(operand, row) + i * plan.stride[o] != position_in(shapes[o], index);
        }
        for (std::size_t axis = index.size(); axis-- > 0;) {
          if (++index[axis] < output[axis]) break;
          index[axis] = 0;
        }
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("equal shapes are one row, a channel vector is a row a pixel") {
  CHECK(plan_broadcast({1, 4, 4, 8}, {1, 4, 4, 8}, {1, 4, 4, 8}).rows == 1);
  const BroadcastPlan plan = plan_broadcast({1, 4, 4, 8}, {8}, {1, 4, 4, 8});
  CHECK(plan.rows == 16);
  CHECK(plan.row_size == 8);
  CHECK(plan.stride == std::array<std::size_t, 2>{1, 1});
}
