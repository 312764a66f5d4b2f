#include <algorithm>
#include <cmath>
#include <optional>

#include "graph/passes/folding.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// y = x * factor + shift, for each channel.
struct Affine {
  std::vector<float> factor;
  std::vector<float> shift;
};

// Computed in double and rounded once, so that the order of operations in PyTorch's own folding
// does not matter.
Affine affine_of_batch_norm(const Graph& graph, const Node& batch_norm) {
  const auto gamma = float_values(graph.tensor(batch_norm.inputs[1]));
  const auto beta = float_values(graph.tensor(batch_norm.inputs[2]));
  const auto mean = float_values(graph.tensor(batch_norm.inputs[3]));
  const auto variance = float_values(graph.tensor(batch_norm.inputs[4]));
  const double epsilon = std::get<ScalarAttributes>(batch_norm.attributes).value;
  Affine affine;
  for (std::size_t c = 0; c < gamma.size(); ++c) {
    const double factor = double{gamma[c]} / std::sqrt(double{variance[c]} + epsilon);
    affine.factor.push_back(static_cast<float>(factor));
    affine.shift.push_back(static_cast<float>(double{beta[c]} - double{mean[c]} * factor));
  }
  return affine;
}

bool are_finite(const std::vector<float>& values) {
  return std::ranges::all_of(values, [](float v) { return std::isfinite(v); });
}

// Which operand of a product, sum or difference is the tensor, if the other is a constant of one
// value or of one for each channel; 2 if there is none.
std::size_t computed_operand(const Graph& graph, const Node& node) {
  const Shape& shape = graph.tensor(node.output()).shape;
  for (const std::size_t i : {0U, 1U}) {
    const Tensor& x = graph.tensor(node.inputs[i]);
    if (x.is_constant() || x.type != Type::f32 || x.shape != shape || shape.empty()) continue;
    if (is_by_channel(graph.tensor(node.inputs[1 - i]), shape.back())) return i;
  }
  return 2;
}

std::optional<Affine> affine_of_arithmetic(const Graph& graph, const Node& node) {
  const std::size_t x = computed_operand(graph, node);
  if (x > 1) return std::nullopt;
  const auto constant = float_values(graph.tensor(node.inputs[1 - x]));
  const auto channels = static_cast<std::size_t>(graph.tensor(node.output()).shape.back());
  std::vector<float> values(channels, constant[0]);
  if (constant.size() == channels) values.assign(constant.begin(), constant.end());
  if (!are_finite(values)) return std::nullopt;
  std::vector<float> ones(channels, 1.0F);
  if (node.op == Op::mul)
    return Affine{.factor = std::move(values), .shift = std::vector<float>(channels, 0.0F)};
  if (node.op == Op::add) return Affine{.factor = std::move(ones), .shift = std::move(values)};
  if (node.op != Op::sub) return std::nullopt;
  if (x == 1) {  // constant - x
    for (float& one : ones) one = -one;
  } else {
    for (float& value : values) value = -value;
  }
  return Affine{.factor = std::move(ones), .shift = std::move(values)};
}

// What the node does, if it is a batch norm, or a product, sum or difference with a constant.
std::optional<Affine> affine_of(const Graph& graph, const Node& node) {
  if (node.op == Op::batch_norm) {
    const bool is_constant =
        std::all_of(node.inputs.begin() + 1, node.inputs.end(),
                    [&](TensorId id) { return graph.tensor(id).is_constant(); });
    return is_constant ? std::optional(affine_of_batch_norm(graph, node)) : std::nullopt;
  }
  const bool is_arithmetic = node.op == Op::mul || node.op == Op::add || node.op == Op::sub;
  return is_arithmetic ? affine_of_arithmetic(graph, node) : std::nullopt;
}

// The operand that the node scales and shifts.
TensorId operand_of(const Graph& graph, const Node& node) {
  return node.inputs[node.op == Op::batch_norm ? 0 : computed_operand(graph, node)];
}

// Bounds that were fused into a product or a sum.
Bounds bounds_of_affine(const Node& node) {
  const auto* binary = std::get_if<BinaryAttributes>(&node.attributes);
  return binary != nullptr ? binary->bounds : Bounds{};
}

