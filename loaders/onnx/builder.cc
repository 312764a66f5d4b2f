#include "loaders/onnx/builder.h"

#include <algorithm>
#include <cmath>

#include "loaders/onnx/reshape_plan.h"

namespace octet::loaders::onnx {

using graph::TensorId;

// A byte of weights may become an integer of eight bytes, a float, a float in octet's order, and
// whatever else the nodes of the file make of it. So constants may take a multiple of the file's
// size. Small files may have more than that.
std::size_t Builder::most_constant_bytes(std::size_t file_bytes) {
  constexpr std::size_t always_fine = std::size_t{256} << 20;
  constexpr std::size_t for_each_byte = 128;
  return std::max(always_fine, for_each_byte * file_bytes);
}

void Builder::count_constant(std::size_t elements, std::size_t element_bytes) {
  constexpr std::size_t most = std::size_t{1} << 30;
  constant_elements_ += elements;
  constant_bytes_ += elements * element_bytes;
  if (constant_elements_ > most || constant_bytes_ > most_constant_bytes_)
    throw LoadError("the model's constants are too large");
}

std::size_t Builder::elements_left() const {
  // A value, and where it comes from while it is being computed.
  constexpr std::size_t element_bytes = 32;
  return (most_constant_bytes_ - constant_bytes_) / element_bytes;
}

void Builder::set_constant(const std::string& name, Constant constant) {
  count_constant(constant.size(), constant.is_float() ? sizeof(float) : sizeof(int64_t));
  constants_[name] = std::move(constant);
}

void Builder::finish(const Node& node, const Value& value, std::size_t output) {
  const std::string& name = node.output(output);
  const bool made_here = static_cast<std::size_t>(value.id) >= first_tensor_;
  if (made_here && !graph_.tensor(value.id).is_constant()) graph_.tensor(value.id).name = name;
  if (!made_here && node.has_input(0) && readers(node.input(0)) > 1) shared_.insert(value.id);
  values_[name] = value;
  // An operator that takes bytes only moves or clips them, so its result has the same type of
  // bytes.
  const bool is_index = graph_.tensor(value.id).type == Type::s32;
  if (node.has_input(0) && is_bytes(node.input(0)) && !is_index)
    set_byte_type(name, byte_type(node.input(0)));
}

void Builder::add_input(const std::string& name, const Shape& shape, const AxisOrder& order) {
  const TensorId id = graph_.add_tensor({.name = name, .shape = stored_shape(shape, order)});
  graph_.inputs.push_back(id);
  values_[name] = Value{.id = id, .shape = shape, .order = order};
}

void Builder::add_output(const std::string& name) {
  if (find_constant(name) != nullptr) {
    throw LoadError("the output '" + name +
                    "' is a constant: it depends on no input. Remove it from the model's outputs");
  }
  const auto found = values_.find(name);
  if (found == values_.end()) throw LoadError("no node writes the output '" + name + "'");
  const TensorId original = found->second.id;
  TensorId id = stored_as(found->second, identity_order(found->second.shape.size())).id;
  if (id != original) {  // the output is the copy in the author's order of axes
    graph::Tensor& from = graph_.tensor(original);
    if (from.name == name && !graph_.is_input(original)) from.name = name + ".stored";
    graph_.tensor(id).name = name;
  } else if (graph_.tensor(id).name != name || graph_.is_input(id)) {
    // The tensor already has another name, so the output is a copy with its own.
    const graph::Tensor& from = graph_.tensor(id);
    const TensorId copy = graph_.add_tensor(
        {.name = name, .type = from.type, .shape = from.shape, .quantization = from.quantization});
    graph_.nodes.push_back(
        {.name = name + ".output", .op = Op::identity, .inputs = {id}, .outputs = {copy}});
    id = copy;
  }
  graph_.outputs.push_back(id);
}

bool Builder::is_known(const std::string& name) const {
  return values_.contains(name) || constants_.contains(name);
}

int Builder::readers(const std::string& name) const {
  const auto found = readers_.find(name);
  return found != readers_.end() ? found->second : 0;
}

const Constant* Builder::find_constant(const std::string& name) const {
  const auto found = constants_.find(name);
  return found != constants_.end() ? &found->second : nullptr;
}

const Constant* Builder::constant(const Node& node, std::size_t index) const {
  return node.has_input(index) ? find_constant(node.input(index)) : nullptr;
}

const Constant& Builder::required_constant(const Node& node, std::size_t index,
                                           const char* what) const {
  const std::string& name = node.input(index);
  const Constant* found = find_constant(name);
  if (found == nullptr)
    node.missing(std::string("with ") + what + " computed ('" + name + "') instead of constant");
  return *found;
}

float Builder::required_number(const Node& node, std::size_t index, const char* what) const {
  const Constant& found = required_constant(node, index, what);
  if (found.size() != 1) node.fail(std::string(what) + " is not one number");
  return found.is_float() ? found.floats[0] : static_cast<float>(found.integers[0]);
}

float Builder::real_number(const Node& node, std::size_t index, const char* what,
                           std::size_t of) const {
  const float number = required_number(node, index, what);
  const Constant& constant = required_constant(node, index, what);
  const std::string& x = node.input(of);
  const bool on_bytes = is_bytes(x);
  if (constant.is_float() == on_bytes || (on_bytes && constant.type != byte_type(x))) {
    node.fail(std::string("has ") + what + " as " + data_type_name(constant.type) + " beside " +
              (on_bytes ? data_type_name(byte_type(x)) : "floats"));
  }
  return on_bytes ? real_of_byte(node, constant.integers[0], of) : number;
}

float Builder::real_of_byte(const Node& node, int64_t byte, std::size_t of) const {
  const std::string& x = node.input(of);
  const auto& q = graph_.tensor(values_.at(x).id).quantization;
  if (!q) {
    node.missing("on bytes whose scale no QuantizeLinear before it says ('" + x +
                 "'); dequantize them first");
  }
  const int64_t to_unsigned = byte_type(x) == DataType::int8 ? 128 : 0;
  return q->scale * static_cast<float>(byte + to_unsigned - q->zero_point);
}

namespace {

// Bytes with a scale of 0, or with a scale whose inverse is no normal float32, do not quantize a
// tensor.
bool has_one_usable_scale(const QuantizedValues& values) {
  return values.scale.size() == 1 && std::isnormal(values.scale[0]) &&
         std::isnormal(1.0f / values.scale[0]);
}

}  // namespace

TensorId Builder::constant_tensor(const Node& node, const std::string& name) {
  if (const auto known = constant_tensors_.find(name); known != constant_tensors_.end())
    return known->second;
  const Constant& from = constants_.at(name);
  const Shape shape = shape_of(from.dims, node.where() + "its operand '" + name + "' ");
  std::vector<float> values = from.floats;
  if (!from.is_float()) values.assign(from.integers.begin(), from.integers.end());
  graph::Tensor tensor = graph::make_float_constant(name, shape, values);
  if (from.quantized && has_one_usable_scale(*from.quantized)) {
    tensor.quantization = graph::Quantization{.scale = from.quantized->scale[0],
                                              .zero_point = from.quantized->zero_point[0] + 128};
  }
  return constant_tensors_[name] = graph_.add_tensor(std::move(tensor));
}

TensorId Builder::whole_constant(const Node& node, const std::string& name) {
  if (const auto known = whole_constants_.find(name); known != whole_constants_.end())
    return known->second;
  const Constant& from = constants_.at(name);
  if (from.type != DataType::int32 && from.type != DataType::int64)
    node.missing("on '" + name + "', which is " + data_type_name(from.type) + ", beside indices");
  const Shape shape = shape_of(from.dims, node.where() + "its operand '" + name + "' ");
  const auto tensor = make_whole_constant(name, shape, from.integers);
  if (!tensor) node.missing("on '" + name + "', whose numbers 32 bits do not hold");
  return whole_constants_[name] = graph_.add_tensor(*tensor);
}

bool Builder::is_whole(const Node& node, std::size_t index) const {
  const auto value = node.has_input(index) ? values_.find(node.input(index)) : values_.end();
  return value != values_.end() && graph_.tensor(value->second.id).type == Type::s32;
}

Value Builder::whole_operand(const Node& node, std::size_t index) {
  const std::string& name = node.input(index);
  if (!values_.contains(name) && find_constant(name) != nullptr) {
    const TensorId id = whole_constant(node, name);
    const Shape shape = graph_.tensor(id).shape;
    return {.id = id, .shape = shape, .order = identity_order(shape.size())};
  }
  const Value value = any_operand(node, index);
  if (graph_.tensor(value.id).type != Type::s32)
    node.missing("on '" + name + "', which is no whole numbers that octet has in 32 bits");
  return value;
}

void Builder::set_whole(const Node& node, const Value& value) {
  graph_.tensor(value.id).type = Type::s32;
  if (!ranges_.computed_by(graph_.nodes.back()).fits_s32())
    node.missing("of indices that 32 bits may not hold");
}

Value Builder::any_operand(const Node& node, std::size_t index) {
  const std::string& name = node.input(index);
  if (const auto value = values_.find(name); value != values_.end()) return value->second;
  if (find_constant(name) == nullptr) {
    node.fail("reads '" + name +
              "', which is neither an input, a constant, nor written by an earlier node");
  }
  if (is_bytes(name)) {  // nothing says which reals they stand for
    node.missing("on the constant bytes '" + name + "', before any DequantizeLinear; dequantize " +
                 "them first");
  }
  const TensorId id = constant_tensor(node, name);
  const Shape shape = graph_.tensor(id).shape;
  return {.id = id, .shape = shape, .order = identity_order(shape.size())};
}

Value Builder::operand(const Node& node, std::size_t index) {
  if (const std::string& name = node.input(index); is_bytes(name)) {
    node.missing("on bytes ('" + name + "' is " + data_type_name(byte_type(name)) +
                 ", before any DequantizeLinear); dequantize them first");
  }
  return order_operand(node, index);
}

Value Builder::order_operand(const Node& node, std::size_t index) {
  const Value value = any_operand(node, index);
  if (graph_.tensor(value.id).type != Type::f32)
    node.missing("on the indices '" + node.input(index) + "'");
  return value;
}

namespace {

Value as_image(graph::Graph& graph, const Node& node, const Value& value) {
  if (value.shape.size() != 4)
    node.missing("on a tensor of rank " + std::to_string(value.shape.size()) + " " +
                 shape_text(value.shape) + "; octet's takes images, of rank 4");
  return loaders::stored_as(graph, value, channels_last_order(4));
}

}  // namespace

Value Builder::image(const Node& node, std::size_t index) {
  return as_image(graph_, node, operand(node, index));
}

Value Builder::order_image(const Node& node, std::size_t index) {
  return as_image(graph_, node, order_operand(node, index));
}

std::vector<int64_t> Builder::dims(const Node& node, std::size_t index) const {
  const std::string& name = node.input(index);
  if (const auto value = values_.find(name); value != values_.end())
    return {value->second.shape.begin(), value->second.shape.end()};
  const Constant* found = find_constant(name);
  if (found == nullptr) node.fail("reads '" + name + "', which no earlier node writes");
  return found->dims;
}

TensorId Builder::add_floats(const Node& node, const std::string& suffix, Shape shape,
                             std::vector<float> values) {
  count_constant(values.size());
  return graph_.add_tensor(
      graph::make_float_constant(node.name() + suffix, std::move(shape), values));
}

Value Builder::emit(const Node& node, Op op, Attributes attributes, std::vector<TensorId> inputs,
                    const AxisOrder& order, const std::string& suffix) {
  return std::move(emit_all(node, op, std::move(attributes), std::move(inputs), order, suffix)[0]);
}

std::vector<Value> Builder::emit_all(const Node& node, Op op, Attributes attributes,
                                     std::vector<TensorId> inputs, const AxisOrder& order,
                                     const std::string& suffix) {
  std::vector<Shape> shapes;
  for (const TensorId id : inputs) shapes.push_back(graph_.tensor(id).shape);
  const auto results = infer_shapes(op, attributes, shapes);
  if (!results) node.fail(results.error().message);

  std::string name = node.name() + suffix;
  for (int n = 2; !node_names_.insert(name).second; ++n)
    name = node.name() + suffix + "." + std::to_string(n);
  graph::Node made{
      .name = name, .op = op, .attributes = std::move(attributes), .inputs = std::move(inputs)};
  std::vector<Value> values;
  for (const Shape& stored : *results) {
    if (stored.size() != order.size())
      node.fail("has a rank of output that its input does not give");
    Value value{.shape = Shape(order.size()), .order = order};
    for (std::size_t i = 0; i < stored.size(); ++i)
      value.shape[static_cast<std::size_t>(order[i])] = stored[i];
    const std::string number = values.empty() ? "" : "." + std::to_string(values.size() + 1);
    value.id = graph_.add_tensor({.name = name + number, .shape = stored});
    made.outputs.push_back(value.id);
    values.push_back(std::move(value));
  }
  if (graph::moves_or_joins(made)) {
    for (const TensorId id : graph::moved_results(made))
      graph_.tensor(id).type = graph_.tensor(made.inputs[0]).type;
  }
  graph::keep_scale_of_moved(graph_, made);
  graph_.nodes.push_back(std::move(made));
  return values;
}

Value Builder::transposed(const Value& value, const AxisOrder& permutation) const {
  Value out{.id = value.id};
  for (const int32_t axis : permutation)
    out.shape.push_back(value.shape[static_cast<std::size_t>(axis)]);
  for (const int32_t old : value.order) {
    out.order.push_back(
        static_cast<int32_t>(std::ranges::find(permutation, old) - permutation.begin()));
  }
  return out;
}

void Builder::mark_quantized() {
  graph_.keeps_rounding = true;
  graph_.has_authors_borders = true;
  graph_.unscaled_is_float = true;
}

bool Builder::is_read_once(const std::string& name, const Value& value) const {
  return readers(name) == 1 && !shared_.contains(value.id);
}

bool Builder::is_joined(const Value& value) const {
  const int producer = graph_.producer_of(value.id);
  if (producer < 0) return false;
  const graph::Node& node = graph_.nodes[static_cast<std::size_t>(producer)];
  return node.op == Op::concat && std::ranges::all_of(node.inputs, [&](TensorId id) {
           return graph_.tensor(id).quantization == graph_.tensor(value.id).quantization;
         });
}

void Builder::set_quantization(const Node& node, const Value& value,
                               graph::Quantization quantization) {
  mark_quantized();
  for (const TensorId id : unscaled_sources(value.id)) {
    graph::Tensor& tensor = graph_.tensor(id);
    const auto as_numbers = numbers_.find(id);
    if ((tensor.quantization && !(*tensor.quantization == quantization)) ||
        (as_numbers != numbers_.end() && !(as_numbers->second == quantization))) {
      node.fail("reads '" + tensor.name +
                "' with another scale or zero point than it was quantized with");
    }
    tensor.quantization = quantization;
  }
}

void Builder::set_numbers(const Node& node, const Value& value, graph::Quantization numbers) {
  for (const TensorId id : unscaled_sources(value.id)) {
    if (const auto& known = graph_.tensor(id).quantization; known && !(*known == numbers)) {
      node.fail("reads '" + graph_.tensor(id).name +
                "' as numbers, where another node dequantizes it");
    }
    numbers_[id] = numbers;
  }
}

std::vector<TensorId> Builder::unscaled_sources(TensorId id) const {
  std::vector<TensorId> sources = {id};
  if (graph_.tensor(id).quantization) return sources;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const int producer = graph_.producer_of(sources[i]);
    if (producer < 0) continue;
    const graph::Node& node = graph_.nodes[static_cast<std::size_t>(producer)];
    if (!graph::moves_or_joins(node) ||
        std::ranges::count(graph::moved_results(node), sources[i]) == 0)
      continue;
    for (const TensorId input : graph::moved_operands(node)) {
      if (!graph_.tensor(input).is_constant() && std::ranges::count(sources, input) == 0)
        sources.push_back(input);
    }
  }
  return sources;
}

