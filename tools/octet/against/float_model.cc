// Rebuilds the float model that an int8 one was made from, as far as possible: dequantized weights
// in the same layers.
#include "graph/graph.h"
#include "tools/octet/against/dequantized.h"
#include "tools/octet/against/opponent.h"

namespace octet::tool {
namespace {

using graph::Graph;
using graph::TensorId;

class FloatModelMaker {
 public:
  explicit FloatModelMaker(const Model::Data& model) : model_(model) {
    graph_.name = model.path;
    graph_.producer = model.producer;
    graph_.tensors.resize(model.tensors.size());
    same_as_.resize(model.tensors.size());
    for (std::size_t id = 0; id < model.tensors.size(); ++id) {
      same_as_[id] = static_cast<TensorId>(id);
      const TensorRecord& from = model.tensors[id];
      graph::Tensor& to = graph_.tensors[id];
      to.name = from.info.name;
      to.shape = from.info.shape;
      to.type = from.info.type == Type::s32 ? Type::s32 : Type::f32;
      if (from.is_constant && (from.info.type == Type::f32 || from.info.type == Type::s32)) {
        to.data.emplace(from.data.begin(), from.data.end());
      } else if (from.is_constant && from.info.type == Type::u8) {
        to = graph::make_float_constant(to.name, to.shape, dequantize_operand(from));
      }
    }
  }

  Expected<std::vector<std::byte>> make() {
    for (const NodeRecord& node : model_.nodes) {
      if (auto ok = add(node); !ok) return tl::unexpected(ok.error());
    }
    graph_.inputs = model_.inputs;
    for (const int32_t id : model_.outputs) graph_.outputs.push_back(operand(id));
    for (const TensorId id : graph_.inputs) graph_.tensor(id).type = Type::f32;
    return graph::write_model(graph_);
  }

 private:
  TensorId operand(int32_t id) const { return same_as_[static_cast<std::size_t>(id)]; }

  Expected<void> add(const NodeRecord& from) {
    if (from.op == Op::quantize || from.op == Op::dequantize) {
      same_as_[static_cast<std::size_t>(from.output())] = operand(from.inputs[0]);
      return {};
    }
    graph::Node node{.name = from.name,
                     .op = from.op == Op::requantize ? Op::clip : from.op,
                     .attributes = from.attributes,
                     .outputs = from.outputs,
                     .precision = graph::Precision::float32};
    for (const int32_t id : from.inputs) node.inputs.push_back(operand(id));
    if (from.op == Op::softmax || from.op == Op::lookup) node.inputs.resize(1);  // no table
    if (from.op == Op::lookup) {
      auto function = function_of_table(model_, from);
      if (!function) return tl::unexpected(function.error());
      node.op = function->op;
      node.attributes = std::move(function->attributes);
    }
    // Results keep to the range of their bytes: a ReLU may be nothing but a zero point.
    const TensorRecord& result = model_.tensor(from.outputs[0]);
    const ScaleOfAll y = scale_of_all(result);
    const auto keep_within_bytes = [&](Attributes& attributes) {
      if (result.info.type != Type::u8 || !(y.scale > 0)) return;
      keep_within(attributes, y.scale * static_cast<float>(-y.zero_point),
                  y.scale * static_cast<float>(255 - y.zero_point));
    };
    if (from.op == Op::conv2d || from.op == Op::linear) add_weights(from, node);
    const auto* layer = std::get_if<ConvAttributes>(&from.attributes);
    if (layer != nullptr && layer->function.form != kernels::FunctionForm::none) {
      add_with_function(*layer, std::move(node), keep_within_bytes);
      return {};
    }
    keep_within_bytes(node.attributes);
    graph_.nodes.push_back(std::move(node));
    return {};
  }

