#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/operator_table.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

struct RealRange {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
};

Quantization quantization_for(RealRange range) {
  const float low = std::min(range.min, 0.0f);
  const float high = std::max(range.max, 0.0f);
  const float scale = (high - low) / 255.0f;
  return {.scale = scale, .zero_point = static_cast<int32_t>(std::nearbyint(-low / scale))};
}

void widen(RealRange& range, const Quantization& q) {
  range.min = std::min(range.min, q.scale * static_cast<float>(0 - q.zero_point));
  range.max = std::max(range.max, q.scale * static_cast<float>(255 - q.zero_point));
}

// The scale of results whose range is known, which need no observation: a 256th of the range, so
// that 0 and the levels nearest to the bounds are exact (1/256 for softmax and sigmoid, 1/128 about
// 128 for tanh).
std::optional<Quantization> scale_of_known_range(Op op) {
  const Bounds& range = row_of(op).range;
  if (!range.bounded()) return std::nullopt;
  const float scale = (range.max - range.min) / 256;
  return Quantization{.scale = scale, .zero_point = static_cast<int32_t>(-range.min / scale)};
}

void scale_of_concat(Graph& graph, const Node& node) {
  RealRange range;
  const auto& first = graph.tensor(node.inputs[0]).quantization;
  bool equal = true;
  for (const TensorId id : node.inputs) {
    const auto& q = graph.tensor(id).quantization;
    if (!q) return;
    equal = equal && *q == *first;
    widen(range, *q);
  }
  if (!equal && graph.unscaled_is_float) return;
  graph.tensor(node.output()).quantization = equal ? *first : quantization_for(range);
}

bool passes_scale_on(const Graph& graph, const Node& node) {
  // If the author left a result without a scale, it is quantized only if it has the very values of
  // the operand.
  if (graph.unscaled_is_float) {
    const auto* pad = std::get_if<PadAttributes>(&node.attributes);
    return moves_bytes(node) && (pad == nullptr || pad->value == 0);
  }
  // A pool keeps the scale of its operand if nothing else is said, as in every framework.
  return moves_bytes(node) || node.op == Op::clip || node.op == Op::average_pool;
}

// If the file rounds moved bytes to another scale than their operand's, the bytes are moved first,
// and a clip without bounds follows as a requantization.
void requantize_what_moved(Graph& graph) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!moves_bytes(graph.nodes[i]) || graph.nodes[i].precision == Precision::float32) continue;
    const Node node = graph.nodes[i];  // a copy: inserting a clip moves the nodes
    const Tensor input = graph.tensor(node.inputs[0]);
    for (std::size_t result = 0; result < moved_results(node).size(); ++result) {
      const Tensor output = graph.tensor(node.outputs[result]);
      if (!input.quantization || !output.quantization || input.quantization == output.quantization)
        continue;
      const TensorId moved = graph.add_tensor({.name = output.name + ".moved",
                                               .shape = output.shape,
                                               .quantization = input.quantization,
                                               .rounds = input.rounds});
      Node clip{.name = node.name + ".requantize",
                .op = Op::clip,
                .attributes = ClipAttributes{},
                .inputs = {moved},
                .outputs = {node.outputs[result]}};
      // Bounds that were fused into a max pool apply to the rounded result, so they go to the
      // clip.
      if (auto* pool = std::get_if<PoolAttributes>(&graph.nodes[i].attributes))
        std::get<ClipAttributes>(clip.attributes).bounds = std::exchange(pool->bounds, {});
      graph.nodes[i].outputs[result] = moved;
      graph.nodes.insert(graph.nodes.begin() + static_cast<std::ptrdiff_t>(i) + 1, std::move(clip));
    }
  }
}

}  // namespace

Status propagate_scales(Graph& graph) {
  for (const Node& node : graph.nodes) {
    for (const TensorId id : moved_results(node)) {
      auto& output = graph.tensor(id).quantization;
      if (output) continue;
      if (passes_scale_on(graph, node)) output = graph.tensor(node.inputs[0]).quantization;
      if (node.op == Op::concat) scale_of_concat(graph, node);
      if (!output && !graph.has_authors_borders) output = scale_of_known_range(node.op);
    }
  }
  // Backwards through nodes that move bytes: if the reshaped output of a layer was observed, the
  // layer's result has that scale.
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    if (!moves_bytes(node) || graph.is_input(node.inputs[0])) continue;
    if (graph.unscaled_is_float && !graph.read_only_by(node.inputs[0], static_cast<int>(i)))
      continue;
    auto& input = graph.tensor(node.inputs[0]).quantization;
    for (const TensorId id : moved_results(node)) {
      if (!input && !graph.tensor(node.inputs[0]).is_constant())
        input = graph.tensor(id).quantization;
    }
  }
  if (graph.unscaled_is_float) requantize_what_moved(graph);
  return {};
}

}  // namespace octet::graph
