#include "loaders/tflite/builder.h"

#include <algorithm>
#include <cmath>

namespace octet::loaders::tflite {

using format::TensorType;
using graph::TensorId;

namespace {

bool is_bytes(const TensorRecord& tensor) { return is_byte_type(tensor.type); }

// Whether the file gives every extent of the tensor.
bool is_firm(const TensorRecord& tensor) {
  const auto open = [](int32_t extent) { return extent < 1; };
  return std::ranges::none_of(tensor.signature, open) && std::ranges::none_of(tensor.shape, open);
}

bool is_integer(const TensorRecord& tensor) {
  return tensor.type == TensorType::INT32 || tensor.type == TensorType::INT64;
}

}  // namespace

void Builder::count_constant(std::size_t elements) {
  constexpr std::size_t most = std::size_t{1} << 29;
  constant_elements_ += elements;
  if (constant_elements_ > most) throw LoadError("the model's constants are too large");
}

void Builder::add_input(int32_t tensor, const Shape& shape) {
  const TensorRecord& from = record(tensor);
  graph::Tensor input{.name = from.name, .shape = shape};
  if (is_bytes(from))
    input.quantization = has_no_scale(from) ? numbers_of(from.type) : quantization_of(from);
  input.given_in_bytes = is_bytes(from);
  const TensorId id = graph_.add_tensor(std::move(input));
  graph_.inputs.push_back(id);
  values_[tensor] = id;
}

void Builder::add_output(int32_t tensor) {
  const TensorRecord& from = record(tensor);
  const auto found = values_.find(tensor);
  if (found != values_.end() && !graph_.tensor(found->second).is_constant()) {
    TensorId id = found->second;
    if (graph_.tensor(id).name != from.name || graph_.is_input(id)) {
      // The tensor already has another name, so the output is a copy with its own.
      graph::Tensor copy = graph_.tensor(id);
      copy.name = from.name;
      const TensorId original = id;
      id = graph_.add_tensor(std::move(copy));
      graph_.nodes.push_back({.name = from.name + ".output",
                              .op = Op::identity,
                              .inputs = {original},
                              .outputs = {id}});
    }
    graph_.outputs.push_back(id);
    return;
  }
  if (from.data || constants_.contains(tensor)) {
    throw LoadError("the output '" + from.name +
                    "' is a constant: it depends on no input. Convert the model without it");
  }
  throw LoadError("no operator writes the output '" + from.name + "'");
}

void Builder::set_constant(int32_t tensor, Constant constant) {
  count_constant(constant.size());
  constants_[tensor] = std::move(constant);
}

bool Builder::is_known(int32_t tensor) const {
  return values_.contains(tensor) || constants_.contains(tensor) || record(tensor).data;
}

bool Builder::is_constant(int32_t tensor) const {
  return constants_.contains(tensor) || (record(tensor).data && !record(tensor).variable);
}

std::optional<Shape> Builder::known_shape(const Node& node, std::size_t index) const {
  const int32_t tensor = node.input(index);
  if (const auto value = values_.find(tensor); value != values_.end()) return shape(value->second);
  if (const auto found = constants_.find(tensor); found != constants_.end())
    return found->second.shape;
  if (unsure_.contains(tensor) || !is_firm(record(tensor))) return std::nullopt;
  return record(tensor).shape;
}

Shape Builder::firm_result_shape(const Node& node, std::size_t index, const char* what) const {
  const TensorRecord& result = node.output_tensor();
  if (!is_firm(result) || (node.has_input(index) && unsure_.contains(node.input(index)))) {
    const std::string name = node.has_input(index) ? node.input_tensor(index).name : result.name;
    node.missing(std::string("with ") + what + " computed ('" + name +
                 "') of what is not constant, and the file leaves the result's shape open");
  }
  return shape_of(result);
}

void Builder::mark_unsure(const OperatorRecord& record) {
  unsure_.insert(record.outputs.begin(), record.outputs.end());
}

bool Builder::is_read_once(int32_t tensor, TensorId value) const {
  return readers_[static_cast<std::size_t>(tensor)] == 1 && !shared_.contains(value);
}

// Checks that the result is what the file says of it. If octet made something else, that would be
// an error that nobody sees.
void Builder::check_result(const Node& node, TensorId value, int32_t index) const {
  const TensorRecord& result = record(index);
  const graph::Tensor& tensor = graph_.tensor(value);
  if (tensor.type == Type::s32 ? !is_integer(result)
                               : !is_bytes(result) && result.type != TensorType::FLOAT32 &&
                                     result.type != TensorType::FLOAT16)
    node.missing("with a result of " + type_name(result.type) +
                 "; octet's activations are floats or 8 bits");
  if (shapes_hold_ && !unsure_.contains(index) && tensor.shape != result.shape) {
    node.fail("gives " + shape_text(tensor.shape) + ", but the file says that '" + result.name +
              "' is " + shape_text(result.shape));
  }
}

// Checks that bytes with a scale are not made from bytes without one, nor the other way round.
void Builder::check_bytes(const Node& node, const TensorRecord& result) const {
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    if (!node.has_input(i) || !is_bytes(node.input_tensor(i))) continue;
    if (has_no_scale(node.input_tensor(i)) == has_no_scale(result)) continue;
    node.fail("gives '" + result.name + "', bytes " + (has_no_scale(result) ? "without" : "with") +
              " a scale, of '" + node.input_tensor(i).name + "', bytes " +
              (has_no_scale(result) ? "with" : "without") + " one");
  }
}

