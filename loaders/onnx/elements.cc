// Functions of one and of two values.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "loaders/onnx/operators.h"

namespace octet::loaders::onnx {

using graph::TensorId;

Value emit_binary(Builder& builder, const Node& node, Op op, Value a, Value b,
                  const std::string& suffix) {
  const std::size_t rank = std::max(a.shape.size(), b.shape.size());
  a = with_rank(builder.graph(), a, rank);
  b = with_rank(builder.graph(), b, rank);
  // The shapes are checked here, because the graph's own check does not know the file's order of
  // axes.
  for (std::size_t i = 0; i < rank; ++i) {
    if (a.shape[i] != b.shape[i] && a.shape[i] != 1 && b.shape[i] != 1)
      node.fail("cannot broadcast " + shape_text(a.shape) + " with " + shape_text(b.shape));
  }
  // If one operand is an activation with its own storage order, the result takes that order. The
  // other operand is more likely in plain order or a constant.
  const bool a_decides =
      !builder.graph().tensor(a.id).is_constant() &&
      (a.order != identity_order(rank) || builder.graph().tensor(b.id).is_constant());
  const AxisOrder order = a_decides ? a.order : b.order;
  return builder.emit(node, op, BinaryAttributes{},
                      {builder.stored_as(a, order).id, builder.stored_as(b, order).id}, order,
                      suffix);
}

namespace {

Value scalar(Builder& builder, const Node& node, const std::string& suffix, float value) {
  return {.id = builder.add_floats(node, suffix, {}, {value})};
}

Value emit_clip(Builder& builder, const Node& node, const Value& x, Bounds bounds,
                const std::string& suffix = "") {
  return builder.emit(node, Op::clip, ClipAttributes{bounds}, {x.id}, x.order, suffix);
}

// Finishes a clip of input `of`. If that is bytes, the result has the same scale.
void finish_clip(Builder& builder, const Node& node, const Value& x, Bounds bounds,
                 std::size_t of = 0) {
  const Value y = emit_clip(builder, node, x, bounds);
  if (builder.is_bytes(node.input(of)))
    builder.graph().tensor(y.id).quantization = builder.graph().tensor(x.id).quantization;
  builder.finish(node, y);
}

// Returns bytes as the numbers that they are, without their scale.
Value numbers_of_bytes(Builder& builder, const Node& node, const Value& x) {
  const bool is_signed = builder.byte_type(node.input(0)) == DataType::int8;
  const graph::Quantization numbers{.scale = 1, .zero_point = is_signed ? 128 : 0};
  const auto known = builder.graph().tensor(x.id).quantization;
  if (!known) {  // an input of the model: its reals are these numbers
    builder.set_numbers(node, x, numbers);
    return x;
  }
  if (*known == numbers) return x;
  const auto shift = static_cast<float>(known->zero_point - numbers.zero_point);
  Value y = emit_binary(builder, node, Op::mul, x,
                        scalar(builder, node, ".per_step", 1.0f / known->scale),
                        shift == 0 ? "" : ".steps");
  if (shift != 0)
    y = emit_binary(builder, node, Op::add, y, scalar(builder, node, ".shift", shift));
  // With this scale, rounding gives exactly these numbers.
  builder.graph().tensor(y.id).quantization = numbers;
  return y;
}

}  // namespace

void load_function(Builder& builder, const Node& node, Op op) {
  if (node.op() == "Gelu" && node.text("approximate", "none") == "tanh") {
    op = Op::gelu_tanh;
  } else if (node.op() == "Gelu" && node.text("approximate", "none") != "none") {
    node.missing("with approximate = " + node.text("approximate", ""));
  }
  if (node.op() == "Swish" && node.number("alpha", 1) != 1) node.missing("with an alpha");
  const Value x = builder.operand(node, 0);
  builder.finish(node, builder.emit(node, op, NoAttributes{}, {x.id}, x.order));
}

void load_scaled_unary(Builder& builder, const Node& node) {
  const bool is_elu = node.op() == "Elu";
  const Value x = builder.operand(node, 0);
  const float alpha = node.number("alpha", is_elu ? 1.0f : 0.01f);
  builder.finish(node, builder.emit(node, is_elu ? Op::elu : Op::leaky_relu,
                                    ScalarAttributes{alpha}, {x.id}, x.order));
}

void load_clip(Builder& builder, const Node& node) {
  const Value x = builder.order_operand(node, 0);
  Bounds bounds;
  if (node.op() == "Relu") {
    bounds.min = builder.is_bytes(node.input(0)) ? builder.real_of_byte(node, 0) : 0;
  } else if (node.opset() < 11) {
    bounds = {node.number("min", bounds.min), node.number("max", bounds.max)};
    if (builder.is_bytes(node.input(0))) node.fail("clips bytes, which its operator set cannot");
  } else {
    if (node.has_input(1)) bounds.min = builder.real_number(node, 1, "its minimum");
    if (node.has_input(2)) bounds.max = builder.real_number(node, 2, "its maximum");
  }
  if (std::isnan(bounds.min) || std::isnan(bounds.max))
    node.fail("has a bound that is not a number (NaN)");
  // Exporters write the largest float for 'no bound'.
  if (bounds.min == std::numeric_limits<float>::lowest()) bounds.min = Bounds{}.min;
  if (bounds.max == std::numeric_limits<float>::max()) bounds.max = Bounds{}.max;
  if (!(bounds.min <= bounds.max)) node.fail("has a min above its max");
  if (const PhasedLayer* phased = builder.find_phased(node, x)) {
    builder.insert_after(*phased, node, Op::clip, ClipAttributes{bounds}, {});
    return builder.finish(node, x);
  }
  finish_clip(builder, node, x, bounds);
}

void load_hard_sigmoid(Builder& builder, const Node& node) {
  const Value x = builder.operand(node, 0);
  const float alpha = node.number("alpha", 0.2f);
  const float beta = node.number("beta", 0.5f);
  if (std::abs(alpha - 1.0f / 6) < 1e-6f && beta == 0.5f) {
    return builder.finish(node,
                          builder.emit(node, Op::hard_sigmoid, NoAttributes{}, {x.id}, x.order));
  }
  const Value scaled =
      emit_binary(builder, node, Op::mul, x, scalar(builder, node, ".alpha", alpha), ".scaled");
  const Value shifted =
      emit_binary(builder, node, Op::add, scaled, scalar(builder, node, ".beta", beta), ".shifted");
  builder.finish(node, emit_clip(builder, node, shifted, {0, 1}));
}

void load_prelu(Builder& builder, const Node& node) {
  const Value x = builder.operand(node, 0);
  const Constant* slope = builder.constant(node, 1);
  const std::size_t rank = x.shape.size();
  // The axis of the slopes; the last axis if there is one slope for all.
  int32_t axis = static_cast<int32_t>(rank) - 1;
  bool one_axis = slope != nullptr && slope->is_float() && slope->dims.size() <= rank && rank > 0;
  for (std::size_t i = 0; one_axis && i < slope->dims.size(); ++i) {
    if (slope->dims[i] == 1) continue;
    one_axis = slope->dims[i] == static_cast<int64_t>(slope->size());
    axis = static_cast<int32_t>(i + rank - slope->dims.size());
  }
  if (one_axis) {
    AxisOrder order = x.order;
    if (slope->size() > 1 && order.back() != axis) {
      order = identity_order(rank);
      std::rotate(order.begin() + axis, order.begin() + axis + 1, order.end());
    }
    const Value stored = builder.stored_as(x, order);
    const TensorId slopes =
        builder.add_floats(node, ".slope", {static_cast<int32_t>(slope->size())}, slope->floats);
    return builder.finish(
        node, builder.emit(node, Op::prelu, NoAttributes{}, {stored.id, slopes}, order));
  }
  // The result is max(x, 0) + slope * min(x, 0).
  const Value above = emit_clip(builder, node, x, {.min = 0}, ".above");
  const Value below = emit_clip(builder, node, x, {.max = 0}, ".below");
  const Value sloped =
      emit_binary(builder, node, Op::mul, below, builder.operand(node, 1), ".sloped");
  builder.finish(node, emit_binary(builder, node, Op::add, above, sloped));
}

void load_binary(Builder& builder, const Node& node) {
  static const std::map<std::string, Op> ops = {
      {"Add", Op::add}, {"Sub", Op::sub}, {"Mul", Op::mul}, {"Div", Op::div}};
  if (is_of_whole_numbers(builder, node))
    return finish_whole_numbers(builder, node, ops.at(node.op()));
  const Value a = builder.operand(node, 0);
  const Value b = builder.operand(node, 1);
  builder.finish(node, emit_binary(builder, node, ops.at(node.op()), a, b));
}

void load_sum(Builder& builder, const Node& node) {
  Value sum = builder.operand(node, 0);
  for (std::size_t i = 1; i < node.input_count(); ++i)
    sum = emit_binary(builder, node, Op::add, sum, builder.operand(node, i));
  builder.finish(node, sum);
}

void load_min_max(Builder& builder, const Node& node) {
  if (node.input_count() != 2) node.missing("of other than two tensors");
  const std::size_t number = builder.constant(node, 0) != nullptr ? 0 : 1;
  const Constant* bound = builder.constant(node, number);
  if (bound == nullptr || bound->size() != 1)
    node.missing("of two tensors; octet's has a tensor and a constant number");
  const std::size_t of = 1 - number;
  const Value x = builder.order_operand(node, of);
  if (bound->dims.size() > x.shape.size()) node.missing("that adds axes to its operand");
  const float value = builder.real_number(node, number, "its bound", of);
  if (std::isnan(value)) node.fail("has a bound that is not a number");
  finish_clip(builder, node, x, node.op() == "Min" ? Bounds{.max = value} : Bounds{.min = value},
              of);
}

void load_pow(Builder& builder, const Node& node) {
  const float exponent = builder.required_number(node, 1, "its exponent");
  const Value x = builder.operand(node, 0);
  if (exponent == 1) return builder.finish(node, x);
  if (exponent == 0.5f)
    return builder.finish(node, builder.emit(node, Op::sqrt, NoAttributes{}, {x.id}, x.order));
  if (exponent != 2 && exponent != 3) {
    node.missing("with the exponent " + std::to_string(exponent) + "; octet's has 1, 2, 3 and 0.5");
  }
  Value y = emit_binary(builder, node, Op::mul, x, x, exponent == 3 ? ".squared" : "");
  if (exponent == 3) y = emit_binary(builder, node, Op::mul, y, x);
  builder.finish(node, y);
}

void load_reciprocal(Builder& builder, const Node& node) {
  const Value x = builder.operand(node, 0);
  builder.finish(node, emit_binary(builder, node, Op::div, scalar(builder, node, ".one", 1.0f), x));
}

void load_same(Builder& builder, const Node& node) {
  const bool trains = node.has_input(2) && builder.required_number(node, 2, "its mode") != 0;
  if (node.op() == "Dropout" && trains) node.missing("in training mode");
  builder.finish(node, builder.any_operand(node, 0));
}

void load_cast(Builder& builder, const Node& node) {
  const Value x = builder.any_operand(node, 0);
  const auto to =
      node.op() == "CastLike"
          ? builder.required_constant(node, 1, "its type").type
          : static_cast<DataType>(node.to_int32(node.required_integer("to"), "its type"));
  const bool is_index = builder.graph().tensor(x.id).type == Type::s32;
  const bool to_index = to == DataType::int32 || to == DataType::int64;
  if (builder.is_bytes(node.input(0))) {
    const DataType from = builder.byte_type(node.input(0));
    if (to == from) return builder.finish(node, x);
    if (!is_float_type(to))
      node.missing("of " + data_type_name(from) + " to " + data_type_name(to));
    builder.finish(node, numbers_of_bytes(builder, node, x));
    return builder.set_real(node.output());
  }
  if (is_index ? is_float_type(to) : to == DataType::int32) {
    const Value y = builder.emit(node, Op::cast, NoAttributes{}, {x.id}, x.order);
    if (!is_index) builder.graph().tensor(y.id).type = Type::s32;
    return builder.finish(node, y);
  }
  // Floats may be beyond octet's 32 bits.
  if (is_index ? !to_index : !is_float_type(to))
    node.missing(std::string("of ") + (is_index ? "indices" : "floats") + " to " +
                 data_type_name(to));
  builder.finish(node, x);
}

}  // namespace octet::loaders::onnx
