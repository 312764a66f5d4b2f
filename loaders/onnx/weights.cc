#include "loaders/onnx/weights.h"

namespace octet::loaders::onnx {

LayerWeights add_weights(Builder& builder, const Node& node, const Constant& weights) {
  if (!weights.is_float()) node.fail("has weights that are integers without a scale");
  const Shape shape = shape_of(weights.dims, node.where() + "its weight ");
  builder.count_constant(weights.size());
  return loaders::add_weights(builder.graph(), node.name() + ".weight", shape, weights.floats,
                              weights.quantized);
}

}  // namespace octet::loaders::onnx
