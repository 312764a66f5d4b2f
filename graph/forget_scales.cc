#include "graph/graph.h"
#include "graph/passes/passes.h"

namespace octet::graph {

Expected<void> forget_scales(Graph& graph) {
  if (graph.unscaled_is_float) {
    if (auto ok = saturate(graph); !ok) return ok;
  }
  for (Node& node : graph.nodes) {
    if (node.reason.starts_with(left_in_float)) {
      node.precision = Precision::undecided;
      node.reason.clear();
    }
    if (!is_layer(node)) continue;
    if (auto ok = dequantize_layer(graph, node); !ok) return ok;
    node.weight_quantization.reset();
  }
  for (Tensor& tensor : graph.tensors) tensor.quantization.reset();
  graph.keeps_rounding = false;
  graph.has_authors_borders = false;
  graph.unscaled_is_float = false;
  return {};
}

}  // namespace octet::graph
