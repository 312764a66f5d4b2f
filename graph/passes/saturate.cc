#include <algorithm>
#include <iterator>

#include "engine/operator_table.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

/// The range of the real values that u8 values stand for.
Bounds range_of(const Quantization& q) {
  return {.min = static_cast<float>(0 - q.zero_point) * q.scale,
          .max = static_cast<float>(255 - q.zero_point) * q.scale};
}

void tighten(Bounds& bounds, const Bounds& range) {
  bounds = {.min = std::clamp(bounds.min, range.min, range.max),
            .max = std::clamp(bounds.max, range.min, range.max)};
}

bool is_within(const Bounds& inner, const Bounds& outer) {
  return inner.min >= outer.min && inner.max <= outer.max;
}

Bounds* bounds_to_tighten(Node& node) {
  if (auto* a = std::get_if<ConvAttributes>(&node.attributes)) return &a->bounds;
  if (auto* a = std::get_if<BinaryAttributes>(&node.attributes)) return &a->bounds;
  if (auto* a = std::get_if<ClipAttributes>(&node.attributes)) return &a->bounds;
  return nullptr;
}

// Whether the results lie between the values of the operand, or between them and 0.
bool stays_between(const Node& node) { return moves_bytes(node) || row_of(node.op).stays_between; }

// The range of the result that follows from the scales of the operands; no bounds if nothing
// follows.
Bounds known_range(const Graph& graph, const Node& node) {
  if (node.op == Op::softmax) return row_of(node.op).range;
  if (!stays_between(node) && node.op != Op::concat) return {};
  Bounds range = {.min = 0, .max = 0};
  for (const TensorId id : moved_operands(node)) {
    const auto& q = graph.tensor(id).quantization;
    if (!q) return {};
    range = {.min = std::min(range.min, range_of(*q).min),
             .max = std::max(range.max, range_of(*q).max)};
  }
  if (const auto* pad = std::get_if<PadAttributes>(&node.attributes)) {
    range = {.min = std::min(range.min, pad->value), .max = std::max(range.max, pad->value)};
  }
  return range;
}

// The range of the result's bytes. For a softmax it reaches one level further: bytes of 1/256 do
// not reach a probability of 1, but that is rounding, which float does not do.
Bounds range_to_keep(const Node& node, const Quantization& q) {
  Bounds range = range_of(q);
  if (node.op == Op::softmax) range.max += std::min(q.scale, 1.0f / 128);
  return range;
}

Node make_clip(std::string name, const Bounds& range, TensorId input, TensorId output) {
  return {.name = std::move(name),
          .op = Op::clip,
          .attributes = ClipAttributes{range},
          .inputs = {input},
          .outputs = {output}};
}

void clip_inputs(Graph& graph) {
  std::vector<Node> clips;
  for (const TensorId id : graph.inputs) {
    const Tensor input = graph.tensor(id);
    if (!input.quantization || input.given_in_bytes) continue;
    const TensorId clipped = graph.add_tensor({.name = input.name + ".in_range",
                                               .shape = input.shape,
                                               .quantization = input.quantization});
    graph.redirect(id, clipped);
    clips.push_back(make_clip(input.name + ".range", range_of(*input.quantization), id, clipped));
  }
  graph.nodes.insert(graph.nodes.begin(), clips.begin(), clips.end());
}

}  // namespace

Status saturate(Graph& graph) {
  clip_inputs(graph);
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    std::vector<Node> clips;
    for (TensorId& result : node.outputs) {
      const Tensor output = graph.tensor(result);
      if (output.type != Type::f32 || !output.quantization ||
          is_within(known_range(graph, node), range_to_keep(node, *output.quantization)))
        continue;
      const Bounds range = range_of(*output.quantization);
      if (Bounds* bounds = bounds_to_tighten(node)) {
        tighten(*bounds, range);
        continue;
      }
      // The result keeps its name: what the node gives has another.
      const TensorId unbounded =
          graph.add_tensor({.name = output.name + ".unbounded", .shape = output.shape});
      clips.push_back(make_clip(node.name + ".range", range, unbounded, result));
      clips.back().precision = node.precision;
      result = unbounded;
    }
    nodes.push_back(std::move(node));
    std::ranges::move(clips, std::back_inserter(nodes));
  }
  graph.nodes = std::move(nodes);
  return {};
}

}  // namespace octet::graph
