#include <algorithm>

#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

/// The reals that u8 values stand for.
Bounds range_of(const Quantization& q) {
  return {.min = static_cast<float>(0 - q.zero_point) * q.scale,
          .max = static_cast<float>(255 - q.zero_point) * q.scale};
}

void tighten(Bounds& bounds, const Bounds& range) {
  bounds = {.min = std::clamp(bounds.min, range.min, range.max),
            .max = std::clamp(bounds.max, range.min, range.max)};
}

Bounds* bounds_of(Node& node) {
  if (auto* a = std::get_if<ConvAttributes>(&node.attributes)) return &a->bounds;
  if (auto* a = std::get_if<BinaryAttributes>(&node.attributes)) return &a->bounds;
  if (auto* a = std::get_if<ClipAttributes>(&node.attributes)) return &a->bounds;
  return nullptr;
}

// Results that lie between their operand's values: where that is saturated, so are they.
bool stays_within(const Graph& graph, const Node& node) {
  if (node.op == Op::softmax) return true;
  if (!graph.tensor(node.inputs[0]).quantization) return false;
  return moves_bytes(node) || node.op == Op::average_pool || node.op == Op::mean ||
         node.op == Op::resize || node.op == Op::identity || node.op == Op::quantize ||
         node.op == Op::dequantize;
}

}  // namespace

Status saturate(Graph& graph) {
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    const Tensor output = graph.tensor(node.output);
    if (output.type != Type::f32 || !output.quantization || stays_within(graph, node)) {
      nodes.push_back(std::move(node));
      continue;
    }
    const Bounds range = range_of(*output.quantization);
    if (Bounds* bounds = bounds_of(node)) {
      tighten(*bounds, range);
      nodes.push_back(std::move(node));
      continue;
    }
    // The result keeps its name: what the node gives has another.
    Node clip{.name = node.name + ".range",
              .op = Op::clip,
              .attributes = ClipAttributes{range},
              .output = node.output,
              .precision = node.precision};
    node.output = graph.add_tensor({.name = output.name + ".unbounded", .shape = output.shape});
    clip.inputs = {node.output};
    nodes.push_back(std::move(node));
    nodes.push_back(std::move(clip));
  }
  graph.nodes = std::move(nodes);
  return {};
}

}  // namespace octet::graph