void Builder::quantize_result(const Node& node, graph::Quantization quantization) {
  graph_.tensor(values_.at(node.output()).id).quantization = quantization;
}

Value Builder::reshaped(const Node& node, const Value& value, const Shape& shape,
                        const std::string& suffix) {
  const ReshapePlan plan = plan_reshape(value, shape);
  return emit(node, Op::reshape, ReshapeAttributes{stored_shape(shape, plan.after)},
              {stored_as(value, plan.before).id}, plan.after, suffix);
}

bool Builder::is_bytes(const std::string& name) const {
  if (byte_types_.contains(name)) return true;
  const Constant* constant = find_constant(name);
  return constant != nullptr && is_byte_type(constant->type);
}

DataType Builder::byte_type(const std::string& name) const {
  if (const auto known = byte_types_.find(name); known != byte_types_.end()) return known->second;
  const Constant* constant = find_constant(name);
  return constant != nullptr && !constant->is_float() ? constant->type : DataType::uint8;
}

void Builder::add_real_name(const std::string& name, const std::string& bytes) {
  values_[name] = values_.at(bytes);
  readers_[name] = readers(bytes);
}

const PhasedLayer* Builder::find_phased(const Node& node, const Value& x) const {
  const auto found = phased_.find(x.id);
  const bool alone = is_read_once(node.input(0), x) && !graph_.tensor(x.id).quantization;
  return found != phased_.end() && alone ? &found->second : nullptr;
}

void Builder::insert_after(const PhasedLayer& layer, const Node& node, Op op, Attributes attributes,
                           const std::vector<TensorId>& parameters) {
  const TensorId before = layer.output;
  const TensorId after =
      insert_behind(graph_, layer, node.name(), op, std::move(attributes), parameters);
  for (auto& [result, phased] : phased_) {
    if (phased.output == before) phased.output = after;
  }
}

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

}  // namespace octet::loaders::onnx
