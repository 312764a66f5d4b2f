// A float island: a run of float32 nodes, as XNNPACK runtimes where it has the operator and loops
// where not. Where all of its nodes can be exact, loops run all of it if that is wanted, and the
// bytes are the same on every CPU.
#pragma once

#include <pthreadpool.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/operator.h"
#include "engine/threads.h"

namespace octet {

/// A value of the island: an activation that a node writes, one that comes from or goes outside, or
/// a constant.
struct FloatValue {
  Shape shape;
  const float* constant = nullptr;  ///< Null for an activation. Outlives the island.
  /// Where an input is read from or an output written to; null inside the island. XNNPACK may read
  /// 16 bytes beyond.
  float* external = nullptr;
};

struct FloatNode {
  std::string name;  ///< For errors.
  Op op;
  Attributes attributes;
  std::vector<int32_t> inputs;   ///< Indices of values.
  std::vector<int32_t> outputs;  ///< Indices of values.

  /// The result of a node that has one.
  int32_t output() const { return only_result(outputs); }
};

class FloatIsland {
 public:
  /// Nodes are in order: each reads constants, external inputs, or what earlier ones wrote.
  /// `threads` and `table`, whose functions the loops take, outlive the island. Errors name the
  /// node. All memory that `run` needs is allocated here.
  static Expected<std::unique_ptr<FloatIsland>> create(std::vector<FloatNode> nodes,
                                                       std::vector<FloatValue> values,
                                                       const ThreadPool& threads,
                                                       const kernels::KernelTable& table,
                                                       bool exact);
  virtual ~FloatIsland() = default;

  /// Reads the external inputs and writes the external outputs. Allocates nothing of ours.
  virtual Expected<void> run() = 0;

  /// Bytes of activations and scratch that the island keeps for itself (XNNPACK's own are not
  /// known).
  virtual std::size_t memory_bytes() const = 0;
};

/// What runs float nodes in this build: "xnnpack" (with loops for what it lacks) or "eigen"
/// (whose products convolutions are).
const char* float_library();

/// Does XNNPACK run this node (in the version built against)? Otherwise loops do.
bool xnnpack_runs(Op op, const Attributes& attributes, std::span<const Shape> inputs,
                  const Shape& output);

}  // namespace octet