// Whether a file rounds the tensor between a layer and a product or sum, or says how the weights
// are to be rounded. A batch norm between them is folded by the file's own framework, too.
bool author_forbids(const Graph& graph, const Node& layer, const Node& affine, TensorId between) {
  if (affine.op == Op::batch_norm) return false;
  return is_rounded_by_file(graph, graph.tensor(between)) || layer.weight_quantization.has_value();
}

bool has_float_weights(const Graph& graph, const Node& layer) {
  const auto& a = std::get<ConvAttributes>(layer.attributes);
  const Tensor& weight = graph.tensor(layer.inputs[1]);
  const bool constant_bias = !a.has_bias || graph.tensor(layer.inputs[2]).is_constant();
  return weight.is_constant() && weight.type == Type::f32 && constant_bias;
}

// Gives the layer weights and a bias of its own, because another layer may share the old ones.
void set_parameters(Graph& graph, Node& layer, const std::vector<float>& weight,
                    const std::vector<float>& bias) {
  const Tensor& old = graph.tensor(layer.inputs[1]);
  layer.inputs[1] = graph.add_tensor(make_float_constant(old.name, old.shape, weight));
  set_bias(graph, layer, bias);
}

// Folds a node that follows a layer.
bool fold_into_layer_before(Graph& graph, std::size_t index, const Affine& affine) {
  const Node& node = graph.nodes[index];
  const TensorId between = operand_of(graph, node);
  const int layer_index = graph.producer_of(between);
  if (layer_index < 0 || !graph.read_only_by(between, static_cast<int>(index))) return false;
  Node& layer = graph.nodes[static_cast<std::size_t>(layer_index)];
  if (!is_layer(layer) || !has_float_weights(graph, layer)) return false;
  if (layer.precision != node.precision || author_forbids(graph, layer, node, between))
    return false;
  auto& a = std::get<ConvAttributes>(layer.attributes);
  if (a.bounds.bounded() || a.has_residual) return false;

  const auto old = float_values(graph.tensor(layer.inputs[1]));
  std::vector<float> weight(old.begin(), old.end());
  std::vector<float> bias = bias_of(graph, layer);
  const std::size_t per_channel = weight.size() / bias.size();
  for (std::size_t o = 0; o < bias.size(); ++o) {
    for (std::size_t k = 0; k < per_channel; ++k) weight[o * per_channel + k] *= affine.factor[o];
    bias[o] = bias[o] * affine.factor[o] + affine.shift[o];
  }
  if (node.op != Op::batch_norm && !(are_finite(weight) && are_finite(bias))) return false;
  set_parameters(graph, layer, weight, bias);
  a.bounds = bounds_of_affine(node);
  layer.fused.push_back(node.name);
  layer.outputs = {node.output()};
  return true;
}

bool pads(const ConvAttributes& a) {
  const Window& w = a.window;
  return w.pad_top != 0 || w.pad_left != 0 || w.pad_bottom != 0 || w.pad_right != 0;
}

// Folds a node that precedes a layer. If the layer pads, the node must not have a shift: padding is
// 0 behind the node, without the shift.
bool fold_into_layer_after(Graph& graph, std::size_t index, const Affine& affine) {
  const Node& node = graph.nodes[index];
  const auto readers = graph.readers_of(node.output());
  if (readers.size() != 1 || !graph.read_only_by(node.output(), readers[0])) return false;
  Node& layer = graph.nodes[static_cast<std::size_t>(readers[0])];
  if (!is_layer(layer) || layer.inputs[0] != node.output() || !has_float_weights(graph, layer))
    return false;
  if (layer.weight_quantization || layer.precision != node.precision ||
      bounds_of_affine(node).bounded() || author_forbids(graph, layer, node, node.output()))
    return false;
  const auto& a = std::get<ConvAttributes>(layer.attributes);
  const bool shifts = std::ranges::any_of(affine.shift, [](float v) { return v != 0; });
  if (pads(a) && shifts) return false;

  const auto old = float_values(graph.tensor(layer.inputs[1]));
  std::vector<float> weight(old.begin(), old.end());
  std::vector<float> bias = bias_of(graph, layer);
  const auto per_group_inputs =
      static_cast<std::size_t>(graph.tensor(layer.inputs[1]).shape.back());
  const std::size_t outputs_per_group = bias.size() / static_cast<std::size_t>(a.groups);
  const std::size_t per_channel = weight.size() / bias.size();
  for (std::size_t o = 0; o < bias.size(); ++o) {
    const std::size_t first_input = o / outputs_per_group * per_group_inputs;
    double shift = 0;
    for (std::size_t k = 0; k < per_channel; ++k) {
      const std::size_t i = first_input + k % per_group_inputs;
      shift += double{weight[o * per_channel + k]} * double{affine.shift[i]};
      weight[o * per_channel + k] *= affine.factor[i];
    }
    bias[o] = static_cast<float>(double{bias[o]} + shift);
  }
  if (node.op != Op::batch_norm && !(are_finite(weight) && are_finite(bias))) return false;
  set_parameters(graph, layer, weight, bias);
  layer.fused.push_back(node.name);
  layer.inputs[0] = operand_of(graph, node);
  return true;
}

