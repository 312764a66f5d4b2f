#include <algorithm>

#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// Makes the copy of a tensor in the other type, once, by a quantize or dequantize node before its
// first reader.
class Borders {
 public:
  explicit Borders(Graph& graph) : graph_(graph) {}

  TensorId as(Type type, TensorId id, std::vector<Node>& nodes) {
    return copy(type,
                type == Type::f32 && rounds(graph_.tensor(id)) ? copy(Type::u8, id, nodes) : id,
                nodes);
  }

  static bool rounds(const Tensor& tensor) {
    return tensor.type == Type::f32 && tensor.rounds && tensor.quantization;
  }

 private:
  TensorId copy(Type type, TensorId id, std::vector<Node>& nodes) {
    copies_.resize(graph_.tensors.size(), -1);
    const Tensor& tensor = graph_.tensor(id);
    if (tensor.type == type || tensor.type == Type::s32 || tensor.is_constant()) return id;
    if (const TensorId made = copies_[static_cast<std::size_t>(id)]; made >= 0) return made;
    const Tensor original = graph_.tensor(id);
    const bool quantizes = type == Type::u8;
    Tensor copy{.name = original.name + (quantizes ? ".u8" : ".f32"),
                .type = type,
                .shape = original.shape};
    Attributes attributes;
    if (quantizes) {
      copy.quantization = original.quantization;
      copy.channel_scales = original.channel_scales;
      copy.channel_zero_points = original.channel_zero_points;
      attributes = QuantizeAttributes{original.channel_means};
    }
    const TensorId made = graph_.add_tensor(std::move(copy));
    // Floats have no scales of channels.
    Tensor& floats = graph_.tensor(quantizes ? id : made);
    floats.channel_scales.clear();
    floats.channel_zero_points.clear();
    floats.channel_means.clear();
    nodes.push_back({.name = original.name + (quantizes ? ".quantize" : ".dequantize"),
                     .op = quantizes ? Op::quantize : Op::dequantize,
                     .attributes = std::move(attributes),
                     .inputs = {id},
                     .outputs = {made},
                     .precision = Precision::int8});
    copies_[static_cast<std::size_t>(id)] = made;
    return made;
  }

  Graph& graph_;
  std::vector<TensorId> copies_;
};

Type output_type(const Node& node) {
  return node.precision == Precision::int8 && !node.float_output ? Type::u8 : Type::f32;
}

bool only_moves(const Node& node) {
  const auto* pad = std::get_if<PadAttributes>(&node.attributes);
  return (moves_bytes(node) && (pad == nullptr || pad->value == 0)) || node.op == Op::concat;
}

// Sets the types of results, and which float results are still to be rounded. A result with the
// values of its operands needs no rounding if those values are already on the result's own scale.
void settle_types(Graph& graph) {
  // For each tensor: whether its values, as they are read, are on its own scale.
  std::vector<bool> on_scale;
  for (const Tensor& tensor : graph.tensors)
    on_scale.push_back(tensor.quantization && (tensor.rounds || tensor.is_constant()));
  for (const Node& node : graph.nodes) {
    for (const TensorId result : node.outputs) {
      Tensor& output = graph.tensor(result);
      if (output.type != Type::s32) output.type = output_type(node);
      if (node.float_output) output.quantization.reset();
      const auto is_same = [&](TensorId id) {
        return on_scale[static_cast<std::size_t>(id)] &&
               graph.tensor(id).quantization == output.quantization;
      };
      const bool moved = only_moves(node) && std::ranges::all_of(moved_operands(node), is_same);
      on_scale[static_cast<std::size_t>(result)] =
          output.quantization && (moved || output.type == Type::u8 || output.rounds);
      if (moved) output.rounds = false;
    }
  }
}

}  // namespace

Status place_quantize(Graph& graph) {
  settle_types(graph);
  Borders borders(graph);
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    const Type wanted = node.precision == Precision::int8 ? Type::u8 : Type::f32;
    for (TensorId& id : node.inputs) id = borders.as(wanted, id, nodes);
    nodes.push_back(std::move(node));
  }
  graph.nodes.clear();
  for (TensorId& id : graph.outputs) {
    if (graph.tensor(id).type != Type::u8 && !Borders::rounds(graph.tensor(id))) continue;
    const TensorId copy = borders.as(Type::f32, id, nodes);
    // An output may be listed twice. It is renamed once.
    if (graph.is_output(copy)) {
      id = copy;
      continue;
    }
    // The output keeps the name that the model's author gave it.
    const std::string name = graph.tensor(id).name;
    if (graph.tensor(copy).name != name) {
      graph.tensor(copy).name = name;
      graph.tensor(id).name = name + (graph.tensor(id).type == Type::u8 ? ".u8" : ".unrounded");
    }
    id = copy;
  }
  graph.nodes = std::move(nodes);
  return {};
}

}  // namespace octet::graph
