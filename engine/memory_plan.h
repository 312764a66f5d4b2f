// Places activations in one arena, by their lifetimes.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace octet {

/// A buffer lives from the step that writes it to the last step that reads it, both included.
struct BufferLifetime {
  std::size_t size = 0;
  int first_step = 0;
  int last_step = 0;
};

struct MemoryPlan {
  std::vector<std::size_t> offsets;  ///< One for each buffer, a multiple of 64.
  std::size_t size = 0;
  std::size_t lower_bound = 0;  ///< The largest sum of buffers that live in the same step.
};

/// Places the largest buffers first, each at the lowest free offset (Pisarchyk and Lee 2020,
/// "greedy by size").
MemoryPlan plan_memory(std::span<const BufferLifetime> buffers);

/// Returns the lowest offset, a multiple of 64, at which `size` bytes of the plan's memory belong
/// to no buffer during `step`; nothing if there is no such offset.
std::optional<std::size_t> find_gap(std::span<const BufferLifetime> buffers, const MemoryPlan& plan,
                                    int step, std::size_t size);

}  // namespace octet
