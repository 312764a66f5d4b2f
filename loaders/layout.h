// Channels-first graphs, stored channels-last.
//
// A value has the logical axes that the model's author knows (N, C, H, W) and is stored in an order
// of its own: the tensor's axis i holds logical axis order[i]. A transpose of the author's then
// only renames axes, and a transpose node is made only where an operator needs another storage
// order than its operand has.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace octet::loaders {

using AxisOrder = std::vector<int32_t>;

struct Value {
  graph::TensorId id = 0;
  Shape shape;      ///< logical
  AxisOrder order;  ///< stored axis i is logical axis order[i]
};

AxisOrder identity_order(std::size_t rank);

/// N, spatial axes, C for logical N, C, spatial axes.
AxisOrder channels_last_order(std::size_t rank);

/// The stored axis that holds logical axis `axis`.
int32_t stored_axis(const AxisOrder& order, int32_t axis);

/// The shape as stored.
Shape stored_shape(const Shape& logical, const AxisOrder& order);

/// A row-major array with its axes permuted: output axis i is input axis order[i].
std::vector<std::byte> permute(std::span<const std::byte> values, const Shape& shape,
                               const AxisOrder& order, std::size_t element_size);

/// `value` stored in `order`: itself, a reshape where only axes of extent 1 move, a permuted
/// constant, or a transpose node added to the graph.
Value stored_as(graph::Graph& graph, const Value& value, const AxisOrder& order);

/// `value` with leading logical axes of extent 1 up to `rank`, for broadcasting.
Value with_rank(graph::Graph& graph, const Value& value, std::size_t rank);

}  // namespace octet::loaders
