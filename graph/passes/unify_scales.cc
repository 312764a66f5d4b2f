#include <algorithm>
#include <numeric>

#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// Tensors that must or may as well have the same scale, as sets joined one by one.
class TensorSets {
 public:
  explicit TensorSets(std::size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  TensorId find(TensorId id) {
    while (parent_[static_cast<std::size_t>(id)] != id) id = parent_[static_cast<std::size_t>(id)];
    return id;
  }
  // `leader`'s set gives the scale.
  void join(TensorId leader, TensorId other) {
    parent_[static_cast<std::size_t>(find(other))] = find(leader);
  }

 private:
  std::vector<TensorId> parent_;
};

bool is_u8_node(const Node& node) {
  return node.precision == Precision::int8 && !node.float_output;
}

// Can the tensor take any scale for free? Its writer rounds to it anyway.
bool rounds_to_output(const Graph& graph, TensorId id) {
  const int producer = graph.producer_of(id);
  if (producer < 0) return false;
  const Node& node = graph.nodes[static_cast<std::size_t>(producer)];
  return is_u8_node(node) && !moves_bytes(node) && node.op != Op::concat;
}

// All tensors of `id`'s set, so far.
std::vector<TensorId> members(const Graph& graph, TensorSets& sets, TensorId id) {
  std::vector<TensorId> all;
  for (std::size_t i = 0; i < graph.tensors.size(); ++i) {
    if (sets.find(static_cast<TensorId>(i)) == sets.find(id))
      all.push_back(static_cast<TensorId>(i));
  }
  return all;
}

// An operand joins its concat when nobody else sees a change: everything in its set is read by byte
// moves inside the set or by this concat, and written by nodes that round to any scale.
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
  // From the last concat to the first, so that a chain of them takes the last one's scale.
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