  // Adds a layer, the function inside it, and the sum with a residual behind that.
  template <class KeepWithin>
  void add_with_function(const ConvAttributes& whole, graph::Node layer,
                         const KeepWithin& keep_within_bytes) {
    const std::vector<TensorId> results = layer.outputs;
    const Shape shape = graph_.tensor(results[0]).shape;
    auto& a = std::get<ConvAttributes>(layer.attributes);
    const bool sum_behind = whole.has_residual && !whole.function.takes_residual;
    const TensorId residual = layer.inputs.back();
    a.function = {};
    a.bounds = {};
    if (sum_behind) {
      a.has_residual = false;
      layer.inputs.pop_back();
    }
    const TensorId own = graph_.add_tensor({.name = layer.name + ".own", .shape = shape});
    layer.outputs = {own};
    TableFunction found = function_of_layer(whole);
    graph::Node function{.name = layer.name + " " + op_name(found.op),
                         .op = found.op,
                         .attributes = std::move(found.attributes),
                         .inputs = {own},
                         .outputs = results,
                         .precision = graph::Precision::float32};
    if (function.op == Op::prelu) {
      const auto channels = static_cast<int32_t>(whole.function.numbers.size());
      function.inputs.push_back(graph_.add_tensor(graph::make_float_constant(
          function.name + ".slope", {channels}, whole.function.numbers)));
    }
    graph_.nodes.push_back(std::move(layer));
    if (!sum_behind) {
      graph_.nodes.push_back(std::move(function));
      return;
    }
    const TensorId before = graph_.add_tensor({.name = function.name + ".own", .shape = shape});
    function.outputs = {before};
    graph::Node sum{.name = function.name + " + residual",
                    .op = Op::add,
                    .attributes = BinaryAttributes{.bounds = whole.bounds},
                    .inputs = {before, residual},
                    .outputs = results,
                    .precision = graph::Precision::float32};
    keep_within_bytes(sum.attributes);
    graph_.nodes.push_back(std::move(function));
    graph_.nodes.push_back(std::move(sum));
  }

  void add_weights(const NodeRecord& from, graph::Node& node) {
    const TensorRecord& weight = model_.tensor(from.inputs[1]);
    if (weight.info.type != Type::s8) return;
    const TensorRecord& bias = model_.tensor(from.inputs[2]);
    const DequantizedLayer layer = dequantize_layer(model_, from);
    std::get<ConvAttributes>(node.attributes).has_bias = true;
    node.inputs[1] = graph_.add_tensor(
        graph::make_float_constant(weight.info.name, weight.info.shape, layer.weights));
    node.inputs[2] =
        graph_.add_tensor(graph::make_float_constant(bias.info.name, bias.info.shape, layer.bias));
  }

  const Model::Data& model_;
  Graph graph_;
  std::vector<TensorId> same_as_;  ///< Quantize and dequantize give the operand itself.
};

class FloatOpponent final : public Opponent {
 public:
  FloatOpponent(Session session, const std::vector<std::vector<float>>& inputs)
      : session_(std::move(session)), inputs_(inputs) {}

  Expected<void> run() override {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (auto ok = session_.set_input(i, inputs_[i]); !ok) return ok;
    }
    return session_.run();
  }

  Expected<std::vector<std::vector<float>>> outputs() override {
    std::vector<std::vector<float>> all;
    for (std::size_t i = 0; i < session_.output_count(); ++i) {
      const TensorView view = session_.output(i);
      auto& values = all.emplace_back();
      if (view.info->type == Type::s32) {
        for (const int32_t v : view.values<int32_t>()) values.push_back(static_cast<float>(v));
      } else {
        const auto from = view.values<float>();
        values.assign(from.begin(), from.end());
      }
    }
    return all;
  }

 private:
  Session session_;
  const std::vector<std::vector<float>>& inputs_;
};

}  // namespace

Expected<Model> make_float_model(const Model& model) {
  const auto bytes = FloatModelMaker(model.data()).make();
  if (!bytes) return tl::unexpected(bytes.error());
  return Model::from_memory(*bytes, model.path() + " in float");
}

OpponentResult make_float_opponent(const Challenge& challenge) {
  const auto model = make_float_model(challenge.model);
  if (!model) return tl::unexpected(model.error());
  auto session = Session::create(*model, {.threads = challenge.threads, .exact = false});
  if (!session) return tl::unexpected(session.error());
  return std::make_unique<FloatOpponent>(std::move(*session), challenge.inputs);
}

}  // namespace octet::tool
