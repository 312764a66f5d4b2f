// Operators on windows and on whole axes: pools, reductions, softmax, argmax, top_k.
#include <algorithm>

#include "loaders/onnx/fold.h"
#include "loaders/onnx/operators.h"
#include "loaders/onnx/window.h"
#include "loaders/top_k.h"

namespace octet::loaders::onnx {

void load_pool(Builder& builder, const Node& node) {
  const bool is_max = node.op() == "MaxPool";
  if (node.has_output(1) && builder.readers(node.output(1)) > 0)
    node.missing("with the indices of the maxima");
  const Value x = is_max ? builder.order_image(node, 0) : builder.image(node, 0);
  const ImageSize kernel = read_pair(node, "kernel_shape", 0);
  const PoolAttributes a{.window = read_window(node, kernel, {x.shape[2], x.shape[3]}),
                         .count_include_pad = !is_max && node.integer("count_include_pad", 0) != 0,
                         .ceil_mode = node.integer("ceil_mode", 0) != 0};
  if (!is_max && (a.window.dilation_h != 1 || a.window.dilation_w != 1))
    node.missing("with dilations");
  builder.finish(node, builder.emit(node, is_max ? Op::max_pool : Op::average_pool, a, {x.id},
                                    channels_last_order(4)));
}

namespace {

Value emit_mean(Builder& builder, const Node& node, const Value& x,
                const std::vector<int32_t>& axes, bool keepdims, const std::string& suffix = "") {
  MeanAttributes a{.keepdims = keepdims};
  for (const int32_t axis : axes) a.axes.push_back(stored_axis(x.order, axis));
  std::ranges::sort(a.axes);
  return builder.emit(node, Op::mean, a, {x.id}, order_after_reduction(x.order, axes, keepdims),
                      suffix);
}

// Adds the maximum over the whole image.
Value emit_global_max(Builder& builder, const Node& node, const Value& given,
                      const std::string& suffix = "") {
  const Value x = builder.stored_as(given, channels_last_order(4));
  const PoolAttributes a{.window = {.kernel_h = x.shape[2], .kernel_w = x.shape[3]}};
  return builder.emit(node, Op::max_pool, a, {x.id}, x.order, suffix);
}

}  // namespace

void load_global_pool(Builder& builder, const Node& node) {
  if (node.op() == "GlobalMaxPool")
    return builder.finish(node, emit_global_max(builder, node, builder.order_image(node, 0)));
  const Value x = builder.operand(node, 0);
  if (x.shape.size() < 3) node.fail("takes a tensor of rank 3 at least");
  std::vector<int32_t> axes = identity_order(x.shape.size());
  axes.erase(axes.begin(), axes.begin() + 2);
  builder.finish(node, emit_mean(builder, node, x, axes, true));
}

void load_reduction(Builder& builder, const Node& node) {
  const Value x =
      node.op() == "ReduceMax" ? builder.order_operand(node, 0) : builder.operand(node, 0);
  const Constant* input =
      node.has_input(1) ? &builder.required_constant(node, 1, "its axes") : nullptr;
  const auto given = axes_of(node, input);
  if (given.empty() && node.integer("noop_with_empty_axes", 0) != 0) return builder.finish(node, x);
  std::vector<int32_t> axes;
  for (const int64_t axis : given) axes.push_back(node.axis(axis, x.shape.size()));
  if (axes.empty()) axes = identity_order(x.shape.size());
  std::ranges::sort(axes);
  if (std::ranges::adjacent_find(axes) != axes.end()) node.fail("reduces an axis twice");
  const bool keepdims = node.integer("keepdims", 1) != 0;
  if (node.op() == "ReduceMax") {
    if (x.shape.size() != 4 || axes != std::vector<int32_t>{2, 3})
      node.missing("over other axes than height and width");
    const Value y = emit_global_max(builder, node, x);
    return builder.finish(
        node, keepdims ? y : builder.reshaped(node, y, {x.shape[0], x.shape[1]}, ".squeezed"));
  }
  if (node.op() == "ReduceMean")
    return builder.finish(node, emit_mean(builder, node, x, axes, keepdims));
  // A sum is a mean times the number of values.
  float count = 1;
  for (const int32_t axis : axes)
    count *= static_cast<float>(x.shape[static_cast<std::size_t>(axis)]);
  const Value mean = emit_mean(builder, node, x, axes, keepdims, ".mean");
  const graph::TensorId factor =
      builder.add_floats(node, ".count", Shape(mean.shape.size(), 1), {count});
  builder.finish(node,
                 builder.emit(node, Op::mul, BinaryAttributes{}, {mean.id, factor}, mean.order));
}

void load_softmax(Builder& builder, const Node& node) {
  Value x = builder.operand(node, 0);
  const Shape shape = x.shape;
  const bool over_all_after = node.opset() < 13;
  const int32_t axis = node.axis(node.integer("axis", over_all_after ? 1 : -1), shape.size());
  int32_t before = 1;
  int32_t after = 1;
  bool one_axis = true;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    (static_cast<int32_t>(i) < axis ? before : after) *= shape[i];
    one_axis = one_axis && (static_cast<int32_t>(i) <= axis || shape[i] == 1);
  }
  // Before opset 13, all axes from `axis` on count as one.
  const bool flat = over_all_after && !one_axis;
  if (flat) x = builder.reshaped(node, x, {before, after}, ".flat");
  const AxisAttributes a{.axis = stored_axis(x.order, flat ? 1 : axis)};
  const bool logarithm = node.op() == "LogSoftmax";
  Value y = builder.emit(node, Op::softmax, a, {x.id}, x.order, logarithm ? ".softmax" : "");
  if (logarithm) y = builder.emit(node, Op::log, NoAttributes{}, {y.id}, y.order);
  if (flat) y = builder.reshaped(node, y, shape, ".shaped");
  builder.finish(node, y);
}

