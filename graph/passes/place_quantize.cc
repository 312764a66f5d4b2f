#include <algorithm>

#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// Makes, once, the copy of a tensor in the other type, by a quantize or dequantize node before its
// first reader.
class Borders {
 public:
  explicit Borders(Graph& graph) : graph_(graph), copies_(graph.tensors.size(), -1) {}

  TensorId as(Type type, TensorId id, std::vector<Node>& nodes) {
    const Tensor& tensor = graph_.tensor(id);
    if (tensor.type == type || tensor.type == Type::s32 || tensor.is_constant()) return id;
    TensorId& copy = copies_[static_cast<std::size_t>(id)];
    if (copy >= 0) return copy;
    const Tensor original = graph_.tensor(id);
    const bool quantizes = type == Type::u8;
    copy = graph_.add_tensor({.name = original.name + (quantizes ? ".u8" : ".f32"),
                              .type = type,
                              .shape = original.shape,
                              .quantization = quantizes ? original.quantization : std::nullopt});
    nodes.push_back({.name = original.name + (quantizes ? ".quantize" : ".dequantize"),
                     .op = quantizes ? Op::quantize : Op::dequantize,
                     .inputs = {id},
                     .output = copy,
                     .precision = Precision::int8});
    return copy;
  }

 private:
  Graph& graph_;
  std::vector<TensorId> copies_;
};

Type output_type(const Node& node) {
  return node.precision == Precision::int8 && !node.float_output ? Type::u8 : Type::f32;
}

}  // namespace

Status place_quantize(Graph& graph) {
  for (const Node& node : graph.nodes) {
    Tensor& output = graph.tensor(node.output);
    if (output.type != Type::s32) output.type = output_type(node);
    if (node.float_output) output.quantization.reset();
  }
  Borders borders(graph);
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    const Type wanted = node.precision == Precision::int8 ? Type::u8 : Type::f32;
    for (TensorId& id : node.inputs) id = borders.as(wanted, id, nodes);
    nodes.push_back(std::move(node));
  }
  graph.nodes.clear();
  for (TensorId& id : graph.outputs) {
    if (graph.tensor(id).type != Type::u8) continue;
    const TensorId copy = borders.as(Type::f32, id, nodes);
    // An output may be named twice: it is renamed once.
    if (graph.is_output(copy)) {
      id = copy;
      continue;
    }
    // The output keeps the name that the model's author gave it.
    const std::string name = graph.tensor(id).name;
    if (graph.tensor(copy).name != name) {
      graph.tensor(copy).name = name;
      graph.tensor(id).name = name + ".u8";
    }
    id = copy;
  }
  graph.nodes = std::move(nodes);
  return {};
}

}  // namespace octet::graph