// Makes a single batch norm a depthwise 1x1 convolution, with reshapes to rank 4 around it if
// necessary.
void to_depthwise(Graph& graph, std::size_t index) {
  Node batch_norm = graph.nodes[index];
  const Affine affine = affine_of_batch_norm(graph, batch_norm);
  const auto channels = static_cast<int32_t>(affine.factor.size());
  const Shape shape = graph.tensor(batch_norm.output()).shape;

  Node conv{.name = batch_norm.name,
            .op = Op::conv2d,
            .attributes = ConvAttributes{.groups = channels, .has_bias = true},
            .inputs = batch_norm.inputs,
            .outputs = batch_norm.outputs,
            .fused = batch_norm.fused,
            .precision = batch_norm.precision,
            .reason = batch_norm.reason};
  conv.inputs.resize(1);
  conv.inputs.push_back(graph.add_tensor(
      make_float_constant(batch_norm.name + ".factor", {channels, 1, 1, 1}, affine.factor)));
  conv.inputs.push_back(
      graph.add_tensor(make_float_constant(batch_norm.name + ".shift", {channels}, affine.shift)));
  if (shape.size() == 4) {
    graph.nodes[index] = std::move(conv);
    return;
  }

  const Shape image = {static_cast<int32_t>(element_count(shape) / channels), 1, 1, channels};
  const auto reshape = [&](const char* suffix, TensorId from, TensorId to) {
    return Node{.name = batch_norm.name + suffix,
                .op = Op::reshape,
                .attributes = ReshapeAttributes{graph.tensor(to).shape},
                .inputs = {from},
                .outputs = {to},
                .precision = batch_norm.precision,
                .reason = batch_norm.reason};
  };
  const Tensor input = graph.tensor(batch_norm.inputs[0]);
  const Tensor output = graph.tensor(batch_norm.output());
  conv.inputs[0] = graph.add_tensor(
      {.name = input.name + ".image", .shape = image, .quantization = input.quantization});
  conv.outputs = {graph.add_tensor(
      {.name = output.name + ".image", .shape = image, .quantization = output.quantization})};
  Node before = reshape(".to_image", batch_norm.inputs[0], conv.inputs[0]);
  Node after = reshape(".from_image", conv.output(), batch_norm.output());
  graph.nodes[index] = std::move(before);
  const auto at = graph.nodes.begin() + static_cast<std::ptrdiff_t>(index) + 1;
  graph.nodes.insert(at, {std::move(conv), std::move(after)});
}

}  // namespace

Status fold_affine(Graph& graph) {
  std::vector<bool> gone(graph.nodes.size(), false);
  const auto fold = [&](std::size_t i, auto fold_into) {
    if (gone[i]) return;
    const auto affine = affine_of(graph, graph.nodes[i]);
    gone[i] = affine && fold_into(graph, i, *affine);
    // A folded node must not count as a reader or writer any more.
    if (gone[i]) graph.nodes[i].inputs.clear(), graph.nodes[i].outputs.clear();
  };
  // The nearest to the layer first, so that all of a row are folded.
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) fold(i, fold_into_layer_before);
  for (std::size_t i = graph.nodes.size(); i-- > 0;) fold(i, fold_into_layer_after);
  graph.erase_nodes(gone);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op == Op::batch_norm && affine_of(graph, graph.nodes[i]))
      to_depthwise(graph, i);
  }
  return {};
}

}  // namespace octet::graph
