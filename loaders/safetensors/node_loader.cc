#include "loaders/safetensors/node_loader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "engine/operator_table.h"
#include "loaders/float16.h"
#include "loaders/load_error.h"
#include "loaders/top_k.h"

namespace octet::loaders {

using graph::Graph;
using graph::TensorId;
using nlohmann::json;

struct NodeLoader::Context {
  std::string name;
  std::string op;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  JsonObject attributes;
  std::optional<graph::WeightQuantization> weight_quantization;

  [[noreturn]] void fail(const std::string& message) const {
    throw LoadError("node '" + name + "' (" + op + "): " + message);
  }
  const std::string& output() const { return outputs[0]; }
  void operands(std::size_t least, std::size_t most) const {
    if (inputs.size() < least || inputs.size() > most) {
      fail("takes " + std::to_string(least) + (most > least ? " to " + std::to_string(most) : "") +
           " inputs, not " + std::to_string(inputs.size()));
    }
  }
};

namespace {

std::vector<std::byte> as_float32(const SafeTensor& tensor) {
  if (tensor.dtype == "F32") return {tensor.bytes.begin(), tensor.bytes.end()};
  std::vector<float> values(tensor.bytes.size() / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, &tensor.bytes[2 * i], sizeof(bits));
    values[i] = tensor.dtype == "F16" ? float16_to_float(bits) : bfloat16_to_float(bits);
  }
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

/// Whether it is a function of one value that has no attributes.
bool is_plain_function(Op op) {
  const Operator& row = row_of(op);
  return row.kind == Kind::function && row.attributes == attributes_index<NoAttributes>();
}

graph::WeightQuantization read_weight_quantization(const JsonObject& from) {
  from.allow_only({"scale", "zero_point"});
  graph::WeightQuantization out{.scale = from.numbers("scale")};
  if (from.has("zero_point")) out.zero_point = from.integers("zero_point");
  const bool in_range =
      std::ranges::all_of(out.zero_point, [](int32_t z) { return z >= -128 && z <= 127; });
  if (!in_range) from.fail("a zero point is outside -128 to 127");
  return out;
}

bool transposable(std::vector<int32_t> permutation, std::size_t rank) {
  std::ranges::sort(permutation);
  return permutation == identity_order(rank);
}

Window read_window(const JsonObject& a, std::array<int32_t, 2> kernel,
                   std::vector<int32_t> default_stride) {
  const auto stride = a.integers("stride", 2, std::move(default_stride));
  const auto padding = a.integers("padding", 4, {0, 0, 0, 0});
  const auto dilation = a.integers("dilation", 2, {1, 1});
  return {.kernel_h = kernel[0],
          .kernel_w = kernel[1],
          .stride_h = stride[0],
          .stride_w = stride[1],
          .dilation_h = dilation[0],
          .dilation_w = dilation[1],
          .pad_top = padding[0],
          .pad_left = padding[1],
          .pad_bottom = padding[2],
          .pad_right = padding[3]};
}

}  // namespace

NodeLoader::NodeLoader(Graph& graph, const SafetensorsFile& file,
                       std::map<std::string, DeclaredTensor> declared, bool channels_last)
    : graph_(graph), file_(file), declared_(std::move(declared)), channels_last_(channels_last) {}

AxisOrder NodeLoader::image_order(std::size_t rank) const {
  return channels_last_ ? identity_order(rank) : channels_last_order(rank);
}

void NodeLoader::count_readers(const json& nodes, const std::vector<std::string>& outputs) {
  for (const std::string& name : outputs) ++readers_[name];
  for (const json& node : nodes) {
    const auto inputs = node.find("inputs");
    if (inputs == node.end() || !inputs->is_array()) continue;  // add_node reports it
    for (const json& name : *inputs) {
      if (name.is_string()) ++readers_[name.get<std::string>()];
    }
  }
}

void NodeLoader::add_input(const std::string& name) {
  const auto declared = declared_.find(name);
  if (declared == declared_.end()) throw LoadError("the input '" + name + "' is not in 'tensors'");
  const Shape& shape = declared->second.shape;
  const AxisOrder order = shape.size() == 4 ? image_order(4) : identity_order(shape.size());
  const TensorId id = graph_.add_tensor({.name = name,
                                         .shape = stored_shape(shape, order),
                                         .quantization = declared->second.quantization});
  graph_.inputs.push_back(id);
  if (!values_.emplace(name, Value{.id = id, .shape = shape, .order = order}).second) {
    throw LoadError("the input '" + name + "' is named twice");
  }
}

void NodeLoader::add_output(const std::string& name) {
  const auto value = values_.find(name);
  if (value == values_.end()) throw LoadError("no node writes the output '" + name + "'");
  // Outputs have the author's order of axes.
  graph_.outputs.push_back(
      stored_as(graph_, value->second, identity_order(value->second.shape.size())).id);
}

void NodeLoader::add_node(const json& json) {
  const JsonObject outer(json, "a node: ");
  const std::string name = outer.text("name");
  const JsonObject object(json, "node '" + name + "': ");
  object.allow_only({"name", "op", "inputs", "outputs", "attributes", "weight_quantization"});
  static const nlohmann::json no_attributes = nlohmann::json::object();
  Context node{.name = name,
               .op = object.text("op"),
               .inputs = object.texts("inputs"),
               .outputs = object.texts("outputs"),
               .attributes = {object.has("attributes") ? object.at("attributes") : no_attributes,
                              object.where()}};
  // Names that only the exchange format has, such as relu, are operators with one result.
  const auto op = find_op(node.op);
  const std::size_t results = op ? result_count(*op) : 1;
  if (node.outputs.size() != results) {
    node.fail("has " + std::to_string(node.outputs.size()) + " outputs; " +
              (results == 1 ? "it gives one" : "it gives " + std::to_string(results)));
  }
  for (const std::string& output : node.outputs) {
    if (values_.contains(output) || std::ranges::count(node.outputs, output) > 1)
      node.fail("writes '" + output + "', which was written before");
    if (file_.tensors.contains(output)) node.fail("writes '" + output + "', which is a parameter");
  }
  if (object.has("weight_quantization")) {
    if (node.op != "conv2d" && node.op != "linear") node.fail("cannot have weight_quantization");
    node.weight_quantization = read_weight_quantization(object.object("weight_quantization"));
  }
  if (op && is_plain_function(*op)) return unary(node, *op);
  const auto handler = handlers().find(node.op);
  if (handler == handlers().end()) {
    node.fail("octet has no such operator; docs/float_export.md lists those it has");
  }
  (this->*handler->second)(node);
}

const std::map<std::string, NodeLoader::Handler>& NodeLoader::handlers() {
  static const std::map<std::string, Handler> table = {
      {"conv2d", &NodeLoader::conv2d},    {"conv_transpose2d", &NodeLoader::conv_transpose2d},
      {"linear", &NodeLoader::linear},    {"batch_norm", &NodeLoader::batch_norm},
      {"relu", &NodeLoader::clip},        {"relu6", &NodeLoader::clip},
      {"clip", &NodeLoader::clip},        {"leaky_relu", &NodeLoader::scaled_unary},
      {"elu", &NodeLoader::scaled_unary}, {"prelu", &NodeLoader::prelu},
      {"add", &NodeLoader::binary},       {"sub", &NodeLoader::binary},
      {"mul", &NodeLoader::binary},       {"div", &NodeLoader::binary},
      {"max_pool2d", &NodeLoader::pool},  {"avg_pool2d", &NodeLoader::pool},
      {"mean", &NodeLoader::mean},        {"softmax", &NodeLoader::softmax},
      {"argmax", &NodeLoader::argmax},    {"concat", &NodeLoader::concat},
      {"slice", &NodeLoader::slice},      {"pad", &NodeLoader::pad},
      {"reshape", &NodeLoader::reshape},  {"transpose", &NodeLoader::transpose},
      {"resize", &NodeLoader::resize},    {"identity", &NodeLoader::same},
      {"dropout", &NodeLoader::same},     {"quantize", &NodeLoader::same},
      {"dequantize", &NodeLoader::same},  {"top_k", &NodeLoader::top_k},
  };
  return table;
}

// Operands.

TensorId NodeLoader::parameter(const Context& node, const std::string& name) {
  if (const auto known = parameters_.find(name); known != parameters_.end()) return known->second;
  const auto entry = file_.tensors.find(name);
  if (entry == file_.tensors.end()) {
    node.fail("reads '" + name +
              "', which is neither a parameter of the file nor written by an earlier node");
  }
  const SafeTensor& from = entry->second;
  const bool is_s8 = from.dtype == "I8";
  if (!is_s8 && from.dtype != "F32" && from.dtype != "F16" && from.dtype != "BF16") {
    node.fail("the parameter '" + name + "' has type " + from.dtype +
              "; it may be F32, F16, BF16, or I8 for weights");
  }
  graph::Tensor tensor{.name = name, .type = is_s8 ? Type::s8 : Type::f32};
  for (const int64_t extent : from.shape) {
    tensor.shape.push_back(
        static_cast<int32_t>(std::min<int64_t>(extent, std::numeric_limits<int32_t>::max())));
  }
  if (auto ok = check_shape(tensor.shape); !ok)
    node.fail("the parameter '" + name + "' " + ok.error().message);
  tensor.data =
      is_s8 ? std::vector<std::byte>(from.bytes.begin(), from.bytes.end()) : as_float32(from);
  return parameters_[name] = graph_.add_tensor(std::move(tensor));
}

Value NodeLoader::operand(const Context& node, std::size_t index) {
  const std::string& name = node.inputs[index];
  if (const auto value = values_.find(name); value != values_.end()) return value->second;
  const TensorId id = parameter(node, name);
  if (graph_.tensor(id).type != Type::f32) node.fail("the parameter '" + name + "' is not a float");
  const Shape shape = graph_.tensor(id).shape;
  return {.id = id, .shape = shape, .order = identity_order(shape.size())};
}

Value NodeLoader::image(const Context& node, std::size_t index) {
  const Value value = operand(node, index);
  if (value.shape.size() != 4)
    node.fail("takes a tensor of rank 4, not " + shape_text(value.shape));
  return stored_as(graph_, value, image_order(4));
}

TensorId NodeLoader::vector_parameter(const Context& node, std::size_t index, const char* what) {
  const TensorId id = parameter(node, node.inputs[index]);
  const graph::Tensor& tensor = graph_.tensor(id);
  if (tensor.shape.size() != 1 || tensor.type != Type::f32) {
    node.fail(std::string(what) + " '" + tensor.name + "' is " + shape_text(tensor.shape) +
              "; it takes float [C]");
  }
  return id;
}

int32_t NodeLoader::axis(const Context& node, const Value& x, int32_t given) const {
  const auto rank = static_cast<int32_t>(x.shape.size());
  const int32_t positive = given < 0 ? given + rank : given;
  if (positive < 0 || positive >= rank) {
    node.fail("axis " + std::to_string(given) + " does not exist in " + shape_text(x.shape));
  }
  return positive;
}

const DeclaredTensor& NodeLoader::declaration(const Context& node, const std::string& output,
                                              const Shape& shape) const {
  const auto declared = declared_.find(output);
  if (declared == declared_.end()) node.fail("writes '" + output + "', which is not in 'tensors'");
  if (declared->second.shape != shape) {
    node.fail("gives " + shape_text(shape) + ", but '" + output + "' is declared as " +
              shape_text(declared->second.shape));
  }
  return declared->second;
}

void NodeLoader::emit(const Context& node, Op op, Attributes attributes,
                      std::vector<TensorId> inputs, const AxisOrder& order) {
  std::vector<Shape> shapes;
  for (const TensorId id : inputs) shapes.push_back(graph_.tensor(id).shape);
  const auto results = infer_shapes(op, attributes, shapes);
  if (!results) node.fail(results.error().message);
  graph::Node made{.name = node.name,
                   .op = op,
                   .attributes = std::move(attributes),
                   .inputs = std::move(inputs),
                   .weight_quantization = node.weight_quantization};
  for (std::size_t r = 0; r < results->size(); ++r) {
    const std::string& output = node.outputs[r];
    const Shape& stored = (*results)[r];
    if (stored.size() != order.size())
      node.fail("has a rank of output that its input does not give");
    Value value{.shape = Shape(order.size()), .order = order};
    for (std::size_t i = 0; i < stored.size(); ++i)
      value.shape[static_cast<std::size_t>(order[i])] = stored[i];
    value.id =
        graph_.add_tensor({.name = output,
                           .shape = stored,
                           .quantization = declaration(node, output, value.shape).quantization});
    made.outputs.push_back(value.id);
    values_[output] = std::move(value);
  }
  const bool moves_indices =
      graph::moves_bytes(made) && graph_.tensor(made.inputs[0]).type == Type::s32;
  for (const TensorId id : graph::moved_results(made)) {
    if (moves_indices) graph_.tensor(id).type = Type::s32;
  }
  graph_.nodes.push_back(std::move(made));
}

const PhasedLayer* NodeLoader::find_phased(const Context& node) const {
  const auto found = phased_.find(node.inputs[0]);
  return found != phased_.end() && readers_.at(node.inputs[0]) == 1 ? &found->second : nullptr;
}

TensorId NodeLoader::add_for_phases(TensorId values, int32_t phases, int32_t groups) {
  const auto from = float_values(std::as_const(graph_).tensor(values));
  const std::vector<float> all = for_channels({from.begin(), from.end()}, phases, groups);
  return graph_.add_tensor(graph::make_float_constant(graph_.tensor(values).name + ".phases",
                                                      {static_cast<int32_t>(all.size())}, all));
}

TensorId NodeLoader::add_part(const Context& node, Op op, Attributes attributes,
                              std::vector<TensorId> inputs, const std::string& suffix) {
  std::vector<Shape> shapes;
  for (const TensorId id : inputs) shapes.push_back(graph_.tensor(id).shape);
  auto shape = infer_shape(op, attributes, shapes);
  if (!shape) node.fail(shape.error().message);
  const std::string name = node.name + suffix;
  const TensorId output = graph_.add_tensor({.name = name, .shape = std::move(*shape)});
  graph_.nodes.push_back({.name = name,
                          .op = op,
                          .attributes = std::move(attributes),
                          .inputs = std::move(inputs),
                          .outputs = {output}});
  return output;
}

void NodeLoader::insert_behind_phases(const Context& node, Op op, Attributes attributes,
                                      const std::vector<TensorId>& parameters) {
  const Value value = values_.at(node.inputs[0]);
  PhasedLayer layer = phased_.at(node.inputs[0]);
  const DeclaredTensor& declared = declaration(node, node.output(), value.shape);
  layer.output = insert_behind(graph_, layer, node.name, op, std::move(attributes), parameters);
  graph::Tensor& result = graph_.tensor(value.id);
  result.name = node.output();
  // A clip keeps the scale of its operand if the file gives it none.
  if (op != Op::clip || declared.quantization) result.quantization = declared.quantization;
  values_[node.output()] = value;
  phased_[node.output()] = layer;
}

// Operators.

void NodeLoader::conv2d(const Context& node) {
  node.operands(2, 3);
  node.attributes.allow_only({"stride", "padding", "dilation", "groups"});
  const Value x = image(node, 0);
  const TensorId given = parameter(node, node.inputs[1]);
  const Shape shape = graph_.tensor(given).shape;
  if (shape.size() != 4) node.fail("takes weights of rank 4, not " + shape_text(shape));
  // From [O, I, H, W] to [O, H, W, I].
  const Value weight =
      stored_as(graph_, {.id = given, .shape = shape, .order = identity_order(4)}, image_order(4));
  const Shape& stored = graph_.tensor(weight.id).shape;
  ConvAttributes a{.window = read_window(node.attributes, {stored[1], stored[2]}, {1, 1}),
                   .groups = node.attributes.integer("groups", 1),
                   .has_bias = node.inputs.size() == 3};
  std::vector<TensorId> inputs = {x.id, weight.id};
  if (a.has_bias) inputs.push_back(vector_parameter(node, 2, "its bias"));
  emit(node, Op::conv2d, a, std::move(inputs), image_order(4));
}

namespace {

// Whether the weights would be almost all zeros, because the stride is far above the kernel.
bool is_sparse(const Shape& weight, const AxisPlan& h, const AxisPlan& w) {
  const double spread = double{1} * h.stride * w.stride * h.taps * w.taps * weight[0] * weight[1];
  return spread > std::max<double>(1 << 22, 16 * static_cast<double>(element_count(weight)));
}

}  // namespace

// `weight` is [I, O / groups, kh, kw]; `input` is in stored order.
std::array<AxisPlan, 2> NodeLoader::transposed_window(const Context& node, const Shape& input,
                                                      const Shape& weight) const {
  const auto stride = node.attributes.integers("stride", 2, {1, 1});
  const auto padding = node.attributes.integers("padding", 4, {0, 0, 0, 0});
  const auto output_padding = node.attributes.integers("output_padding", 2, {0, 0});
  const auto dilation = node.attributes.integers("dilation", 2, {1, 1});
  std::array<AxisPlan, 2> plans;
  for (std::size_t i = 0; i < 2; ++i) {
    constexpr int32_t most = 1 << 15;
    if (stride[i] < 1 || stride[i] > most) node.fail("has a stride out of range");
    if (dilation[i] < 1 || dilation[i] > most) node.fail("has a dilation out of range");
    const int64_t after = padding[i + 2];
    const auto plan = plan_axis(weight[i + 2], stride[i], dilation[i],
                                {.input = input[i + 1],
                                 .pad_before = padding[i],
                                 .pad_after = after,
                                 .output_padding = output_padding[i]});
    if (after < 0 || padding[i] > most || after > most || !plan)
      node.fail("has a padding or an output size out of range");
    plans[i] = *plan;
  }
  if (is_sparse(weight, plans[0], plans[1]))
    node.fail("has strides far larger than its kernel, which octet does not have");
  return plans;
}

void NodeLoader::conv_transpose2d(const Context& node) {
  node.operands(2, 3);
  node.attributes.allow_only({"stride", "padding", "output_padding", "dilation", "groups"});
  const Value x = image(node, 0);
  const Shape input = graph_.tensor(x.id).shape;
  const TensorId given = parameter(node, node.inputs[1]);
  const Shape file_shape = graph_.tensor(given).shape;
  if (graph_.tensor(given).type != Type::f32) node.fail("takes float weights");
  if (file_shape.size() != 4) node.fail("takes weights of rank 4, not " + shape_text(file_shape));
  const AxisOrder file_order = channels_last_ ? channels_last_order(4) : identity_order(4);
  Shape shape(4);  // [I, O / groups, kh, kw]
  for (std::size_t i = 0; i < 4; ++i)
    shape[static_cast<std::size_t>(file_order[i])] = file_shape[i];
  const int32_t groups = node.attributes.integer("groups", 1);
  if (groups < 1 || shape[0] % groups != 0 || shape[0] != input[3]) {
    node.fail("has weights " + shape_text(file_shape) + " and " + std::to_string(groups) +
              " groups, which do not fit its " + std::to_string(input[3]) + " channels");
  }
  const auto [h, w] = transposed_window(node, input, shape);
  const int32_t phases = h.stride * w.stride;
  const Value weight =
      stored_as(graph_, {.id = given, .shape = shape, .order = file_order}, identity_order(4));
  const float zero = 0;
  const std::vector<float> spread = phase_weights<float>(float_values(graph_.tensor(weight.id)),
                                                         shape, groups, h, w, std::span(&zero, 1));
  std::vector<TensorId> inputs = {
      x.id, graph_.add_tensor(graph::make_float_constant(
                node.inputs[1] + ".phases",
                {groups * phases * shape[1], h.taps, w.taps, shape[0] / groups}, spread))};
  if (node.inputs.size() == 3) {
    const TensorId bias = vector_parameter(node, 2, "its bias");
    if (graph_.tensor(bias).shape[0] != groups * shape[1])
      node.fail("has a bias that does not fit its output channels");
    inputs.push_back(add_for_phases(bias, phases, groups));
  }
  const auto conv = phase_convolution(input, groups, h, w, inputs.size() == 3);
  TensorId y = add_part(node, Op::conv2d, conv, std::move(inputs), "");
  const PhasedLayer phased{.output = y, .phases = phases, .groups = groups};
  for (LayoutNode& part : to_space(graph_.tensor(y).shape, groups, h, w))
    y = add_part(node, part.op, std::move(part.attributes), {y}, part.suffix);

  const AxisOrder order = image_order(4);
  Value value{.id = y, .shape = Shape(4), .order = order};
  for (std::size_t i = 0; i < 4; ++i)
    value.shape[static_cast<std::size_t>(order[i])] = graph_.tensor(y).shape[i];
  graph_.tensor(y).name = node.output();
  graph_.tensor(y).quantization = declaration(node, node.output(), value.shape).quantization;
  if (y != phased.output) phased_[node.output()] = phased;
  values_[node.output()] = std::move(value);
}

void NodeLoader::linear(const Context& node) {
  node.operands(2, 3);
  node.attributes.allow_only({});
  const Value given = operand(node, 0);
  const Value x = stored_as(graph_, given, identity_order(given.shape.size()));
  ConvAttributes a{.has_bias = node.inputs.size() == 3};
  std::vector<TensorId> inputs = {x.id, parameter(node, node.inputs[1])};
  if (a.has_bias) inputs.push_back(vector_parameter(node, 2, "its bias"));
  emit(node, Op::linear, a, std::move(inputs), x.order);
}

void NodeLoader::batch_norm(const Context& node) {
  node.operands(5, 5);
  node.attributes.allow_only({"epsilon"});
  const Value given = operand(node, 0);
  if (given.shape.size() < 2) node.fail("takes a tensor of rank 2 at least");
  const Value x = stored_as(graph_, given, image_order(given.shape.size()));
  std::vector<TensorId> inputs = {x.id};
  constexpr std::array<const char*, 4> names = {"gamma", "beta", "mean", "variance"};
  for (std::size_t i = 0; i < names.size(); ++i)
    inputs.push_back(vector_parameter(node, i + 1, names[i]));
  const float epsilon = node.attributes.number("epsilon", 1e-5f);
  if (epsilon < 0) node.fail("has a negative epsilon");
  for (const float variance : float_values(graph_.tensor(inputs[4]))) {
    if (!(variance + epsilon > 0)) node.fail("has a variance that is not positive");
  }
  const ScalarAttributes a{epsilon};
  const PhasedLayer* phased = find_phased(node);
  const Shape channels = {given.shape[channels_last_ ? given.shape.size() - 1 : 1]};
  const bool fit = std::all_of(inputs.begin() + 1, inputs.end(),
                               [&](TensorId id) { return graph_.tensor(id).shape == channels; });
  if (phased == nullptr || !fit) return emit(node, Op::batch_norm, a, std::move(inputs), x.order);
  std::vector<TensorId> parameters;
  for (std::size_t i = 1; i < inputs.size(); ++i)
    parameters.push_back(add_for_phases(inputs[i], phased->phases, phased->groups));
  insert_behind_phases(node, Op::batch_norm, a, parameters);
}

void NodeLoader::unary(const Context& node, Op op) {
  node.operands(1, 1);
  node.attributes.allow_only({});
  const Value x = operand(node, 0);
  emit(node, op, NoAttributes{}, {x.id}, x.order);
}

void NodeLoader::clip(const Context& node) {
  node.operands(1, 1);
  Bounds bounds;
  if (node.op == "clip") {
    node.attributes.allow_only({"min", "max"});
    bounds = {node.attributes.number("min", bounds.min), node.attributes.number("max", bounds.max)};
  } else {
    node.attributes.allow_only({});
    bounds.min = 0;
    if (node.op == "relu6") bounds.max = 6;
  }
  if (bounds.min > bounds.max) node.fail("has a min above its max");
  if (find_phased(node) != nullptr)
    return insert_behind_phases(node, Op::clip, ClipAttributes{bounds}, {});
  const Value x = operand(node, 0);
  emit(node, Op::clip, ClipAttributes{bounds}, {x.id}, x.order);
}

void NodeLoader::scaled_unary(const Context& node) {
  node.operands(1, 1);
  node.attributes.allow_only({"alpha"});
  const bool is_elu = node.op == "elu";
  const Value x = operand(node, 0);
  emit(node, is_elu ? Op::elu : Op::leaky_relu,
       ScalarAttributes{node.attributes.number("alpha", is_elu ? 1.0f : 0.01f)}, {x.id}, x.order);
}

void NodeLoader::prelu(const Context& node) {
  node.operands(2, 2);
  node.attributes.allow_only({});
  const Value given = operand(node, 0);
  const Value x = stored_as(graph_, given, image_order(given.shape.size()));
  emit(node, Op::prelu, NoAttributes{}, {x.id, vector_parameter(node, 1, "its slope")}, x.order);
}

void NodeLoader::binary(const Context& node) {
  node.operands(2, 2);
  node.attributes.allow_only({});
  static const std::map<std::string, Op> ops = {
      {"add", Op::add}, {"sub", Op::sub}, {"mul", Op::mul}, {"div", Op::div}};
  Value a = operand(node, 0);
  Value b = operand(node, 1);
  const std::size_t rank = std::max(a.shape.size(), b.shape.size());
  a = with_rank(graph_, a, rank);
  b = with_rank(graph_, b, rank);
  // If one operand is an activation with its own storage order, the result takes that order. The
  // other operand is more likely in plain order or a constant.
  const bool a_decides = a.order != identity_order(rank) || graph_.tensor(b.id).is_constant();
  const AxisOrder order = a_decides ? a.order : b.order;
  emit(node, ops.at(node.op), BinaryAttributes{},
       {stored_as(graph_, a, order).id, stored_as(graph_, b, order).id}, order);
}

void NodeLoader::pool(const Context& node) {
  node.operands(1, 1);
  const bool is_max = node.op == "max_pool2d";
  if (is_max) {
    node.attributes.allow_only({"kernel", "stride", "padding", "dilation", "ceil_mode"});
  } else {
    node.attributes.allow_only({"kernel", "stride", "padding", "ceil_mode", "count_include_pad"});
  }
  const auto kernel = node.attributes.integers("kernel");
  if (kernel.size() != 2) node.fail("'kernel' needs 2 values");
  const PoolAttributes a{
      .window = read_window(node.attributes, {kernel[0], kernel[1]}, kernel),
      .count_include_pad = !is_max && node.attributes.boolean("count_include_pad", true),
      .ceil_mode = node.attributes.boolean("ceil_mode", false)};
  emit(node, is_max ? Op::max_pool : Op::average_pool, a, {image(node, 0).id}, image_order(4));
}

namespace {

// Returns the logical axes that remain when the `reduced` axes are removed, or kept with extent 1:
// in stored order and renumbered.
AxisOrder order_after_reduction(const AxisOrder& order, const std::vector<int32_t>& reduced,
                                bool keepdims) {
  if (keepdims) return order;
  AxisOrder out;
  for (const int32_t axis : order) {
    if (std::ranges::count(reduced, axis) > 0) continue;
    const auto below = std::ranges::count_if(reduced, [&](int32_t r) { return r < axis; });
    out.push_back(axis - static_cast<int32_t>(below));
  }
  return out;
}

}  // namespace

void NodeLoader::mean(const Context& node) {
  node.operands(1, 1);
  node.attributes.allow_only({"axes", "keepdims"});
  const Value x = operand(node, 0);
  MeanAttributes a{.keepdims = node.attributes.boolean("keepdims", false)};
  std::vector<int32_t> logical;
  for (const int32_t given : node.attributes.integers("axes")) {
    logical.push_back(axis(node, x, given));
    a.axes.push_back(stored_axis(x.order, logical.back()));
  }
  if (a.axes.empty()) node.fail("needs axes");
  std::ranges::sort(a.axes);
  const AxisOrder order = order_after_reduction(x.order, logical, a.keepdims);
  emit(node, Op::mean, a, {x.id}, order);
}

void NodeLoader::softmax(const Context& node) {
  node.operands(1, 1);
  node.attributes.allow_only({"axis"});
  const Value x = operand(node, 0);
  const int32_t logical = axis(node, x, node.attributes.integer("axis"));
  emit(node, Op::softmax, AxisAttributes{.axis = stored_axis(x.order, logical)}, {x.id}, x.order);
}

void NodeLoader::argmax(const Context& node) {
  node.operands(1, 1);
  node.attributes.allow_only({"axis", "keepdims"});
  const Value x = operand(node, 0);
  const int32_t logical = axis(node, x, node.attributes.integer("axis"));
  const AxisAttributes a{.axis = stored_axis(x.order, logical),
                         .keepdims = node.attributes.boolean("keepdims", false)};
  const AxisOrder order = order_after_reduction(x.order, {logical}, a.keepdims);
  emit(node, Op::argmax, a, {x.id}, order);
  graph_.tensors.back().type = Type::s32;
}

void NodeLoader::top_k(const Context& node) {
  node.operands(1, 1);
  node.attributes.allow_only({"axis", "k", "largest"});
  const Value x = operand(node, 0);
  const int32_t logical = axis(node, x, node.attributes.integer("axis"));
  const int32_t k =
      checked_k(node, node.attributes.integer("k"), x.shape[static_cast<std::size_t>(logical)],
                "axis " + std::to_string(logical), "export");
  const AxisAttributes a{.axis = stored_axis(x.order, logical),
                         .k = k,
                         .largest = node.attributes.boolean("largest", true)};
  emit(node, Op::top_k, a, {x.id}, x.order);
  graph_.tensors.back().type = Type::s32;
}

void NodeLoader::concat(const Context& node) {
  node.operands(1, 4096);
  node.attributes.allow_only({"axis"});
  std::vector<Value> values;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) values.push_back(operand(node, i));
  // All operands are stored in the order of the first activation.
  AxisOrder order = values[0].order;
  for (const Value& value : values) {
    if (value.shape.size() != order.size()) node.fail("joins tensors of different ranks");
    if (!graph_.tensor(value.id).is_constant()) {
      order = value.order;
      break;
    }
  }
  const int32_t logical = axis(node, values[0], node.attributes.integer("axis"));
  std::vector<TensorId> inputs;
  for (const Value& value : values) {
    if (value.shape.size() != order.size()) node.fail("joins tensors of different ranks");
    inputs.push_back(stored_as(graph_, value, order).id);
  }
  emit(node, Op::concat, AxisAttributes{.axis = stored_axis(order, logical)}, std::move(inputs),
       order);
}