TensorId Builder::with_scale(const Node& node, TensorId value, const graph::Quantization& wanted) {
  auto& known = graph_.tensor(value).quantization;
  if (!known) known = wanted;
  if (*known == wanted) return value;
  const TensorId copy = emit(node, Op::clip, ClipAttributes{}, {value}, ".rescaled");
  graph_.tensor(copy).quantization = wanted;
  return copy;
}

void Builder::finish(const Node& node, TensorId value, std::size_t output) {
  const int32_t index = node.output(output);
  const TensorRecord& result = record(index);
  check_result(node, value, index);
  if (values_.contains(index) || result.data)
    node.fail("writes '" + result.name + "', which is an input, a constant, or written before");
  if (is_bytes(result)) {
    check_bytes(node, result);
    value =
        with_scale(node, value,
                   has_no_scale(result) ? numbers_of(result.type) : quantization_of_result(result));
    if (is_dead(result))
      graph_.remarks.push_back("'" + result.name +
                               "' has a scale below 1.2e-38: all of its values are 0");
  }
  const bool made_here = static_cast<std::size_t>(value) >= first_tensor_;
  if (made_here && !graph_.tensor(value).is_constant()) graph_.tensor(value).name = result.name;
  if (!made_here) shared_.insert(value);
  values_[index] = value;
}

const Constant* Builder::find_constant(int32_t tensor) {
  if (const auto found = constants_.find(tensor); found != constants_.end()) return &found->second;
  if (!record(tensor).data || record(tensor).variable) return nullptr;
  Constant decoded = decode(record(tensor));
  count_constant(decoded.size());
  return &(constants_[tensor] = std::move(decoded));
}

const Constant* Builder::constant(const Node& node, std::size_t index) {
  return node.has_input(index) ? find_constant(node.input(index)) : nullptr;
}

const Constant& Builder::required_constant(const Node& node, std::size_t index, const char* what) {
  const Constant* found = find_constant(node.input(index));
  if (found == nullptr) {
    node.missing(std::string("with ") + what + " computed ('" + node.input_tensor(index).name +
                 "') instead of constant");
  }
  return *found;
}

const std::vector<int64_t>& Builder::integers(const Node& node, std::size_t index,
                                              const char* what) {
  const Constant& found = required_constant(node, index, what);
  if (found.is_float) node.fail(std::string("has ") + what + " in floats");
  return found.integers;
}

TensorId Builder::whole_constant(const Node& node, int32_t tensor, const Constant& from) {
  const std::string& name = record(tensor).name;
  if (!is_integer(record(tensor))) node.missing("on the integers '" + name + "'");
  const auto made = make_whole_constant(name, from.shape, from.integers);
  if (!made) node.missing("on the integers '" + name + "', which 32 bits do not hold");
  return graph_.add_tensor(*made);
}

bool Builder::is_whole(const Node& node, std::size_t index) const {
  return is_integer(node.input_tensor(index));
}

TensorId Builder::whole_operand(const Node& node, std::size_t index) {
  const TensorId id = any_operand(node, index);
  if (graph_.tensor(id).type != Type::s32) {
    node.missing("on '" + node.input_tensor(index).name + "', which is " +
                 type_name(node.input_tensor(index).type) + "; octet's takes integers");
  }
  return id;
}

TensorId Builder::any_operand(const Node& node, std::size_t index) {
  const int32_t tensor = node.input(index);
  if (const auto value = values_.find(tensor); value != values_.end()) return value->second;
  const Constant* from = find_constant(tensor);
  const std::string& name = record(tensor).name;
  if (from == nullptr) {
    node.fail("reads '" + name +
              "', which is neither an input, a constant, nor written by an earlier operator");
  }
  if (!from->is_float) return values_[tensor] = whole_constant(node, tensor, *from);
  graph::Tensor made = graph::make_float_constant(name, from->shape, from->floats);
  if (from->quantized && from->quantized->scale.size() == 1) {
    const float scale = from->quantized->scale[0];
    const int32_t zero_point = from->quantized->zero_point[0] + 128;
    // With a scale of 0 all values are 0, which any scale can represent.
    made.quantization = std::isnormal(scale)
                            ? graph::Quantization{.scale = scale, .zero_point = zero_point}
                            : graph::Quantization{.scale = 1, .zero_point = zero_point};
  }
  return values_[tensor] = graph_.add_tensor(std::move(made));
}

