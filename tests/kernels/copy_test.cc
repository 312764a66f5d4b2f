// Compares the strided copies of every table with a plain evaluation.
#include <algorithm>
#include <array>

#include "kernels/kernels.h"
#include "tests/kernels/copy_layer.h"
#include "tests/kernels/random.h"

namespace octet::kernels {
namespace {

using test::Random;
using test::StridedCopy;

std::vector<uint8_t> expected_target(const StridedCopy& c, const std::vector<uint8_t>& source) {
  const auto size = static_cast<int64_t>(c.params.element_size);
  std::vector<uint8_t> target(static_cast<std::size_t>(c.target_size * size), 0xA5);
  int64_t count = 1;
  for (int32_t axis = 0; axis < c.params.rank; ++axis) count *= c.params.extent[axis];
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i;
    int64_t from = c.source_offset;
    int64_t to = c.target_offset;
    for (int32_t axis = c.params.rank; axis-- > 0;) {
      const int64_t position = rest % c.params.extent[axis];
      rest /= c.params.extent[axis];
      from += position * c.params.source_stride[axis];
      to += position * c.params.target_stride[axis];
    }
    for (int64_t byte = 0; byte < size; ++byte) {
      target.at(static_cast<std::size_t>(to * size + byte)) =
          source.at(static_cast<std::size_t>(from * size + byte));
    }
  }
  return target;
}

TEST_CASE("strided copies put each element in its place, in one range or in many") {
  Random random(41);
  for (int round = 0; round < 400; ++round) {
    const StridedCopy c = test::draw_copy(random);
    const std::vector<uint8_t> source = random.integers<uint8_t>(
        static_cast<std::size_t>(c.source_size) * c.params.element_size, 0, 255);
    const std::vector<uint8_t> expected = expected_target(c, source);
    const auto layer = test::copy_layer(c, source);
    const std::array<test::Cut, 2> cuts = {test::in_one, test::in_some(random)};
    for (const KernelTable* table : available_tables()) {
      for (const test::Output& output : layer->run(*table, cuts)) {
        INFO("table " << table->name << ", seed " << random.seed << ", round " << round << ": "
                      << c.describe() << (output.cut == 0 ? ", in one range" : ", in ranges"));
        CHECK(std::ranges::equal(output.bytes, std::as_bytes(std::span(expected))));
      }
    }
  }
}

TEST_CASE("an empty range copies nothing") {
  for (const KernelTable* table : available_tables()) {
    const uint8_t source = 1;
    uint8_t target = 2;
    table->copy({}, &source, &target, {.begin = 1, .end = 1});
    CHECK(target == 2);
  }
}

}  // namespace
}  // namespace octet::kernels
