// Strided copies of every table against a plain evaluation.
#include <sstream>

#include "kernels/kernels.h"
#include "tests/kernels/random.h"

namespace octet::kernels {
namespace {

using test::Random;

struct Case {
  CopyParams params;
  int64_t source_size = 0;    ///< elements
  int64_t target_size = 0;    ///< elements
  int64_t source_offset = 0;  ///< Where the base pointers are, in elements.
  int64_t target_offset = 0;
};

std::string describe(const Case& c) {
  std::ostringstream text;
  text << "elements of " << c.params.element_size << " bytes;";
  for (int32_t i = 0; i < c.params.rank; ++i) {
    text << " " << c.params.extent[i] << " (from " << c.params.source_stride[i] << ", to "
         << c.params.target_stride[i] << ")";
  }
  return text.str();
}

/// Target strides give each element a place of its own; source strides may be 0 or negative.
Case random_case(Random& random) {
  Case c;
  CopyParams& p = c.params;
  p.rank = random.integer(1, max_rank);
  p.element_size = random.chance() ? 1 : 4;
  int64_t source_step = random.pick({1, 1, 3});
  int64_t target_step = random.pick({1, 1, 2});
  for (int32_t axis = p.rank; axis-- > 0;) {
    p.extent[axis] = p.rank < 3 ? random.integer(1, 90) : random.integer(1, 5);
    p.target_stride[axis] = target_step;
    target_step = target_step * p.extent[axis] + random.pick({0, 0, 1});
    p.source_stride[axis] =
        random.pick({source_step, source_step, source_step, -source_step, int64_t{0}});
    source_step = source_step * p.extent[axis] + random.pick({0, 0, 2});
    if (random.chance(0.1)) {  // a reversed target is as good as a reversed source
      p.target_stride[axis] = -p.target_stride[axis];
    }
  }
  int64_t last_source = 0;
  int64_t last_target = 0;
  for (int32_t axis = 0; axis < p.rank; ++axis) {
    const int64_t source_reach = p.source_stride[axis] * (p.extent[axis] - 1);
    const int64_t target_reach = p.target_stride[axis] * (p.extent[axis] - 1);
    if (source_reach < 0) c.source_offset -= source_reach;
    if (target_reach < 0) c.target_offset -= target_reach;
    last_source += std::abs(source_reach);
    last_target += std::abs(target_reach);
  }
  c.source_size = last_source + 1;
  c.target_size = last_target + 1;
  return c;
}

std::vector<uint8_t> expected_target(const Case& c, const std::vector<uint8_t>& source) {
  const auto size = static_cast<int64_t>(c.params.element_size);
  std::vector<uint8_t> target(static_cast<std::size_t>(c.target_size * size), 77);
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

std::vector<uint8_t> run(const KernelTable& table, const Case& c,
                         const std::vector<uint8_t>& source, Random* random = nullptr) {
  const auto size = static_cast<int64_t>(c.params.element_size);
  std::vector<uint8_t> target(static_cast<std::size_t>(c.target_size * size), 77);
  const auto items = static_cast<std::size_t>(c.params.extent[0]);
  for (std::size_t begin = 0; begin < items;) {
    std::size_t end = items;
    if (random) {
      end =
          begin + static_cast<std::size_t>(random->integer(1, static_cast<int32_t>(items - begin)));
    }
    table.copy(c.params, source.data() + c.source_offset * size,
               target.data() + c.target_offset * size, {.begin = begin, .end = end});
    begin = end;
  }
  return target;
}

TEST_CASE("strided copies put each element in its place, in one range or in many") {
  Random random(41);
  for (int round = 0; round < 400; ++round) {
    const Case c = random_case(random);
    const std::vector<uint8_t> source = random.integers<uint8_t>(
        static_cast<std::size_t>(c.source_size) * c.params.element_size, 0, 255);
    const std::vector<uint8_t> expected = expected_target(c, source);
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name << ", seed " << random.seed << ", round " << round << ": "
                    << describe(c));
      CHECK(run(*table, c, source) == expected);
      CHECK(run(*table, c, source, &random) == expected);
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
