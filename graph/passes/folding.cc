#include "graph/passes/folding.h"

#include <algorithm>

namespace octet::graph {

bool is_rounded_by_file(const Graph& graph, const Tensor& tensor) {
  return tensor.rounds ||
         (tensor.quantization &&
          (graph.keeps_rounding || graph.unscaled_is_float || graph.has_authors_borders));
}

bool is_by_channel(const Tensor& tensor, int32_t channels) {
  if (!tensor.is_constant() || tensor.type != Type::f32) return false;
  const int64_t count = element_count(tensor.shape);
  return count == 1 || (count == channels && tensor.shape.back() == channels);
}

void take_names(Node& node, const Node& other) {
  node.fused.push_back(other.name);
  node.fused.insert(node.fused.end(), other.fused.begin(), other.fused.end());
}

bool other_fits_as_residual(const Graph& graph, const Node& add, std::size_t which) {
  const Tensor& other = graph.tensor(add.inputs[1 - which]);
  const Shape& result = graph.tensor(add.output()).shape;
  return !other.is_constant() && other.shape == result &&
         graph.tensor(add.inputs[which]).shape == result;
}

std::vector<float> bias_of(const Graph& graph, const Node& layer) {
  std::vector<float> bias(static_cast<std::size_t>(graph.tensor(layer.inputs[1]).shape[0]), 0.0F);
  if (std::get<ConvAttributes>(layer.attributes).has_bias)
    std::ranges::copy(float_values(graph.tensor(layer.inputs[2])), bias.begin());
  return bias;
}

void set_bias(Graph& graph, Node& layer, const std::vector<float>& bias) {
  bool& has_bias = std::get<ConvAttributes>(layer.attributes).has_bias;
  const std::string name = has_bias ? graph.tensor(layer.inputs[2]).name : layer.name + ".bias";
  const TensorId id =
      graph.add_tensor(make_float_constant(name, {static_cast<int32_t>(bias.size())}, bias));
  if (has_bias) {
    layer.inputs[2] = id;
  } else {
    layer.inputs.insert(layer.inputs.begin() + 2, id);
    has_bias = true;
  }
}

bool gives_u8(const Node& node) { return node.precision == Precision::int8 && !node.float_output; }

bool can_take_function(const Graph& graph, const Node& layer, int reader) {
  if (!is_layer(layer) || !gives_u8(layer)) return false;
  const auto& a = std::get<ConvAttributes>(layer.attributes);
  return a.function.form == kernels::FunctionForm::none && !a.bounds.bounded() &&
         !a.inner_bounds.bounded() && graph.read_only_by(layer.output(), reader) &&
         !is_rounded_by_file(graph, graph.tensor(layer.output()));
}

}  // namespace octet::graph