void NodeLoader::slice(const Context& node) {
  node.operands(1, 1);
  node.attributes.allow_only({"axis", "start", "end", "step"});
  const Value x = operand(node, 0);
  const int32_t logical = axis(node, x, node.attributes.integer("axis"));
  const int32_t extent = x.shape[static_cast<std::size_t>(logical)];
  const int32_t stride = node.attributes.integer("step", 1);
  if (stride < 1) node.fail("has a step below 1");
  const auto position = [&](int64_t given) {
    return static_cast<int32_t>(std::clamp<int64_t>(given < 0 ? given + extent : given, 0, extent));
  };
  const int32_t start = position(node.attributes.integer("start", 0));
  const int32_t end = position(node.attributes.integer("end", extent));
  if (start >= end)
    node.fail("slices nothing: start " + std::to_string(start) + ", end " + std::to_string(end));

  const Shape& stored = graph_.tensor(x.id).shape;
  SliceAttributes a{.begin = std::vector<int32_t>(stored.size(), 0),
                    .stride = std::vector<int32_t>(stored.size(), 1),
                    .count = stored};
  const auto at = static_cast<std::size_t>(stored_axis(x.order, logical));
  a.begin[at] = start;
  a.stride[at] = stride;
  a.count[at] = (end - start - 1) / stride + 1;
  emit(node, Op::slice, a, {x.id}, x.order);
}

