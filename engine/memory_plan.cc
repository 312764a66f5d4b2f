#include "engine/memory_plan.h"

#include <algorithm>
#include <utility>

namespace octet {
namespace {

constexpr std::size_t alignment = 64;

std::size_t aligned(std::size_t size) { return (size + alignment - 1) / alignment * alignment; }

bool overlap(const BufferLifetime& a, const BufferLifetime& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

std::size_t largest_live_sum(std::span<const BufferLifetime> buffers) {
  std::size_t largest = 0;
  for (const BufferLifetime& at : buffers) {
    std::size_t sum = 0;
    // The largest sum is reached in a step in which some buffer begins, so only these are tried.
    for (const BufferLifetime& b : buffers) {
      if (b.first_step <= at.first_step && at.first_step <= b.last_step) sum += aligned(b.size);
    }
    largest = std::max(largest, sum);
  }
  return largest;
}

/// Returns the indices [0, count), sorted by key, the lowest first.
template <class Key>
std::vector<std::size_t> sorted(std::size_t count, const Key& key) {
  std::vector<std::pair<std::size_t, std::size_t>> keyed(count);
  for (std::size_t i = 0; i < count; ++i) keyed[i] = {key(i), i};
  std::sort(keyed.begin(), keyed.end());
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = keyed[i].second;
  return order;
}

// Returns the lowest offset at which `size` bytes are free during `lifetime`. `placed` has the
// numbers of the buffers that have a place already, sorted by offset.
std::size_t lowest_free(std::span<const BufferLifetime> buffers,
                        std::span<const std::size_t> offsets, std::span<const std::size_t> placed,
                        const BufferLifetime& lifetime) {
  const std::size_t size = aligned(lifetime.size);
  std::size_t offset = 0;
  for (const std::size_t other : placed) {
    if (!overlap(lifetime, buffers[other])) continue;
    if (offsets[other] >= offset + size) break;
    offset = std::max(offset, offsets[other] + aligned(buffers[other].size));
  }
  return offset;
}

}  // namespace

MemoryPlan plan_memory(std::span<const BufferLifetime> buffers) {
  MemoryPlan plan;
  plan.offsets.resize(buffers.size());
  plan.lower_bound = largest_live_sum(buffers);
  const std::vector<std::size_t> order =
      sorted(buffers.size(), [&](std::size_t i) { return ~buffers[i].size; });
  std::vector<std::size_t> placed;  // sorted by offset
  for (const std::size_t index : order) {
    const std::size_t offset = lowest_free(buffers, plan.offsets, placed, buffers[index]);
    plan.offsets[index] = offset;
    plan.size = std::max(plan.size, offset + aligned(buffers[index].size));
    auto at = placed.begin();
    while (at != placed.end() && plan.offsets[*at] <= offset) ++at;
    placed.insert(at, index);
  }
  return plan;
}

std::optional<std::size_t> find_gap(std::span<const BufferLifetime> buffers, const MemoryPlan& plan,
                                    int step, std::size_t size) {
  const std::vector<std::size_t> by_offset =
      sorted(buffers.size(), [&](std::size_t i) { return plan.offsets[i]; });
  const std::size_t offset = lowest_free(buffers, plan.offsets, by_offset,
                                         {.size = size, .first_step = step, .last_step = step});
  if (offset + aligned(size) > plan.size) return std::nullopt;
  return offset;
}

}  // namespace octet
