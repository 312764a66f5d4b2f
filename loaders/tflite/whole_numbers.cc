// Whole numbers that are computed at run time: arithmetic, and operators that take values at
// indices.
#include <algorithm>

#include "loaders/tflite/operators.h"

namespace octet::loaders::tflite {

using graph::TensorId;
using Code = format::BuiltinOperator;

void finish_whole_numbers(Builder& builder, const Node& node, Op op) {
  const TensorId a = builder.whole_operand(node, 0);
  const TensorId b = builder.whole_operand(node, 1);
  builder.finish(node, builder.emit_whole(node, op, {a, b}));
}

void load_floor_div(Builder& builder, const Node& node) {
  finish_whole_numbers(builder, node, Op::floor_div);
}

void load_floor_mod(Builder& builder, const Node& node) {
  // FLOOR_MOD is the rest of the division, with the sign of the divisor.
  const TensorId a = builder.whole_operand(node, 0);
  const TensorId b = builder.whole_operand(node, 1);
  const TensorId quotient = builder.emit_whole(node, Op::floor_div, {a, b}, ".quotient");
  const TensorId whole = builder.emit_whole(node, Op::mul, {quotient, b}, ".whole");
  builder.finish(node, builder.emit_whole(node, Op::sub, {a, whole}));
}

void load_gather_nd(Builder& builder, const Node& node) {
  const TensorId x = builder.any_operand(node, 0);
  const TensorId places = builder.whole_operand(node, 1);
  builder.finish(node, builder.emit_gather(node, x, places));
}

void load_gather(Builder& builder, const Node& node) {
  const auto* o = node.find_options<format::GatherOptions>();
  if (o != nullptr && o->batch_dims() != 0) node.missing("with batch dimensions");
  TensorId x = builder.any_operand(node, 0);
  const auto rank = static_cast<int32_t>(builder.shape(x).size());
  const int32_t axis = node.axis(o != nullptr ? o->axis() : 0, builder.shape(x).size());
  const TensorId indices = builder.whole_operand(node, 1);
  Shape places = builder.shape(indices);
  const auto index_rank = static_cast<int32_t>(places.size());
  places.push_back(1);
  // The axis is moved to the front. What is gathered then begins with the axes of the indices,
  // which are moved back to the place of the axis.
  std::vector<int32_t> to_front = {axis};
  std::vector<int32_t> back;
  for (int32_t i = 0; i < rank; ++i) {
    if (i != axis) to_front.push_back(i);
  }
  for (int32_t i = 0; i < axis; ++i) back.push_back(index_rank + i);
  for (int32_t i = 0; i < index_rank; ++i) back.push_back(i);
  for (int32_t i = index_rank + axis; i < index_rank + rank - 1; ++i) back.push_back(i);
  if (axis > 0)
    x = builder.emit_moved(node, Op::transpose, TransposeAttributes{to_front}, x, ".front");
  TensorId y = builder.emit_gather(node, x, builder.reshaped(node, indices, places, ".places"),
                                   axis > 0 ? ".gathered" : "");
  if (axis > 0) y = builder.emit_moved(node, Op::transpose, TransposeAttributes{back}, y);
  builder.finish(node, y);
}

}  // namespace octet::loaders::tflite
