// Graphs whose axes are channels-first, stored channels-last.
//
// A value has the logical axes that the model's author knows (N, C, H, W), and is stored in an
// order of its own: the tensor's axis i holds logical axis order[i]. So a transpose by the author
// only renames axes. A transpose node is made only where an operator needs another storage order
// than its operand has.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace octet::loaders {

using AxisOrder = std::vector<int32_t>;

struct Value {
  graph::TensorId id = 0;
  Shape shape;      ///< The logical shape.
  AxisOrder order;  ///< Stored axis i is logical axis order[i].
};

AxisOrder identity_order(std::size_t rank);

/// Returns the order N, spatial axes, C for logical axes N, C, spatial axes.
AxisOrder channels_last_order(std::size_t rank);

/// Returns the stored axis that holds logical axis `axis`.
int32_t stored_axis(const AxisOrder& order, int32_t axis);

/// Returns the shape in stored order.
Shape stored_shape(const Shape& logical, const AxisOrder& order);

/// Returns a row-major array with its axes permuted: output axis i is input axis order[i].
std::vector<std::byte> permute(std::span<const std::byte> values, const Shape& shape,
                               const AxisOrder& order, std::size_t element_size);

/// Returns `value` stored in `order`. That is `value` itself, a reshape if only axes of extent 1
/// move, a permuted constant, or the result of a transpose node that is added to the graph.
Value stored_as(graph::Graph& graph, const Value& value, const AxisOrder& order);

/// Adds logical axes of extent 1 in front of the others, up to `rank`, for broadcasting.
Value with_rank(graph::Graph& graph, const Value& value, std::size_t rank);

}  // namespace octet::loaders
