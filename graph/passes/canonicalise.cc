#include <algorithm>
#include <cmath>

#include "graph/passes/folding.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// Replaces the node's output by its input. Returns true if the node is to be erased.
bool bypass(Graph& graph, const Node& node) {
  Tensor& input = graph.tensor(node.inputs[0]);
  const Tensor& output = graph.tensor(node.output());
  // If the output is an output of the graph, and the input is an input or another output of the
  // graph, a node has to stay between them, because each keeps its own name.
  if (graph.is_output(node.output()) &&
      (graph.producer_of(node.inputs[0]) < 0 || graph.is_output(node.inputs[0])))
    return false;
  // If the file rounds the output, a node also has to stay if the input has another scale, or if
  // others read the input without this rounding.
  if (graph.unscaled_is_float && output.quantization &&
      (input.quantization
           ? *input.quantization != *output.quantization
           : graph.readers_of(node.inputs[0]).size() > 1 || graph.is_output(node.inputs[0])))
    return false;
  if (!input.quantization) {
    input.quantization = output.quantization;
    input.rounds = output.rounds;
  }
  graph.redirect(node.output(), node.inputs[0]);
  return true;
}

// Makes a node that has to stay a reshape to the same shape, which costs nothing.
void keep_as_reshape(Graph& graph, std::size_t index) {
  Node& node = graph.nodes[index];
  node.op = Op::reshape;
  node.attributes = ReshapeAttributes{graph.tensor(node.output()).shape};
}

// Makes a mean over height and width an average pool over the whole image, with a reshape behind it
// if the mean has no keepdims.
void mean_to_average_pool(Graph& graph, std::size_t index) {
  Node& node = graph.nodes[index];
  const auto attributes = std::get<MeanAttributes>(node.attributes);
  const Shape x = graph.tensor(node.inputs[0]).shape;
  std::vector<int32_t> axes = attributes.axes;
  std::ranges::sort(axes);
  if (x.size() != 4 || axes != std::vector<int32_t>{1, 2}) return;

  PoolAttributes pool;
  pool.window.kernel_h = x[1];
  pool.window.kernel_w = x[2];
  node.op = Op::average_pool;
  node.attributes = pool;
  if (attributes.keepdims) return;

  const TensorId flat = node.output();
  Tensor pooled{.name = graph.tensor(flat).name + ".pooled",
                .shape = {x[0], 1, 1, x[3]},
                .quantization = graph.tensor(flat).quantization};
  node.outputs = {graph.add_tensor(std::move(pooled))};
  Node reshape{.name = graph.nodes[index].name + ".reshape",
               .op = Op::reshape,
               .attributes = ReshapeAttributes{graph.tensor(flat).shape},
               .inputs = {graph.nodes[index].output()},
               .outputs = {flat},
               .precision = graph.nodes[index].precision};
  graph.nodes.insert(graph.nodes.begin() + static_cast<std::ptrdiff_t>(index) + 1,
                     std::move(reshape));
}

// Makes x / c the product x * (1 / c). It is exact for powers of two, otherwise it differs by at
// most one rounding of float32.
void division_to_product(Graph& graph, Node& node) {
  const Tensor& divisor = graph.tensor(node.inputs[1]);
  if (!divisor.is_constant() || divisor.type != Type::f32) return;
  std::vector<float> inverse;
  for (const float value : float_values(divisor)) inverse.push_back(1.0f / value);
  if (!std::ranges::all_of(inverse, [](float v) { return std::isfinite(v); })) return;
  Tensor constant = make_float_constant(divisor.name + ".inverse", divisor.shape, inverse);
  node.op = Op::mul;
  node.inputs[1] = graph.add_tensor(std::move(constant));
}

void prelu_to_leaky_relu(Graph& graph, Node& node) {
  const Tensor& slope = graph.tensor(node.inputs[1]);
  if (!slope.is_constant()) return;
  const auto values = float_values(slope);
  if (!std::ranges::all_of(values, [&](float v) { return v == values[0]; })) return;
  node.op = Op::leaky_relu;
  node.attributes = ScalarAttributes{values[0]};
  node.inputs.resize(1);
}

// Makes clip(clip(x)) one clip, if nobody else reads the first.
bool merge_clips(Graph& graph, std::size_t index) {
  Node& second = graph.nodes[index];
  const int first_index = graph.producer_of(second.inputs[0]);
  if (first_index < 0 || !graph.read_only_by(second.inputs[0], static_cast<int>(index)))
    return false;
  Node& first = graph.nodes[static_cast<std::size_t>(first_index)];
  if (first.op != Op::clip || first.precision != second.precision) return false;
  const Bounds a = std::get<ClipAttributes>(first.attributes).bounds;
  const Bounds b = std::get<ClipAttributes>(second.attributes).bounds;
  // The bounds of the second clip also apply to the bounds of the first.
  std::get<ClipAttributes>(second.attributes).bounds = {std::clamp(a.min, b.min, b.max),
                                                        std::clamp(a.max, b.min, b.max)};
  second.fused.insert(second.fused.end(), first.fused.begin(), first.fused.end());
  second.fused.push_back(first.name);
  second.inputs[0] = first.inputs[0];
  return true;
}

// Makes log(softmax(x)) a log_softmax, if nobody else reads the probabilities and no file rounds
// them. Small probabilities then do not become 0, and their logarithms not -infinity.
void join_log_softmax(Graph& graph, std::size_t index) {
  Node& log = graph.nodes[index];
  const int softmax_index = graph.producer_of(log.inputs[0]);
  if (softmax_index < 0 || !graph.read_only_by(log.inputs[0], static_cast<int>(index))) return;
  const Node& softmax = graph.nodes[static_cast<std::size_t>(softmax_index)];
  if (softmax.op != Op::softmax || softmax.inputs.size() != 1 ||
      is_rounded_by_file(graph, graph.tensor(softmax.output())))
    return;
  log.op = Op::log_softmax;
  log.attributes = softmax.attributes;
  log.fused.insert(log.fused.end(), softmax.fused.begin(), softmax.fused.end());
  log.fused.push_back(softmax.name);
  log.inputs[0] = softmax.inputs[0];
}

}  // namespace

Status canonicalise(Graph& graph) {
  for (const Node& node : graph.nodes) {
    const bool moves_indices =
        moves_or_joins(node) && graph.tensor(node.inputs[0]).type == Type::s32;
    if (node.op == Op::top_k) graph.tensor(node.outputs[1]).type = Type::s32;
    if (node.op != Op::argmax && !moves_indices) continue;
    for (const TensorId id : moved_results(node)) graph.tensor(id).type = Type::s32;
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    // This may insert a node and so move all nodes in memory.
    if (graph.nodes[i].op == Op::mean) mean_to_average_pool(graph, i);
    Node& node = graph.nodes[i];
    if (node.op == Op::div) division_to_product(graph, node);
    if (node.op == Op::prelu) prelu_to_leaky_relu(graph, node);
    if (node.op == Op::log) join_log_softmax(graph, i);
  }
  std::vector<bool> gone(graph.nodes.size(), false);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const bool same_shape =
        graph.tensor(node.inputs[0]).shape == graph.tensor(node.outputs[0]).shape;
    if (node.op == Op::identity || (node.op == Op::reshape && same_shape) ||
        (node.op == Op::concat && node.inputs.size() == 1)) {
      gone[i] = bypass(graph, node);
      if (!gone[i]) keep_as_reshape(graph, i);
    }
  }
  graph.erase_nodes(gone);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op == Op::clip && !graph.keeps_rounding) merge_clips(graph, i);
  }
  return drop_dead_nodes(graph);
}

}  // namespace octet::graph
