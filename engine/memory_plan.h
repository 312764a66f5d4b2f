// Offsets of activations in one arena, from their lifetimes.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace octet {

/// A buffer that lives from the step that writes it to the last that reads it, both included.
struct BufferLifetime {
  std::size_t size = 0;
  int first_step = 0;
  int last_step = 0;
};

struct MemoryPlan {
  std::vector<std::size_t> offsets;  ///< One a buffer, multiples of 64.
  std::size_t size = 0;
  std::size_t lower_bound = 0;  ///< The largest sum of buffers that live in one step.
};

/// Largest buffers first, each at the lowest free offset (Pisarchyk and Lee 2020, "greedy by
/// size").
MemoryPlan plan_memory(std::span<const BufferLifetime> buffers);

/// -> the lowest offset, a multiple of 64, of `size` bytes in the plan's memory that belong to no
/// buffer during `step`; nothing where they are not to be had.
std::optional<std::size_t> find_gap(std::span<const BufferLifetime> buffers, const MemoryPlan& plan,
                                    int step, std::size_t size);

}  // namespace octet
