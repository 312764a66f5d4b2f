// Which values whole numbers may have that are computed at run time. Files compute in 64 bits what
// octet computes in 32: it may where nothing can leave them.
#pragma once

#include <map>

#include "graph/graph.h"

namespace octet::loaders {

/// A constant of s32; nothing where one of the values does not fit.
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

  /// Of the result of a node of the graph on s32, before it wraps around: what 64 bits would hold.
  IntegerRange computed_by(const graph::Node& node);

 private:
  IntegerRange of(graph::TensorId id);
  IntegerRange result_of(const graph::Node& node);

  const graph::Graph& graph_;
  std::map<graph::TensorId, IntegerRange> known_;  ///< Of what nodes before `next_` wrote.
  std::size_t next_ = 0;
};

}  // namespace octet::loaders