void NodeLoader::pad(const Context& node) {
  node.operands(1, 1);
  node.attributes.allow_only({"pads", "value"});
  const Value x = operand(node, 0);
  const json& pads = node.attributes.at("pads");
  if (!pads.is_array() || pads.size() != x.shape.size()) {
    node.fail("'pads' needs [before, after] for each of " + std::to_string(x.shape.size()) +
              " axes");
  }
  PadAttributes a{.value = node.attributes.number("value", 0)};
  for (const int32_t logical : x.order) {
    const json& pair = pads[static_cast<std::size_t>(logical)];
    if (!pair.is_array() || pair.size() != 2)
      node.fail("'pads' needs [before, after] for each axis");
    a.before.push_back(to_int32(pair[0], "node '" + node.name + "': a pad"));
    a.after.push_back(to_int32(pair[1], "node '" + node.name + "': a pad"));
  }
  emit(node, Op::pad, a, {x.id}, x.order);
}

void NodeLoader::reshape(const Context& node) {
  node.operands(1, 1);
  node.attributes.allow_only({"shape"});
  const Value given = operand(node, 0);
  const Value x = stored_as(graph_, given, identity_order(given.shape.size()));
  const Shape shape = node.attributes.integers("shape");
  emit(node, Op::reshape, ReshapeAttributes{shape}, {x.id}, identity_order(shape.size()));
}

