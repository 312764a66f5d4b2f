#include <algorithm>

#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

bool is_border(const Node& node) { return node.op == Op::quantize || node.op == Op::dequantize; }

// What a tensor is in the author's framework. `levels_in_float` is a float tensor between a
// dequantize and a quantize whose values are all levels of a quantized tensor's scale: it may stay
// in bytes here.
enum class Domain : uint8_t {
  quantized,
  levels_in_float,
  real_float,
};

// Returns the quantization that all moved operands share, or nothing if they differ.
std::optional<Quantization> common_quantization(const Graph& graph, const Node& node) {
  const auto& first = graph.tensor(node.inputs[0]).quantization;
  const bool equal = std::ranges::all_of(
      moved_operands(node), [&](TensorId id) { return graph.tensor(id).quantization == first; });
  return equal ? first : std::nullopt;
}

// Whether a concat of operands with several scales may requantize them. It may if the only reader
// of its result is a quantize: then the result is rounded to that scale, and nobody sees it in
// float.
bool is_quantized_next(const Graph& graph, const Node& node) {
  const auto readers = graph.readers_of(node.output());
  return readers.size() == 1 && !graph.is_output(node.output()) &&
         graph.nodes[static_cast<std::size_t>(readers[0])].op == Op::quantize;
}

// Whether the result again has only levels of an operand's scale, if the operands have only levels.
bool keeps_levels(const Graph& graph, const Node& node) {
  if (!takes_operands_type(node)) return false;
  // The pad's value may lie between two levels; 0 never does.
  if (const auto* pad = std::get_if<PadAttributes>(&node.attributes)) return pad->value == 0;
  if (node.op != Op::concat || !graph.keeps_rounding) return true;
  return common_quantization(graph, node).has_value() || is_quantized_next(graph, node);
}

// Marks nodes before the first quantize and after a dequantize as float by the author's wish. Nodes
// that only move levels are not marked: they have the scale of their operand, whatever scale a
// quantize behind them has.
std::vector<Domain> mark_authors_float(Graph& graph) {
  std::vector<Domain> domains(graph.tensors.size(), Domain::quantized);
  const auto domain = [&](TensorId id) -> Domain& { return domains[static_cast<std::size_t>(id)]; };
  for (const TensorId id : graph.inputs) domain(id) = Domain::real_float;
  for (Node& node : graph.nodes) {
    if (node.op == Op::quantize) continue;
    Domain widest = Domain::quantized;
    for (const TensorId id : node.inputs) widest = std::max(widest, domain(id));
    if (node.op == Op::dequantize) widest = std::max(widest, Domain::levels_in_float);
    if (widest == Domain::quantized) continue;
    if (widest == Domain::real_float || !(is_border(node) || keeps_levels(graph, node))) {
      for (const TensorId id : node.outputs) domain(id) = Domain::real_float;
      if (is_border(node)) continue;
      node.precision = Precision::float32;
      node.reason = "left in float by the model's author, outside quantize and dequantize";
      continue;
    }
    for (const TensorId id : node.outputs) domain(id) = Domain::levels_in_float;
    const auto q = common_quantization(graph, node);
    for (const TensorId id : moved_results(node)) {
      if (q) graph.tensor(id).quantization = q;
    }
  }
  return domains;
}

// Turns a quantize into a clip without bounds. It is needed where the operand has another scale
// than the quantize, so that the operand cannot take it. If the operand has only levels, the clip
// is a requantization; if it is float, the clip is a float copy with that scale.
void keep_as_clip(Node& node, Domain operand) {
  node.op = Op::clip;
  node.attributes = ClipAttributes{};
  if (operand != Domain::real_float) return;
  node.precision = Precision::float32;
  node.reason = "a float tensor that its author quantizes in more than one way";
}

// Whether others than int8 nodes see the author's rounding. An int8 node rounds a float tensor when
// it reads it. A node that moves the tensor or reads it in float again would take it unrounded, so
// the author's rounding needs a node of its own.
bool rounds_for_others(const Graph& graph, const Node& node) {
  const bool reads_input = graph.is_input(node.inputs[0]);
  const auto readers = graph.readers_of(node.output());
  return graph.is_output(node.output()) || std::ranges::any_of(readers, [&](int index) {
           const Node& reader = graph.nodes[static_cast<std::size_t>(index)];
           return reader.op == Op::dequantize || (!reads_input && takes_operands_type(reader));
         });
}

// Whether the operand can take the quantize's scale: it has none yet, or the same one.
bool quantize_joins(const Graph& graph, const Node& node) {
  const auto& from = graph.tensor(node.inputs[0]).quantization;
  const auto& to = graph.tensor(node.output()).quantization;
  return !from || !to || *from == *to;
}

}  // namespace

Status absorb_quantize_nodes(Graph& graph) {
  if (std::ranges::none_of(graph.nodes, is_border)) return {};
  graph.has_authors_borders = true;
  const std::vector<Domain> domains = mark_authors_float(graph);
  std::vector<bool> gone(graph.nodes.size(), false);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& node = graph.nodes[i];
    if (!is_border(node)) continue;
    const TensorId from = node.inputs[0];
    const Domain operand = domains[static_cast<std::size_t>(from)];
    if (node.op == Op::quantize && !quantize_joins(graph, node)) {
      keep_as_clip(node, operand);
      continue;
    }
    if (node.op == Op::quantize) {
      if (!graph.tensor(from).quantization)
        graph.tensor(from).quantization = graph.tensor(node.output()).quantization;
      if (graph.keeps_rounding && operand == Domain::real_float && rounds_for_others(graph, node)) {
        keep_as_clip(node, Domain::quantized);
        continue;
      }
    }
    gone[i] = true;
    graph.redirect(node.output(), from);
  }
  graph.erase_nodes(gone);
  return {};
}

}  // namespace octet::graph
