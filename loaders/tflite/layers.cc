// Convolutions and matrix products.
#include "loaders/tflite/operators.h"
#include "loaders/tflite/options.h"
#include "loaders/tflite/weights.h"

namespace octet::loaders::tflite {

using graph::TensorId;

namespace {

void load_windowed(Builder& builder, const Node& node, TensorId x, const Constant& weights,
                   ConvAttributes attributes) {
  const LayerConstants constants =
      add_layer_constants(builder, node, x, weights, find_bias(builder, node, weights, 2));
  std::vector<TensorId> inputs = layer_inputs(x, constants, attributes);
  const TensorId y = builder.emit(node, Op::conv2d, attributes, std::move(inputs));
  apply(constants, builder.last_node());
  builder.finish(node, y);
}

const Constant& windowed_weights(Builder& builder, const Node& node) {
  const Constant& weights = required_weights(builder, node);
  if (weights.shape.size() != 4) node.fail("takes weights of rank 4");
  return weights;
}

}  // namespace

void load_conv(Builder& builder, const Node& node) {
  const auto& o = node.options<format::Conv2DOptions>();
  const TensorId x = builder.image(node, 0);
  const Constant& weights = windowed_weights(builder, node);  // [O, kh, kw, I / groups]
  const Shape& input = builder.shape(x);
  ConvAttributes a{.window = window_of(node,
                                       {.kernel_h = weights.shape[1],
                                        .kernel_w = weights.shape[2],
                                        .stride_h = o.stride_h(),
                                        .stride_w = o.stride_w(),
                                        .dilation_h = o.dilation_h(),
                                        .dilation_w = o.dilation_w(),
                                        .padding = o.padding()},
                                       input),
                   .groups = input[3] / weights.shape[3],
                   .bounds = bounds_of(node, o.fused_activation())};
  load_windowed(builder, node, x, weights, a);
}

void load_depthwise_conv(Builder& builder, const Node& node) {
  const auto& o = node.options<format::DepthwiseConv2DOptions>();
  const TensorId x = builder.image(node, 0);
  const Constant& given = windowed_weights(builder, node);  // [1, kh, kw, I * multiplier]
  if (given.shape[0] != 1) node.fail("takes weights of one filter a channel");
  const Shape& input = builder.shape(x);
  // Output channel c * multiplier + m reads input channel c, so each group has one input channel.
  ConvAttributes a{.window = window_of(node,
                                       {.kernel_h = given.shape[1],
                                        .kernel_w = given.shape[2],
                                        .stride_h = o.stride_h(),
                                        .stride_w = o.stride_w(),
                                        .dilation_h = o.dilation_h(),
                                        .dilation_w = o.dilation_w(),
                                        .padding = o.padding()},
                                       input),
                   .groups = input[3],
                   .bounds = bounds_of(node, o.fused_activation())};
  load_windowed(builder, node, x, permuted(given, {3, 1, 2, 0}), a);
}

void load_fully_connected(Builder& builder, const Node& node) {
  const auto* o = node.find_options<format::FullyConnectedOptions>();
  if (o != nullptr && o->weights_format() != format::WeightsFormat::DEFAULT)
    node.missing("with shuffled weights; convert the model without them");
  TensorId x = builder.operand(node, 0);
  const Constant& weights = required_weights(builder, node);  // [O, I]
  if (weights.shape.size() != 2) node.fail("takes weights of rank 2");
  const int32_t inputs = weights.shape[1];
  const bool keeps_axes = o != nullptr && o->keep_num_dims();
  if (!keeps_axes && (builder.shape(x).size() != 2 || builder.shape(x)[1] != inputs)) {
    const auto elements = static_cast<int32_t>(element_count(builder.shape(x)));
    if (elements % inputs != 0) {
      node.fail("has weights " + shape_text(weights.shape) + " for input " +
                shape_text(builder.shape(x)));
    }
    x = builder.reshaped(node, x, {elements / inputs, inputs}, ".rows");
  }
  ConvAttributes a;
  if (o != nullptr) a.bounds = bounds_of(node, o->fused_activation());
  const LayerConstants constants =
      add_layer_constants(builder, node, x, weights, find_bias(builder, node, weights, 2));
  std::vector<TensorId> operands = layer_inputs(x, constants, a);
  const TensorId y = builder.emit(node, Op::linear, a, std::move(operands));
  apply(constants, builder.last_node());
  builder.finish(node, y);
}

}  // namespace octet::loaders::tflite
