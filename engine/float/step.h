// What a float island is made of, inside the engine.
#pragma once

#include "engine/float/island.h"

namespace octet {

/// Runs one or more nodes of an island on fixed memory.
class FloatStep {
 public:
  virtual ~FloatStep() = default;
  /// Allocates nothing of ours.
  virtual Expected<void> run() = 0;
  /// Bytes of packed weights, constants and scratch.
  virtual std::size_t memory_bytes() const = 0;
};

using FloatStepResult = Expected<std::unique_ptr<FloatStep>>;

/// Who may run an island's nodes: XNNPACK where it can, or loops alone.
enum class FloatBackend : uint8_t { fastest, loops };

/// FloatIsland::create with a choice. `pool` is for XNNPACK and convolutions, `threads` for all
/// other loops; either may be null.
Expected<std::unique_ptr<FloatIsland>> create_float_island(
    std::vector<FloatNode> nodes, std::vector<FloatValue> values, pthreadpool_t pool,
    const kernels::KernelTable& table, FloatBackend backend, const ThreadPool* threads = nullptr);

}  // namespace octet