void load_argmax(Builder& builder, const Node& node) {
  if (node.integer("select_last_index", 0) != 0)
    node.missing("that takes the last of equal maxima");
  const Value x = builder.order_operand(node, 0);
  const int32_t axis = node.axis(node.integer("axis", 0), x.shape.size());
  const AxisAttributes a{.axis = stored_axis(x.order, axis),
                         .keepdims = node.integer("keepdims", 1) != 0};
  const Value y =
      builder.emit(node, Op::argmax, a, {x.id}, order_after_reduction(x.order, {axis}, a.keepdims));
  builder.graph().tensor(y.id).type = Type::s32;
  builder.finish(node, y);
}

namespace {

// How many values a TopK takes: an attribute, from operator set 10 on an input.
int64_t read_k(Builder& builder, const Node& node) {
  if (node.opset() < 10) return node.required_integer("k");
  const Constant* given = builder.constant(node, 1);
  if (given == nullptr) {
    node.missing("with its k computed ('" + node.input(1) +
                 "'); export the model with a number in its place");
  }
  if (given->is_float() || given->size() != 1) node.fail("has a k that is not one whole number");
  return given->integers[0];
}

}  // namespace

void load_top_k(Builder& builder, const Node& node) {
  const Value x = builder.order_operand(node, 0);
  const int32_t axis = node.axis(node.integer("axis", -1), x.shape.size());
  const int32_t k = checked_k(node, read_k(builder, node), x.shape[static_cast<std::size_t>(axis)],
                              "axis " + std::to_string(axis), "export");
  // Where the file wants them in any order, they are in order all the same.
  const AxisAttributes a{
      .axis = stored_axis(x.order, axis), .k = k, .largest = node.integer("largest", 1) != 0};
  const std::vector<Value> results = builder.emit_all(node, Op::top_k, a, {x.id}, x.order);
  builder.graph().tensor(results[1].id).type = Type::s32;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (node.has_output(i)) builder.finish(node, results[i], i);
  }
}

}  // namespace octet::loaders::onnx
