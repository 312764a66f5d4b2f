// Functions of one and of two values.
#include <algorithm>
#include <cmath>

#include "loaders/tflite/operators.h"
#include "loaders/tflite/options.h"

namespace octet::loaders::tflite {

using graph::TensorId;
using Code = format::BuiltinOperator;

void load_function(Builder& builder, const Node& node, Op op) {
  const auto* gelu = node.find_options<format::GeluOptions>();
  if (gelu != nullptr && gelu->approximate()) op = Op::gelu_tanh;
  const TensorId x = builder.operand(node, 0);
  const Attributes attributes = op == Op::elu ? Attributes(ScalarAttributes{1}) : NoAttributes{};
  builder.finish(node, builder.emit(node, op, attributes, {x}));
}

void load_clip(Builder& builder, const Node& node, Bounds bounds) {
  const TensorId x = builder.operand(node, 0);
  builder.finish(node, builder.emit(node, Op::clip, ClipAttributes{bounds}, {x}));
}

void load_leaky_relu(Builder& builder, const Node& node) {
  const float alpha = node.options<format::LeakyReluOptions>().alpha();
  const TensorId x = builder.operand(node, 0);
  builder.finish(node, builder.emit(node, Op::leaky_relu, ScalarAttributes{alpha}, {x}));
}

void load_prelu(Builder& builder, const Node& node) {
  const TensorId x = builder.operand(node, 0);
  const Constant* slope = builder.constant(node, 1);
  const bool by_channel =
      slope != nullptr && slope->is_float && !builder.shape(x).empty() &&
      (slope->size() == 1 || (slope->shape.back() == builder.shape(x).back() &&
                              slope->shape.back() == static_cast<int32_t>(slope->size())));
  if (by_channel) {
    const TensorId slopes =
        builder.add_floats(node, ".slope", {static_cast<int32_t>(slope->size())}, slope->floats);
    return builder.finish(node, builder.emit(node, Op::prelu, NoAttributes{}, {x, slopes}));
  }
  // The result is max(x, 0) + slope * min(x, 0).
  const TensorId above = builder.emit(node, Op::clip, ClipAttributes{{.min = 0}}, {x}, ".above");
  const TensorId below = builder.emit(node, Op::clip, ClipAttributes{{.max = 0}}, {x}, ".below");
  const TensorId sloped =
      builder.emit(node, Op::mul, BinaryAttributes{}, {below, builder.operand(node, 1)}, ".sloped");
  builder.finish(node, builder.emit(node, Op::add, BinaryAttributes{}, {above, sloped}));
}

void load_arithmetic(Builder& builder, const Node& node, Op op, format::Activation activation) {
  if (builder.is_whole(node, 0) || builder.is_whole(node, 1)) {
    if (activation != format::Activation::NONE) node.missing("of integers with a fused activation");
    return finish_whole_numbers(builder, node, op);
  }
  const BinaryAttributes a{bounds_of(node, activation)};
  const TensorId left = builder.operand(node, 0);
  const TensorId right = builder.operand(node, 1);
  builder.finish(node, builder.emit(node, op, a, {left, right}));
}

void load_min_max(Builder& builder, const Node& node) {
  const std::size_t number = builder.constant(node, 0) != nullptr ? 0 : 1;
  const Constant* bound = builder.constant(node, number);
  if (bound == nullptr || bound->size() != 1) node.missing("of two tensors");
  if (!bound->is_float) node.missing("of integers");
  const TensorId x = builder.operand(node, 1 - number);
  if (bound->shape.size() > builder.shape(x).size()) node.missing("that adds axes to its operand");
  const float value = bound->floats[0];
  if (std::isnan(value)) node.fail("has a bound that is not a number");
  const Bounds bounds = node.code() == Code::MINIMUM ? Bounds{.max = value} : Bounds{.min = value};
  builder.finish(node, builder.emit(node, Op::clip, ClipAttributes{bounds}, {x}));
}

}  // namespace octet::loaders::tflite
