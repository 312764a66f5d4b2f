#include "engine/score_types.h"
#include "graph/graph.h"

namespace octet::graph {

ScoreType score_type(const Graph& graph) {
  ScoreTypes types(graph.tensors.size());
  for (const Node& node : graph.nodes) {
    types.pass(node.op, node.attributes, node.inputs, node.output,
               [&](TensorId id) { return graph.tensor(id).is_constant(); });
  }
  return types.of(graph.outputs[0]);
}

}  // namespace octet::graph
