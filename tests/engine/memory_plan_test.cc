#include "engine/memory_plan.h"

#include "tests/kernels/random.h"

using octet::BufferLifetime;
using octet::find_gap;
using octet::MemoryPlan;
using octet::plan_memory;
using octet::test::Random;

namespace {

bool live_together(const BufferLifetime& a, const BufferLifetime& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

// Returns the first pair of buffers that share memory while both live; empty if there is none.
std::string first_conflict(const std::vector<BufferLifetime>& buffers, const MemoryPlan& plan) {
  for (std::size_t a = 0; a < buffers.size(); ++a) {
    if (plan.offsets[a] % 64 != 0) return std::to_string(a) + " is not aligned";
    if (plan.offsets[a] + buffers[a].size > plan.size)
      return std::to_string(a) + " leaves the arena";
    for (std::size_t b = 0; b < a; ++b) {
      const bool apart = plan.offsets[a] + buffers[a].size <= plan.offsets[b] ||
                         plan.offsets[b] + buffers[b].size <= plan.offsets[a];
      if (live_together(buffers[a], buffers[b]) && !apart) {
        return std::to_string(a) + " overlaps " + std::to_string(b);
      }
    }
  }
  return "";
}

}  // namespace

TEST_CASE(
    "no two buffers that live at once share memory, and the arena is no less than the bound") {
  Random random(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<BufferLifetime> buffers;
    const int count = random.integer(0, 40);
    for (int i = 0; i < count; ++i) {
      const int first = random.integer(-1, 30);
      buffers.push_back({.size = static_cast<std::size_t>(random.integer(0, 5000)),
                         .first_step = first,
                         .last_step = first + random.integer(0, random.chance(0.2) ? 40 : 3)});
    }
    const MemoryPlan plan = plan_memory(buffers);
    const std::string conflict = first_conflict(buffers, plan);
    INFO("seed " << random.seed << ", round " << round << ": " << conflict);
    CHECK(conflict.empty());
    CHECK(plan.lower_bound <= plan.size);
  }
}

TEST_CASE("a gap is the lowest free place beside what lives in its step") {
  Random random(2);
  int found = 0;
  int refused = 0;
  for (int round = 0; round < 500; ++round) {
    std::vector<BufferLifetime> buffers;
    for (int i = 0; i < 20; ++i) {
      const int first = random.integer(-1, 10);
      buffers.push_back({.size = static_cast<std::size_t>(random.integer(0, 2000)),
                         .first_step = first,
                         .last_step = first + random.integer(0, 3)});
    }
    const MemoryPlan plan = plan_memory(buffers);
    const int step = random.integer(0, 10);
    const auto size = static_cast<std::size_t>(random.integer(1, 3000));
    // Tries every place, from the lowest on.
    std::optional<std::size_t> expected;
    for (std::size_t at = 0; !expected && (at + size + 63) / 64 * 64 <= plan.size; at += 64) {
      bool free = true;
      for (std::size_t b = 0; b < buffers.size(); ++b) {
        const bool lives = buffers[b].first_step <= step && step <= buffers[b].last_step;
        const bool apart = at + size <= plan.offsets[b] || plan.offsets[b] + buffers[b].size <= at;
        free = free && (!lives || apart);
      }
      if (free) expected = at;
    }
    INFO("seed " << random.seed << ", round " << round);
    CHECK(find_gap(buffers, plan, step, size) == expected);
    ++(expected ? found : refused);
  }
  CHECK(found > 50);
  CHECK(refused > 50);
}

TEST_CASE("a chain of layers needs two buffers at a time, and gets no more") {
  std::vector<BufferLifetime> buffers;
  for (int i = 0; i < 10; ++i)
    buffers.push_back({.size = 640, .first_step = i, .last_step = i + 1});
  const MemoryPlan plan = plan_memory(buffers);
  CHECK(plan.lower_bound == 1280);
  CHECK(plan.size == 1280);
}

TEST_CASE("a plan of nothing is empty") {
  const MemoryPlan plan = plan_memory({});
  CHECK(plan.size == 0);
  CHECK(plan.lower_bound == 0);
}
