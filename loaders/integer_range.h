// Finds the ranges of whole numbers that are computed at run time. Files compute them in 64 bits,
// octet in 32. That is allowed if no number can leave 32 bits.
#pragma once

#include <map>

#include "graph/graph.h"

namespace octet::loaders {

/// Makes an s32 constant; returns nothing if a value does not fit.
std::optional<graph::Tensor> make_whole_constant(const std::string& name, const Shape& shape,
                                                 std::span<const int64_t> values);

struct IntegerRange {
  int64_t min = 0;
  int64_t max = 0;

  bool fits_s32() const;
};

class IntegerRanges {
 public:
  explicit IntegerRanges(const graph::Graph& graph) : graph_(graph) {}

  /// The range of the result of an s32 node, before it wraps around: the numbers that 64 bits would
  /// have.
  IntegerRange computed_by(const graph::Node& node);

 private:
  IntegerRange of(graph::TensorId id);
  IntegerRange result_of(const graph::Node& node);

  const graph::Graph& graph_;
  /// Ranges of the results of nodes before `next_`.
  std::map<graph::TensorId, IntegerRange> known_;
  std::size_t next_ = 0;
};

}  // namespace octet::loaders