void NodeLoader::transpose(const Context& node) {
  node.operands(1, 1);
  node.attributes.allow_only({"permutation"});
  const Value x = operand(node, 0);
  const auto permutation = node.attributes.integers("permutation");
  if (!transposable(permutation, x.shape.size()))
    node.fail("'permutation' is no order of its axes");
  // New axis i is old axis permutation[i]. Only the names of the stored axes change.
  AxisOrder order;
  for (const int32_t old : x.order) {
    order.push_back(
        static_cast<int32_t>(std::ranges::find(permutation, old) - permutation.begin()));
  }
  emit(node, Op::identity, NoAttributes{}, {x.id}, order);
}

void NodeLoader::resize(const Context& node) {
  node.operands(1, 1);
  node.attributes.allow_only({"size", "mode", "align_corners"});
  const auto size = node.attributes.integers("size");
  if (size.size() != 2) node.fail("'size' needs 2 values");
  const std::string mode = node.attributes.text("mode");
  if (mode != "nearest" && mode != "bilinear") node.fail("'mode' is neither nearest nor bilinear");
  const ResizeAttributes a{.output_h = size[0],
                           .output_w = size[1],
                           .mode = mode == "nearest" ? ResizeMode::nearest : ResizeMode::bilinear,
                           .align_corners = node.attributes.boolean("align_corners", false)};
  emit(node, Op::resize, a, {image(node, 0).id}, image_order(4));
}

void NodeLoader::same(const Context& node) {
  node.operands(1, 1);
  const Value x = operand(node, 0);
  const Op op = node.op == "quantize"     ? Op::quantize
                : node.op == "dequantize" ? Op::dequantize
                                          : Op::identity;
  if (op == Op::quantize &&
      (!declared_.contains(node.output()) || !declared_.at(node.output()).quantization)) {
    node.fail("its output '" + node.output() + "' has no scale");
  }
  emit(node, op, default_attributes(op), {x.id}, x.order);
}

}  // namespace octet::loaders
