#include <algorithm>

#include "graph/passes/folding.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// Whether the layer that writes operand `which` of the add can take the add over.
bool can_take(const Graph& graph, std::size_t add_index, std::size_t which) {
  const Node& add = graph.nodes[add_index];
  const TensorId operand = add.inputs[which];
  const int layer_index = graph.producer_of(operand);
  if (layer_index < 0 || !graph.read_only_by(operand, static_cast<int>(add_index))) return false;
  const Node& layer = graph.nodes[static_cast<std::size_t>(layer_index)];
  if (!is_layer(layer)) return false;
  const auto& a = std::get<ConvAttributes>(layer.attributes);
  return !a.has_residual && layer.precision == add.precision &&
         other_fits_as_residual(graph, add, which);
}

// If two layers could take the add, returns the one without an activation of its own, because an
// activation would have to be applied in between. Otherwise returns the later one, since the other
// one's output is then ready when it runs.
std::size_t better_taker(const Graph& graph, const Node& add) {
  const int producers[2] = {graph.producer_of(add.inputs[0]), graph.producer_of(add.inputs[1])};
  const auto bounded = [&](int layer) {
    const Node& node = graph.nodes[static_cast<std::size_t>(layer)];
    return std::get<ConvAttributes>(node.attributes).bounds.bounded();
  };
  if (bounded(producers[0]) != bounded(producers[1])) return bounded(producers[0]) ? 1 : 0;
  return producers[1] > producers[0] ? 1 : 0;
}

}  // namespace

Status fuse_residual_add(Graph& graph) {
  // Fusing would drop the convolution's own rounding, and the bytes would no longer be those of the
  // framework that made the model.
  if (graph.keeps_rounding) return {};
  std::vector<bool> gone(graph.nodes.size(), false);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::add) continue;
    const bool first = can_take(graph, i, 0);
    const bool second = can_take(graph, i, 1);
    if (!first && !second) continue;
    const Node add = graph.nodes[i];
    const std::size_t which = first && second ? better_taker(graph, add) : first ? 0 : 1;
    const auto layer_index = static_cast<std::size_t>(graph.producer_of(add.inputs[which]));

    Node layer = graph.nodes[layer_index];
    auto& a = std::get<ConvAttributes>(layer.attributes);
    a.has_residual = true;
    a.inner_bounds = a.bounds;
    a.bounds = std::get<BinaryAttributes>(add.attributes).bounds;
    layer.inputs.push_back(add.inputs[1 - which]);
    layer.outputs = {add.output()};
    take_names(layer, add);
    // The layer now runs where the add ran. There the other operand is ready, and nobody reads the
    // layer's result before.
    graph.nodes[i] = std::move(layer);
    gone[layer_index] = true;
    graph.nodes[layer_index].inputs.clear();
    graph.nodes[layer_index].outputs.clear();
  }
  graph.erase_nodes(gone);
  return {};
}

}  // namespace octet::graph
