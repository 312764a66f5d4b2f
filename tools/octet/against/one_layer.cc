#include "tools/octet/against/one_layer.h"

#include <map>

#include "engine/model_data.h"
#include "graph/graph.h"
#include "tools/octet/against/dequantized.h"

namespace octet::tool {
namespace {

using graph::TensorId;

graph::Tensor copied(const TensorRecord& from) {
  graph::Tensor to{.name = from.info.name, .type = from.info.type, .shape = from.info.shape};
  const ScaleOfAll all = scale_of_all(from);
  if (from.info.type == Type::u8 && all.scale > 0) {
    to.quantization = {.scale = all.scale, .zero_point = all.zero_point};
  }
  if (from.is_constant) to.data.emplace(from.data.begin(), from.data.end());
  // An activation with scales of channels gets one scale: only the layer's time matters here.
  if (from.info.type == Type::u8) return to;
  to.channel_scales.assign(from.channel_scales.begin(), from.channel_scales.end());
  to.channel_zero_points.assign(from.channel_zero_points.begin(), from.channel_zero_points.end());
  return to;
}

class LayerCutter {
 public:
  LayerCutter(const Model::Data& model, const NodeRecord& node) : model_(model), node_(node) {
    graph_.name = model.path + ": node '" + node.name + "'";
    graph_.producer = model.producer;
  }

  Expected<std::vector<std::byte>> cut() {
    graph::Node node{.name = node_.name,
                     .op = node_.op,
                     .attributes = node_.attributes,
                     .precision = graph::Precision::int8};
    for (const int32_t id : node_.inputs) node.inputs.push_back(operand(id));
    for (const int32_t id : node_.outputs)
      node.outputs.push_back(graph_.add_tensor(copied(model_.tensor(id))));
    const std::vector<TensorId> results = node.outputs;
    graph_.nodes.push_back(std::move(node));
    for (const TensorId id : results) {
      graph_.outputs.push_back(graph_.tensor(id).type == Type::u8 ? converted(id, Op::dequantize)
                                                                  : id);
    }
    return graph::write_model(graph_);
  }

 private:
  /// Returns the same tensor in the new model. An activation becomes an input, quantized where it
  /// is u8.
  TensorId operand(int32_t id) {
    const auto known = operands_.find(id);
    if (known != operands_.end()) return known->second;
    const TensorRecord& tensor = model_.tensor(id);
    TensorId here = graph_.add_tensor(copied(tensor));
    if (!tensor.is_constant && tensor.info.type == Type::u8) {
      graph_.inputs.push_back(
          graph_.add_tensor({.name = tensor.info.name + " in float", .shape = tensor.info.shape}));
      graph_.nodes.push_back({.name = tensor.info.name + " quantized",
                              .op = Op::quantize,
                              .inputs = {graph_.inputs.back()},
                              .outputs = {here},
                              .precision = graph::Precision::int8});
    } else if (!tensor.is_constant) {
      graph_.inputs.push_back(here);
    }
    return operands_[id] = here;
  }

  TensorId converted(TensorId from, Op op) {
    const TensorId to = graph_.add_tensor(
        {.name = graph_.tensor(from).name + " in float", .shape = graph_.tensor(from).shape});
    graph_.nodes.push_back({.name = graph_.tensor(to).name,
                            .op = op,
                            .inputs = {from},
                            .outputs = {to},
                            .precision = graph::Precision::int8});
    return to;
  }

  const Model::Data& model_;
  const NodeRecord& node_;
  graph::Graph graph_;
  std::map<int32_t, TensorId> operands_;
};

}  // namespace

bool has_float_form(const Model& model, std::size_t index) {
  if (!model.nodes()[index].int8) return false;
  const NodeRecord& node = model.data().nodes[index];
  if (const auto* table = std::get_if<LookupAttributes>(&node.attributes))
    return table->function != Op::identity;
  // Conversions compute nothing, and indices cannot be an input of a model.
  return node.op != Op::quantize && node.op != Op::dequantize && node.op != Op::requantize &&
         node.op != Op::reshape && node.op != Op::gather_nd;
}

Expected<Model> make_one_layer_model(const Model& model, std::size_t index) {
  const NodeRecord& node = model.data().nodes[index];
  const auto bytes = LayerCutter(model.data(), node).cut();
  if (!bytes) return tl::unexpected(bytes.error());
  return Model::from_memory(*bytes, model.path() + ": node '" + node.name + "' alone");
}

}  // namespace octet::tool