float Builder::real_beside(const Node& node, const Constant& number, std::size_t of) const {
  const bool numbers = has_no_scale(node.input_tensor(of));
  if (number.is_float == numbers)
    node.fail(std::string("has a number ") + (numbers ? "with a scale" : "without a scale") +
              " beside '" + node.input_tensor(of).name + "'");
  return numbers ? static_cast<float>(number.integers[0]) : number.floats[0];
}

TensorId Builder::operand(const Node& node, std::size_t index) {
  if (has_no_scale(node.input_tensor(index))) {
    node.missing("on bytes: '" + node.input_tensor(index).name + "' is " +
                 type_name(node.input_tensor(index).type) +
                 " without a scale: convert the model again, with full integer quantization");
  }
  return moved_operand(node, index);
}

TensorId Builder::moved_operand(const Node& node, std::size_t index) {
  const TensorId id = any_operand(node, index);
  if (graph_.tensor(id).type != Type::f32)
    node.missing("on the indices '" + node.input_tensor(index).name + "'");
  return id;
}

namespace {

TensorId checked_image(const Builder& builder, const Node& node, TensorId id) {
  const Shape& shape = builder.shape(id);
  if (shape.size() != 4) {
    node.missing("on a tensor of rank " + std::to_string(shape.size()) + " " + shape_text(shape) +
                 "; octet's takes images, of rank 4");
  }
  return id;
}

}  // namespace

TensorId Builder::image(const Node& node, std::size_t index) {
  return checked_image(*this, node, operand(node, index));
}

TensorId Builder::moved_image(const Node& node, std::size_t index) {
  return checked_image(*this, node, moved_operand(node, index));
}

TensorId Builder::add_floats(const Node& node, const std::string& suffix, Shape shape,
                             std::span<const float> values) {
  count_constant(values.size());
  return graph_.add_tensor(
      graph::make_float_constant(node.name() + suffix, std::move(shape), values));
}

TensorId Builder::emit(const Node& node, Op op, Attributes attributes, std::vector<TensorId> inputs,
                       const std::string& suffix) {
  return emit_all(node, op, std::move(attributes), std::move(inputs), suffix)[0];
}

std::vector<TensorId> Builder::emit_all(const Node& node, Op op, Attributes attributes,
                                        std::vector<TensorId> inputs, const std::string& suffix) {
  std::vector<Shape> shapes;
  for (const TensorId id : inputs) shapes.push_back(shape(id));
  const auto results = infer_shapes(op, attributes, shapes);
  if (!results) node.fail(results.error().message);
  std::string name = node.name() + suffix;
  for (int n = 2; !node_names_.insert(name).second; ++n)
    name = node.name() + suffix + "." + std::to_string(n);
  std::vector<TensorId> ids;
  for (const Shape& result : *results) {
    const std::string number = ids.empty() ? "" : "." + std::to_string(ids.size() + 1);
    ids.push_back(graph_.add_tensor({.name = name + number, .shape = result}));
  }
  graph_.nodes.push_back({.name = name,
                          .op = op,
                          .attributes = std::move(attributes),
                          .inputs = std::move(inputs),
                          .outputs = ids});
  return ids;
}

TensorId Builder::emit_moved(const Node& node, Op op, Attributes attributes, TensorId x,
                             const std::string& suffix) {
  const TensorId y = emit(node, op, std::move(attributes), {x}, suffix);
  graph_.tensor(y).type = graph_.tensor(x).type;
  graph::keep_scale_of_moved(graph_, graph_.nodes.back());
  return y;
}

TensorId Builder::emit_whole(const Node& node, Op op, std::vector<TensorId> operands,
                             const std::string& suffix) {
  const TensorId y = emit(node, op, BinaryAttributes{}, std::move(operands), suffix);
  graph_.tensor(y).type = Type::s32;
  const bool in_64_bits = node.output_tensor().type == TensorType::INT64;
  if (in_64_bits && !ranges_.computed_by(graph_.nodes.back()).fits_s32())
    node.missing("of INT64 numbers that 32 bits may not hold");
  return y;
}

TensorId Builder::emit_gather(const Node& node, TensorId x, TensorId places,
                              const std::string& suffix) {
  const TensorId y = emit(node, Op::gather_nd, GatherAttributes{}, {x, places}, suffix);
  graph_.tensor(y).type = graph_.tensor(x).type;
  graph::keep_scale_of_moved(graph_, graph_.nodes.back());
  return y;
}

TensorId Builder::reshaped(const Node& node, TensorId x, const Shape& to,
                           const std::string& suffix) {
  if (shape(x) == to) return x;
  return emit_moved(node, Op::reshape, ReshapeAttributes{to}, x, suffix);
}

}  // namespace octet::loaders::tflite
