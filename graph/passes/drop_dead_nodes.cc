#include <algorithm>

#include "graph/passes/passes.h"

namespace octet::graph {

Status drop_dead_nodes(Graph& graph) {
  std::vector<bool> needed(graph.tensors.size(), false);
  for (const TensorId id : graph.outputs) needed[static_cast<std::size_t>(id)] = true;
  std::vector<bool> dead(graph.nodes.size(), false);
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    dead[i] = std::ranges::none_of(
        node.outputs, [&](TensorId id) { return needed[static_cast<std::size_t>(id)]; });
    if (dead[i]) continue;
    for (const TensorId id : node.inputs) needed[static_cast<std::size_t>(id)] = true;
  }
  graph.erase_nodes(dead);
  return {};
}

}  // namespace octet::graph
