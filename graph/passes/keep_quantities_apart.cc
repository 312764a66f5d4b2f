#include <algorithm>
#include <cstdio>

#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// A range that would have fewer than 255 / 4 steps of the scale that it is joined in is another
// quantity: scores beside boxes, an offset within a cell beside the cell's place.
constexpr float most_apart = 4;

// What joins, sums or cuts on the way to an output: from there on no layer, which would need bytes
// of one scale, stands between. Layers may read it as well; they quantize it for themselves.
class Ends {
 public:
  explicit Ends(Graph& graph) : graph_(graph), ends_(graph.nodes.size(), false) {
    for (std::size_t i = graph.nodes.size(); i-- > 0;) {
      const Node& node = graph.nodes[i];
      const auto leads = [&](int reader) { return ends_[static_cast<std::size_t>(reader)]; };
      ends_[i] = !is_layer(node) && (graph.is_output(node.output) ||
                                     std::ranges::any_of(graph.readers_of(node.output), leads));
    }
  }

  bool holds(int node) const { return node >= 0 && ends_[static_cast<std::size_t>(node)]; }

  // The node and everything behind it.
  void keep_float(int index, const std::string& reason) {
    Node& node = graph_.nodes[static_cast<std::size_t>(index)];
    if (node.precision != Precision::undecided) return;
    node.precision = Precision::float32;
    node.reason = reason;
    keep_readers_float(node.output, reason);
  }

  // From the layers, or whatever computes, before `id` on.
  void keep_float_from_source(TensorId id, const std::string& reason) {
    const int index = graph_.producer_of(id);
    const bool only_passes_on =
        holds(index) && passes_on(graph_.nodes[static_cast<std::size_t>(index)]);
    if (!only_passes_on) return keep_readers_float(id, reason);
    for (const TensorId input : moved_operands(graph_.nodes[static_cast<std::size_t>(index)]))
      keep_float_from_source(input, reason);
  }

 private:
  static bool passes_on(const Node& node) { return moves_bytes(node) || node.op == Op::concat; }

  void keep_readers_float(TensorId id, const std::string& reason) {
    for (const int reader : graph_.readers_of(id)) {
      if (holds(reader)) keep_float(reader, reason);
    }
  }

  Graph& graph_;
  std::vector<bool> ends_;
};

std::string reason_of(float fine, float coarse) {
  char text[160];
  std::snprintf(
      text, sizeof(text),
      "different quantities, with steps of %.2g and %.2g, which one scale cannot hold: in "
      "float up to the output",
      static_cast<double>(fine), static_cast<double>(coarse));
  return text;
}

}  // namespace

Status keep_quantities_apart(Graph& graph) {
  Ends ends(graph);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto index = static_cast<int>(i);
    const Node node = graph.nodes[i];
    if (!ends.holds(index) || node.precision != Precision::undecided) continue;
    const auto& result = graph.tensor(node.output).quantization;
    if (!result) continue;
    if (node.op == Op::concat || node.op == Op::add || node.op == Op::sub) {
      for (const TensorId id : node.inputs) {
        const auto& operand = graph.tensor(id).quantization;
        if (!operand || graph.tensor(id).is_constant()) continue;
        if (result->scale > most_apart * operand->scale)
          ends.keep_float(index, reason_of(operand->scale, result->scale));
      }
    }
    if (node.op == Op::slice) {
      const auto& whole = graph.tensor(node.inputs[0]).quantization;
      if (whole && whole->scale > most_apart * result->scale)
        ends.keep_float_from_source(node.inputs[0], reason_of(result->scale, whole->scale));
    }
  }
  return {};
}

}  // namespace octet::graph
