#include "loaders/layout.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace octet::loaders {

using graph::Graph;
using graph::Node;
using graph::TensorId;

AxisOrder identity_order(std::size_t rank) {
  AxisOrder order(rank);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

AxisOrder channels_last_order(std::size_t rank) {
  AxisOrder order = identity_order(rank);
  if (rank > 2) std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  return order;
}

int32_t stored_axis(const AxisOrder& order, int32_t axis) {
  return static_cast<int32_t>(std::ranges::find(order, axis) - order.begin());
}

Shape stored_shape(const Shape& logical, const AxisOrder& order) {
  Shape shape;
  for (const int32_t axis : order) shape.push_back(logical[static_cast<std::size_t>(axis)]);
  return shape;
}

std::vector<std::byte> permute(std::span<const std::byte> values, const Shape& shape,
                               const AxisOrder& order, std::size_t element_size) {
  std::vector<std::size_t> stride(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;)
    stride[i - 1] = stride[i] * static_cast<std::size_t>(shape[i]);
  const Shape target = stored_shape(shape, order);
  std::vector<std::byte> out(values.size());
  std::vector<int32_t> position(shape.size(), 0);
  for (std::size_t at = 0; at < out.size(); at += element_size) {
    std::size_t from = 0;
    for (std::size_t i = 0; i < position.size(); ++i) {
      from += static_cast<std::size_t>(position[i]) * stride[static_cast<std::size_t>(order[i])];
    }
    std::memcpy(&out[at], &values[from * element_size], element_size);
    for (std::size_t i = position.size(); i-- > 0;) {
      if (++position[i] < target[i]) break;
      position[i] = 0;
    }
  }
  return out;
}

namespace {

std::string unique_name(const Graph& graph, const std::string& wanted) {
  std::string name = wanted;
  for (int n = 2;; ++n) {
    const bool taken =
        std::ranges::any_of(graph.nodes, [&](const Node& node) { return node.name == name; });
    if (!taken) return name;
    name = wanted + std::to_string(n);
  }
}

TensorId add_layout_node(Graph& graph, TensorId from, Op op, Attributes attributes, Shape shape) {
  const graph::Tensor& input = graph.tensor(from);
  const std::string name =
      unique_name(graph, input.name + (op == Op::reshape ? ".reshape" : ".transpose"));
  graph::Tensor output{.name = name,
                       .type = input.type,
                       .shape = std::move(shape),
                       .quantization = input.quantization};
  const TensorId to = graph.add_tensor(std::move(output));
  graph.nodes.push_back({.name = name,
                         .op = op,
                         .attributes = std::move(attributes),
                         .inputs = {from},
                         .outputs = {to}});
  return to;
}

// Whether the axes of more than one element stay in their order.
bool only_moves_ones(const Shape& stored, const AxisOrder& permutation) {
  int32_t last = -1;
  for (const int32_t axis : permutation) {
    if (stored[static_cast<std::size_t>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

}  // namespace

Value stored_as(Graph& graph, const Value& value, const AxisOrder& order) {
  if (value.order == order) return value;
  AxisOrder permutation;  // a permutation of the stored axes
  for (const int32_t axis : order) permutation.push_back(stored_axis(value.order, axis));
  const Shape from = stored_shape(value.shape, value.order);
  const Shape to = stored_shape(value.shape, order);
  Value out{.shape = value.shape, .order = order};
  const graph::Tensor& tensor = graph.tensor(value.id);
  if (tensor.is_constant()) {
    graph::Tensor constant{
        .name = tensor.name, .type = tensor.type, .shape = to, .quantization = tensor.quantization};
    constant.data = permute(*tensor.data, from, permutation, type_size(tensor.type));
    out.id = graph.add_tensor(std::move(constant));
  } else if (only_moves_ones(from, permutation)) {
    out.id = add_layout_node(graph, value.id, Op::reshape, ReshapeAttributes{to}, to);
  } else {
    out.id = add_layout_node(graph, value.id, Op::transpose, TransposeAttributes{permutation}, to);
  }
  return out;
}

Value with_rank(Graph& graph, const Value& value, std::size_t rank) {
  if (value.shape.size() >= rank) return value;
  const Value plain = stored_as(graph, value, identity_order(value.shape.size()));
  Value out{.shape = Shape(rank - plain.shape.size(), 1), .order = identity_order(rank)};
  out.shape.insert(out.shape.end(), plain.shape.begin(), plain.shape.end());
  const graph::Tensor& tensor = graph.tensor(plain.id);
  if (tensor.is_constant()) {
    graph::Tensor constant = tensor;
    constant.shape = out.shape;
    out.id = graph.add_tensor(std::move(constant));
  } else {
    out.id = add_layout_node(graph, plain.id, Op::reshape, ReshapeAttributes{out.shape}, out.shape);
  }
  return out;
}

}  // namespace octet::loaders
