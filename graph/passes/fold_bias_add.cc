#include <algorithm>

#include "graph/passes/folding.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// Returns which operand of the add is the layer, if the other is the constant; 2 if there is none.
// A constant minus a layer is no bias.
std::size_t layer_operand(const Graph& graph, const Node& node) {
  for (const std::size_t i : {0U, 1U}) {
    if (node.op == Op::sub && i == 1) break;
    const int producer = graph.producer_of(node.inputs[i]);
    if (producer >= 0 && is_layer(graph.nodes[static_cast<std::size_t>(producer)]) &&
        is_by_channel(graph.tensor(node.inputs[1 - i]), graph.tensor(node.output()).shape.back()))
      return i;
  }
  return 2;
}

bool takes_bias(const Graph& graph, const Node& layer, const Node& add) {
  const auto& a = std::get<ConvAttributes>(layer.attributes);
  // The author rounds between the layer and the add.
  const bool rounds = graph.keeps_rounding && graph.tensor(layer.output()).quantization;
  return !rounds && !a.has_residual && !a.bounds.bounded() && layer.precision == add.precision &&
         (!a.has_bias || graph.tensor(layer.inputs[2]).is_constant()) &&
         graph.tensor(layer.output()).shape == graph.tensor(add.output()).shape;
}

std::vector<float> sum_of_biases(const Graph& graph, const Node& layer, const Node& add,
                                 const Tensor& constant) {
  std::vector<float> bias = bias_of(graph, layer);
  const auto values = float_values(constant);
  for (std::size_t c = 0; c < bias.size(); ++c) {
    const float value = values[values.size() == 1 ? 0 : c];
    bias[c] += add.op == Op::sub ? -value : value;
  }
  return bias;
}

bool fold(Graph& graph, std::size_t index) {
  const Node& add = graph.nodes[index];
  const std::size_t operand = layer_operand(graph, add);
  if (operand > 1 || !graph.read_only_by(add.inputs[operand], static_cast<int>(index)))
    return false;
  Node& layer = graph.nodes[static_cast<std::size_t>(graph.producer_of(add.inputs[operand]))];
  if (!takes_bias(graph, layer, add)) return false;

  const Tensor& constant = graph.tensor(add.inputs[1 - operand]);
  const std::vector<float> bias = sum_of_biases(graph, layer, add, constant);
  const TensorId id = graph.add_tensor(
      make_float_constant(constant.name, {static_cast<int32_t>(bias.size())}, bias));
  auto& a = std::get<ConvAttributes>(layer.attributes);
  layer.inputs.resize(2);
  layer.inputs.push_back(id);
  a.has_bias = true;
  a.bounds = std::get<BinaryAttributes>(add.attributes).bounds;
  layer.fused.push_back(add.name);
  layer.outputs = {add.output()};
  return true;
}

}  // namespace

Status fold_bias_add(Graph& graph) {
  std::vector<bool> gone(graph.nodes.size(), false);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::add && graph.nodes[i].op != Op::sub) continue;
    gone[i] = fold(graph, i);
    // A folded node must not count as a reader or writer any more.
    if (gone[i]) graph.nodes[i].inputs.clear(), graph.nodes[i].outputs.clear();
  }
  graph.erase_nodes(gone);
  return {};
}

}  // namespace octet::graph
