#include <algorithm>

#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// Can the layer that writes operand `which` of the add take the add over?
bool can_take(const Graph& graph, std::size_t add_index, std::size_t which) {
  const Node& add = graph.nodes[add_index];
  const TensorId operand = add.inputs[which];
  const int layer_index = graph.producer_of(operand);
  if (layer_index < 0 || !graph.read_only_by(operand, static_cast<int>(add_index))) return false;
  const Node& layer = graph.nodes[static_cast<std::size_t>(layer_index)];
  if (!is_layer(layer)) return false;
  const auto& a = std::get<ConvAttributes>(layer.attributes);
  const Shape& output = graph.tensor(add.output).shape;
  const Tensor& other = graph.tensor(add.inputs[1 - which]);
  return !a.has_residual && !a.bounds.bounded() && layer.precision == add.precision &&
         !other.is_constant() && other.shape == output && graph.tensor(operand).shape == output;
}

}  // namespace

Status fuse_residual_add(Graph& graph) {
  // The convolution's own rounding would be lost, and with it the bytes of the framework that made
  // the model.
  if (graph.keeps_rounding) return {};
  std::vector<bool> gone(graph.nodes.size(), false);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::add) continue;
    const bool first = can_take(graph, i, 0);
    const bool second = can_take(graph, i, 1);
    if (!first && !second) continue;
    const Node add = graph.nodes[i];
    // Of two layers the later one: the earlier one's output is then ready when it runs.
    const bool second_is_later =
        graph.producer_of(add.inputs[1]) > graph.producer_of(add.inputs[0]);
    const std::size_t which = !first || (second && second_is_later) ? 1 : 0;
    const auto layer_index = static_cast<std::size_t>(graph.producer_of(add.inputs[which]));

    Node layer = graph.nodes[layer_index];
    auto& a = std::get<ConvAttributes>(layer.attributes);
    a.has_residual = true;
    a.bounds = std::get<BinaryAttributes>(add.attributes).bounds;
    layer.inputs.push_back(add.inputs[1 - which]);
    layer.output = add.output;
    layer.fused.push_back(add.name);
    layer.fused.insert(layer.fused.end(), add.fused.begin(), add.fused.end());
    // It runs where the add ran: by then the other operand is there, and nobody waited for the
    // layer alone.
    graph.nodes[i] = std::move(layer);
    gone[layer_index] = true;
    graph.nodes[layer_index].inputs.clear();
    graph.nodes[layer_index].output = -1;
  }
  graph.erase_nodes(gone);
  return {};
}

}  // namespace octet::graph
