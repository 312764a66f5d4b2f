// The parts of a float island, for use inside the engine.
#pragma once

#include "engine/float/island.h"

namespace octet {

/// Runs one or more nodes of an island. Their memory is fixed when it is made.
class FloatStep {
 public:
  virtual ~FloatStep() = default;
  /// Allocates nothing (XNNPACK may).
  virtual Expected<void> run() = 0;
  /// Bytes of packed weights, constants and scratch.
  virtual std::size_t memory_bytes() const = 0;
};

using FloatStepResult = Expected<std::unique_ptr<FloatStep>>;

/// What runs an island's nodes: XNNPACK where it can, or loops alone.
enum class FloatBackend : uint8_t { fastest, loops };

/// FloatIsland::create with a choice of backend. `pool` is for XNNPACK and convolutions, `threads`
/// for all other loops; either may be null.
Expected<std::unique_ptr<FloatIsland>> create_float_island(
    std::vector<FloatNode> nodes, std::vector<FloatValue> values, pthreadpool_t pool,
    const kernels::KernelTable& table, FloatBackend backend, const ThreadPool* threads = nullptr);

}  // namespace octet
