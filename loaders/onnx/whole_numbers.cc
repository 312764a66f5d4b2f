// Whole numbers that are computed at run time: arithmetic, and operators that take values at
// indices.
#include <algorithm>
#include <map>

#include "loaders/onnx/operators.h"

namespace octet::loaders::onnx {

namespace {

Value emit_whole(Builder& builder, const Node& node, Op op, const Value& a, const Value& b,
                 const std::string& suffix = "") {
  const Value y = emit_binary(builder, node, op, a, b, suffix);
  builder.set_whole(node, y);
  return y;
}

}  // namespace

bool is_of_whole_numbers(const Builder& builder, const Node& node) {
  return builder.is_whole(node, 0) || builder.is_whole(node, 1);
}

void finish_whole_numbers(Builder& builder, const Node& node, Op op) {
  const Value a = builder.whole_operand(node, 0);
  const Value b = builder.whole_operand(node, 1);
  builder.finish(node, emit_whole(builder, node, op, a, b));
}

void load_mod(Builder& builder, const Node& node) {
  if (!is_of_whole_numbers(builder, node)) node.missing("of values that are computed at run time");
  // Mod is the rest of the division. It has the sign of the divisor if the quotient is rounded
  // down, and the sign of the dividend with fmod.
  const Op divide = node.integer("fmod", 0) != 0 ? Op::div : Op::floor_div;
  const Value a = builder.whole_operand(node, 0);
  const Value b = builder.whole_operand(node, 1);
  const Value quotient = emit_whole(builder, node, divide, a, b, ".quotient");
  const Value whole = emit_whole(builder, node, Op::mul, quotient, b, ".whole");
  builder.finish(node, emit_whole(builder, node, Op::sub, a, whole));
}

void load_gather_nd(Builder& builder, const Node& node) {
  if (node.integer("batch_dims", 0) != 0) node.missing("with batch dimensions");
  const Value data = builder.any_operand(node, 0);
  const Value places = builder.whole_operand(node, 1);
  const Value x = builder.stored_as(data, identity_order(data.shape.size()));
  const Value at = builder.stored_as(places, identity_order(places.shape.size()));
  if (at.shape.empty() || at.shape.back() > static_cast<int32_t>(x.shape.size()))
    node.fail("takes places " + shape_text(at.shape) + " of " + shape_text(x.shape));
  const auto depth = static_cast<std::size_t>(at.shape.back());
  builder.finish(
      node, builder.emit(node, Op::gather_nd, GatherAttributes{.from_end = true}, {x.id, at.id},
                         identity_order(at.shape.size() - 1 + x.shape.size() - depth)));
}

Value gather_along(Builder& builder, const Node& node, const Value& data, int32_t axis,
                   const Value& indices) {
  const auto index_rank = static_cast<int32_t>(indices.shape.size());
  Shape places = indices.shape;
  places.push_back(1);
  // The axis has to be stored first. In the result, the axes of the indices take its place.
  AxisOrder stored = {axis};
  AxisOrder result;
  for (int32_t i = 0; i < index_rank; ++i) result.push_back(axis + i);
  for (const int32_t other : data.order) {
    if (other == axis) continue;
    stored.push_back(other);
    result.push_back(other < axis ? other : other + index_rank - 1);
  }
  const Value at = builder.stored_as(builder.reshaped(node, indices, places, ".places"),
                                     identity_order(places.size()));
  return builder.emit(node, Op::gather_nd, GatherAttributes{.from_end = true},
                      {builder.stored_as(data, stored).id, at.id}, result);
}

}  // namespace octet::loaders::onnx
