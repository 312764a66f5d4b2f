// Operators on windows and on whole axes: pools, reductions, softmax, argmax, top_k.
#include <algorithm>

#include "loaders/tflite/operators.h"
#include "loaders/tflite/options.h"
#include "loaders/top_k.h"

namespace octet::loaders::tflite {

using graph::TensorId;
using Code = format::BuiltinOperator;

void load_pool(Builder& builder, const Node& node) {
  const auto& o = node.options<format::Pool2DOptions>();
  const TensorId x = builder.image(node, 0);
  const PoolAttributes a{.window = window_of(node,
                                             {.kernel_h = o.filter_h(),
                                              .kernel_w = o.filter_w(),
                                              .stride_h = o.stride_h(),
                                              .stride_w = o.stride_w(),
                                              .padding = o.padding()},
                                             builder.shape(x)),
                         .bounds = bounds_of(node, o.fused_activation())};
  const bool is_max = node.code() == Code::MAX_POOL_2D;
  builder.finish(node, is_max ? builder.emit_moved(node, Op::max_pool, a, x)
                              : builder.emit(node, Op::average_pool, a, {x}));
}

namespace {

std::vector<int32_t> reduced_axes(Builder& builder, const Node& node, std::size_t rank) {
  std::vector<int32_t> axes;
  for (const int64_t axis : builder.integers(node, 1, "its axes"))
    axes.push_back(node.axis(axis, rank));
  std::ranges::sort(axes);
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  return axes;
}

}  // namespace

void load_mean(Builder& builder, const Node& node) {
  const TensorId x = builder.operand(node, 0);
  const MeanAttributes a{.axes = reduced_axes(builder, node, builder.shape(x).size()),
                         .keepdims = node.options<format::ReducerOptions>().keep_dims()};
  if (a.axes.empty()) return builder.finish(node, x);
  if (node.code() == Code::MEAN) return builder.finish(node, builder.emit(node, Op::mean, a, {x}));
  // A sum is a mean times the number of values.
  float count = 1;
  for (const int32_t axis : a.axes)
    count *= static_cast<float>(builder.shape(x)[static_cast<std::size_t>(axis)]);
  const TensorId mean = builder.emit(node, Op::mean, a, {x}, ".mean");
  const TensorId factor = builder.add_floats(node, ".count", Shape(builder.shape(mean).size(), 1),
                                             std::vector<float>{count});
  builder.finish(node, builder.emit(node, Op::mul, BinaryAttributes{}, {mean, factor}));
}

void load_reduce_max(Builder& builder, const Node& node) {
  const TensorId x = builder.image(node, 0);
  const Shape s = builder.shape(x);
  if (reduced_axes(builder, node, s.size()) != std::vector<int32_t>{1, 2})
    node.missing("over other axes than height and width");
  const PoolAttributes a{.window = {.kernel_h = s[1], .kernel_w = s[2]}};
  const TensorId y = builder.emit_moved(node, Op::max_pool, a, x);
  const bool keeps = node.options<format::ReducerOptions>().keep_dims();
  builder.finish(node, keeps ? y : builder.reshaped(node, y, {s[0], s[3]}, ".squeezed"));
}

void load_softmax(Builder& builder, const Node& node) {
  const auto* o = node.find_options<format::SoftmaxOptions>();
  if (o != nullptr && o->beta() != 1) node.missing("with a beta that is not 1");
  const TensorId x = builder.operand(node, 0);
  const auto rank = static_cast<int32_t>(builder.shape(x).size());
  const AxisAttributes a{.axis = rank - 1};
  if (node.code() == Code::SOFTMAX)
    return builder.finish(node, builder.emit(node, Op::softmax, a, {x}));
  const TensorId y = builder.emit(node, Op::softmax, a, {x}, ".softmax");
  builder.finish(node, builder.emit(node, Op::log, NoAttributes{}, {y}));
}

void load_argmax(Builder& builder, const Node& node) {
  const TensorId x = builder.operand(node, 0);
  const std::vector<int64_t>& axis = builder.integers(node, 1, "its axis");
  if (axis.size() != 1) node.fail("has no single axis");
  const AxisAttributes a{.axis = node.axis(axis[0], builder.shape(x).size())};
  const TensorId y = builder.emit(node, Op::argmax, a, {x});
  builder.graph().tensor(y).type = Type::s32;
  builder.finish(node, y);
}

void load_top_k(Builder& builder, const Node& node) {
  const TensorId x = builder.moved_operand(node, 0);
  const Shape shape = builder.shape(x);
  if (shape.empty()) node.fail("takes a tensor of rank 1 at least");
  const Constant* given = builder.constant(node, 1);
  if (given == nullptr) {
    node.missing("with its k computed ('" + node.input_tensor(1).name +
                 "'); convert the model with a number in its place");
  }
  if (given->is_float || given->size() != 1) node.fail("has a k that is not one whole number");
  const int32_t k = checked_k(node, given->integers[0], shape.back(), "the last axis", "convert");
  const AxisAttributes a{.axis = static_cast<int32_t>(shape.size()) - 1, .k = k};
  const std::vector<TensorId> results = builder.emit_all(node, Op::top_k, a, {x});
  builder.graph().tensor(results[0]).type = builder.graph().tensor(x).type;
  graph::keep_scale_of_moved(builder.graph(), builder.last_node());
  builder.graph().tensor(results[1]).type = Type::s32;
  if (node.output_count() != results.size()) node.fail("has another number of outputs than 2");
  for (std::size_t i = 0; i < results.size(); ++i) builder.finish(node, results[i], i);
}

}  // namespace octet::loaders::tflite
