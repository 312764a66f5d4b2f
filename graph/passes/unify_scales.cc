#include <algorithm>
#include <numeric>

#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// Sets of tensors that get the same scale, because they must have it or may as well. Sets are
// joined one by one.
class TensorSets {
 public:
  explicit TensorSets(std::size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  TensorId find(TensorId id) {
    while (parent_[static_cast<std::size_t>(id)] != id) id = parent_[static_cast<std::size_t>(id)];
    return id;
  }
  // Joins two sets. The scale of `leader`'s set is kept.
  void join(TensorId leader, TensorId other) {
    parent_[static_cast<std::size_t>(find(other))] = find(leader);
  }

 private:
  std::vector<TensorId> parent_;
};

bool is_u8_node(const Node& node) {
  return node.precision == Precision::int8 && !node.float_output;
}

// Whether the tensor can take any scale for free, because its writer rounds to it anyway.
bool rounds_to_output(const Graph& graph, TensorId id) {
  const int producer = graph.producer_of(id);
  if (producer < 0) return false;
  const Node& node = graph.nodes[static_cast<std::size_t>(producer)];
  return is_u8_node(node) && !moves_bytes(node) && node.op != Op::concat;
}

// All tensors that are in `id`'s set so far.
std::vector<TensorId> members(const Graph& graph, TensorSets& sets, TensorId id) {
  std::vector<TensorId> all;
  for (std::size_t i = 0; i < graph.tensors.size(); ++i) {
    if (sets.find(static_cast<TensorId>(i)) == sets.find(id))
      all.push_back(static_cast<TensorId>(i));
  }
  return all;
}

// Whether an operand may take the scale of its concat because nobody else sees the change: all
// tensors in its set are read only by byte moves or by this concat, and are written by byte moves
// or by nodes that round to any scale.
bool joins_concat(const Graph& graph, TensorSets& sets, TensorId operand, int concat) {
  for (const TensorId id : members(graph, sets, operand)) {
    if (graph.is_output(id)) return false;
    for (const int reader : graph.readers_of(id)) {
      const Node& node = graph.nodes[static_cast<std::size_t>(reader)];
      if (reader != concat && !(is_u8_node(node) && moves_bytes(node))) return false;
    }
    const int producer = graph.producer_of(id);
    const bool moved = producer >= 0 &&
                       moves_bytes(graph.nodes[static_cast<std::size_t>(producer)]) &&
                       is_u8_node(graph.nodes[static_cast<std::size_t>(producer)]);
    if (!moved && !rounds_to_output(graph, id)) return false;
  }
  return true;
}

}  // namespace

Status unify_scales(Graph& graph) {
  TensorSets sets(graph.tensors.size());
  for (const Node& node : graph.nodes) {
    if (!is_u8_node(node) || !moves_bytes(node)) continue;
    for (const TensorId id : moved_results(node)) sets.join(node.inputs[0], id);
  }
  // Goes from the last concat to the first, so that a chain of concats takes the scale of the last
  // one.
  for (std::size_t i = graph.nodes.size(); i-- > 0 && !graph.keeps_rounding;) {
    const Node& node = graph.nodes[i];
    if (!is_u8_node(node) || node.op != Op::concat) continue;
    for (const TensorId id : node.inputs) {
      if (!graph.tensor(id).is_constant() && joins_concat(graph, sets, id, static_cast<int>(i))) {
        sets.join(node.output(), id);
      }
    }
  }
  for (std::size_t i = 0; i < graph.tensors.size(); ++i) {
    const TensorId leader = sets.find(static_cast<TensorId>(i));
    if (leader != static_cast<TensorId>(i))
      graph.tensors[i].quantization = graph.tensor(leader).quantization;
  }
  return {};
}

}  // namespace octet::graph
