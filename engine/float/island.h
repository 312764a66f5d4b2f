// A float island is a run of float32 nodes. XNNPACK runtimes run the nodes whose operators it has,
// loops run the others. If all nodes of an island can be exact and exact results are wanted, loops
// run all of them, and the bytes are the same on every CPU.
#pragma once

#include <pthreadpool.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/operator.h"
#include "engine/threads.h"

namespace octet {

/// A value of the island: a constant, an activation that a node writes, or an activation that comes
/// from outside or goes there.
struct FloatValue {
  Shape shape;
  /// Null for an activation. The memory has to outlive the island.
  const float* constant = nullptr;
  /// The memory from which an input is read or to which an output is written; null for values that
  /// stay inside the island. XNNPACK may read 16 bytes beyond its end.
  float* external = nullptr;
};

struct FloatNode {
  std::string name;  ///< For error messages.
  Op op;
  Attributes attributes;
  std::vector<int32_t> inputs;   ///< Indices of values.
  std::vector<int32_t> outputs;  ///< Indices of values.

  /// The result of a node that has exactly one.
  int32_t output() const { return only_result(outputs); }
};

class FloatIsland {
 public:
  /// Nodes are in order: each reads constants, external inputs, or results of earlier nodes.
  /// `threads`, and `table`, from which the loops take functions, have to outlive the island.
  /// Errors name the node. All memory that run() needs is allocated here.
  static Expected<std::unique_ptr<FloatIsland>> create(std::vector<FloatNode> nodes,
                                                       std::vector<FloatValue> values,
                                                       const ThreadPool& threads,
                                                       const kernels::KernelTable& table,
                                                       bool exact);
  virtual ~FloatIsland() = default;

  /// Reads the external inputs and writes the external outputs. Allocates nothing (XNNPACK may).
  virtual Expected<void> run() = 0;

  /// Bytes of activations and scratch that the island keeps. XNNPACK's own memory is not known and
  /// not counted.
  virtual std::size_t memory_bytes() const = 0;
};

/// The library that runs float nodes in this build: "xnnpack" (with octet's loops for what it
/// lacks) or "eigen" (octet's loops, whose convolutions use Eigen's arrays).
const char* float_library();

/// Whether XNNPACK, in the version that octet is built with, runs this node. Otherwise loops do.
bool xnnpack_runs(Op op, const Attributes& attributes, std::span<const Shape> inputs,
                  const Shape& output);

}  // namespace octet
