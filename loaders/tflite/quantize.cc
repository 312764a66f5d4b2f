// QUANTIZE and DEQUANTIZE. The types of TFLite's tensors say what is quantized: between them an
// activation keeps its scale, and the operators themselves go.
#include "loaders/tflite/operators.h"

namespace octet::loaders::tflite {

using graph::TensorId;

void load_quantize(Builder& builder, const Node& node) {
  const format::TensorType type = node.output_tensor().type;
  if (type != format::TensorType::UINT8 && type != format::TensorType::INT8)
    node.missing("to " + type_name(type) + "; octet quantizes to 8 bits");
  const graph::Quantization wanted = quantization_of(node.output_tensor());
  if (const Constant* constant = builder.constant(node, 0)) {
    if (!constant->is_float) node.missing("of integers");
    return builder.set_constant(node.output(), quantized(*constant, wanted));
  }
  const TensorId x = builder.operand(node, 0);
  const auto& known = builder.graph().tensor(x).quantization;
  const bool takes_scale = !known && builder.is_read_once(node.input(0), x);
  if (takes_scale || known == wanted) return builder.finish(node, x);
  // Others read the tensor as it is, or it has another scale: a copy in this one.
  builder.finish(node, builder.emit(node, Op::clip, ClipAttributes{}, {x}));
}

void load_dequantize(Builder& builder, const Node& node) {
  if (const Constant* constant = builder.constant(node, 0)) {
    if (!constant->is_float) node.missing("of integers without a scale");
    Constant floats = *constant;
    floats.quantized.reset();
    return builder.set_constant(node.output(), std::move(floats));
  }
  builder.finish(node, builder.operand(node, 0));
}

}  // namespace octet::loaders::tflite
