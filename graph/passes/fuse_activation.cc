#include <algorithm>
#include <cmath>

#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

Bounds* bounds_of(Node& node) {
  if (auto* conv = std::get_if<ConvAttributes>(&node.attributes)) return &conv->bounds;
  if (auto* binary = std::get_if<BinaryAttributes>(&node.attributes)) return &binary->bounds;
  if (auto* pool = std::get_if<PoolAttributes>(&node.attributes)) return &pool->bounds;
  return nullptr;
}

// Whether the bounds are levels of `from`. A model that came quantized rounds to `from` before it
// clips. Bytes of that scale stand for the same values after the clip if the bounds are levels of
// it.
bool are_levels(const Bounds& bounds, const Quantization& from) {
  const auto is_one = [&](float bound) { return std::isinf(bound) || is_level(from, bound); };
  return is_one(bounds.min) && is_one(bounds.max);
}

bool fuse_into_producer(Graph& graph, std::size_t index) {
  const Node& clip = graph.nodes[index];
  const TensorId before = clip.inputs[0];
  const int producer = graph.producer_of(before);
  if (producer < 0 || !graph.read_only_by(before, static_cast<int>(index))) return false;
  Node& node = graph.nodes[static_cast<std::size_t>(producer)];
  Bounds* bounds = bounds_of(node);
  if (bounds == nullptr || node.precision != clip.precision) return false;

  const auto& from = graph.tensor(before).quantization;
  auto& to = graph.tensor(clip.output()).quantization;
  // A model that came quantized rounds before the clip and after it, so a change of scale cannot be
  // fused. Nor can it be fused into a max pool, which keeps the scale of its operand.
  const bool changes_scale = from && to && *from != *to;
  if (changes_scale && (graph.keeps_rounding || node.op == Op::max_pool)) return false;
  const Bounds outer = std::get<ClipAttributes>(clip.attributes).bounds;
  if (from && !to && graph.keeps_rounding && !are_levels(outer, *from)) return false;
  if (!to) {
    to = from;
    graph.tensor(clip.output()).rounds = graph.tensor(before).rounds;
  }

  *bounds = {std::clamp(bounds->min, outer.min, outer.max),
             std::clamp(bounds->max, outer.min, outer.max)};
  node.fused.push_back(clip.name);
  node.outputs = {clip.output()};
  return true;
}

}  // namespace

Status fuse_activation(Graph& graph) {
  std::vector<bool> gone(graph.nodes.size(), false);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::clip) continue;
    gone[i] = fuse_into_producer(graph, i);
    if (gone[i]) graph.nodes[i].inputs.clear(), graph.nodes[i].outputs.clear();
  }
  graph.erase_nodes(gone);
  return {};
}

}  // namespace octet::graph
