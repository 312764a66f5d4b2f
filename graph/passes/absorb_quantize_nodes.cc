#include <algorithm>

#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

bool is_border(const Node& node) { return node.op == Op::quantize || node.op == Op::dequantize; }

// Runs in either type: it takes that of its operand, so an author's border beside it says nothing
// about it.
bool takes_operands_type(const Node& node) {
  return moves_bytes(node) || node.op == Op::argmax || node.op == Op::concat;
}

// Everything before the first quantize and after a dequantize is float by the author's wish.
void mark_authors_float(Graph& graph) {
  std::vector<bool> in_float(graph.tensors.size(), false);
  for (const TensorId id : graph.inputs) in_float[static_cast<std::size_t>(id)] = true;
  for (Node& node : graph.nodes) {
    const bool reads_float = std::ranges::any_of(
        node.inputs, [&](TensorId id) { return in_float[static_cast<std::size_t>(id)]; });
    const bool stays_float = node.op == Op::dequantize || (reads_float && node.op != Op::quantize);
    in_float[static_cast<std::size_t>(node.output)] = stays_float;
    if (stays_float && !is_border(node) && !takes_operands_type(node)) {
      node.precision = Precision::float32;
      node.reason = "left in float by the model's author, outside quantize and dequantize";
    }
  }
}

// A quantize beside another float reader or another quantization of the same tensor cannot lend its
// scale to the tensor: it stays, as a requantization of its own.
bool quantize_joins(const Graph& graph, const Node& node) {
  const auto& from = graph.tensor(node.inputs[0]).quantization;
  const auto& to = graph.tensor(node.output).quantization;
  return !from || !to || *from == *to;
}

}  // namespace

Status absorb_quantize_nodes(Graph& graph) {
  if (std::ranges::none_of(graph.nodes, is_border)) return {};
  graph.has_authors_borders = true;
  mark_authors_float(graph);
  std::vector<bool> gone(graph.nodes.size(), false);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& node = graph.nodes[i];
    if (!is_border(node)) continue;
    const TensorId from = node.inputs[0];
    if (node.op == Op::quantize && !quantize_joins(graph, node)) {
      // Another scale than its operand's: a clip without bounds is a requantization.
      node.op = Op::clip;
      node.attributes = ClipAttributes{};
      continue;
    }
    if (node.op == Op::quantize && !graph.tensor(from).quantization) {
      graph.tensor(from).quantization = graph.tensor(node.output).quantization;
    }
    gone[i] = true;
    graph.redirect(node.output, from);
  }
  graph.erase_nodes(gone);
  return {};
}

}  // namespace octet::graph
