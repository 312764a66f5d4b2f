#include <algorithm>
#include <cmath>
#include <limits>

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

// Functions whose range is known need no observation.
std::optional<Quantization> range_of_function(Op op) {
  switch (op) {
    case Op::sigmoid:
    case Op::hard_sigmoid:
    case Op::softmax:
      return Quantization{.scale = 1.0f / 256.0f, .zero_point = 0};
    case Op::tanh:
      return Quantization{.scale = 1.0f / 128.0f, .zero_point = 128};
    default:
      return std::nullopt;
  }
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
  graph.tensor(node.output).quantization = equal ? *first : quantization_for(range);
}

bool passes_scale_on(const Graph& graph, const Node& node) {
  // Where the author left a result in float, only what has the operand's very values is quantized.
  if (graph.unscaled_is_float) {
    const auto* pad = std::get_if<PadAttributes>(&node.attributes);
    return moves_bytes(node) && (pad == nullptr || pad->value == 0);
  }
  // A pool keeps its operand's scale where nothing else is said, as every framework does.
  return moves_bytes(node) || node.op == Op::clip || node.op == Op::average_pool;
}

}  // namespace

Status propagate_scales(Graph& graph) {
  for (const Node& node : graph.nodes) {
    auto& output = graph.tensor(node.output).quantization;
    if (output) continue;
    if (passes_scale_on(graph, node)) output = graph.tensor(node.inputs[0]).quantization;
    if (node.op == Op::concat) scale_of_concat(graph, node);
    if (!output && !graph.has_authors_borders) output = range_of_function(node.op);
  }
  // Backwards, through what moves bytes: a layer whose reshaped output was observed has that scale.
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    if (!moves_bytes(node) || graph.is_input(node.inputs[0])) continue;
    if (graph.unscaled_is_float && !graph.read_only_by(node.inputs[0], static_cast<int>(i)))
      continue;
    auto& input = graph.tensor(node.inputs[0]).quantization;
    if (!input && !graph.tensor(node.inputs[0]).is_constant())
      input = graph.tensor(node.output).quantization;
  }
  return {};
}

}  // namespace octet::graph
