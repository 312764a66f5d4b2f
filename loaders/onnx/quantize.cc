// QuantizeLinear and DequantizeLinear. On an activation, a pair of them tells the scale of the
// tensor between them. The nodes are removed, and the scale stays on the tensor.
#include "loaders/onnx/operators.h"
#include "loaders/onnx/quantization.h"

namespace octet::loaders::onnx {

void load_quantize(Builder& builder, const Node& node) {
  if (const Constant* constant = builder.constant(node, 0)) {
    builder.set_constant(node.output(),
                         quantized(builder, node, *constant, {}, node.integer("axis", 1)));
    return;
  }
  const Value x = builder.operand(node, 0);
  const DataType type = quantized_type(builder, node);
  const graph::Quantization quantization = read_quantization(builder, node, {}, type);
  builder.mark_quantized();
  const auto& known = builder.graph().tensor(x.id).quantization;
  const bool alone = builder.is_read_once(node.input(0), x);
  Value y = x;
  if (known ? !(*known == quantization) && !(alone && builder.is_joined(x)) : !alone) {
    // Others read the tensor unrounded, or it has another scale. So this is a copy with this scale.
    y = builder.emit(node, Op::clip, ClipAttributes{}, {x.id}, x.order);
  }
  builder.graph().tensor(y.id).quantization = quantization;
  builder.finish(node, y);
  builder.set_byte_type(node.output(), type);
}

void load_dequantize(Builder& builder, const Node& node) {
  if (const Constant* constant = builder.constant(node, 0)) {
    builder.mark_quantized();
    builder.set_constant(node.output(),
                         dequantized(builder, node, *constant, {}, node.integer("axis", 1)));
    return;
  }
  const Value x = builder.order_operand(node, 0);
  const DataType type = builder.byte_type(node.input(0));
  if (!builder.is_bytes(node.input(0)))
    node.fail("dequantizes '" + node.input(0) + "', which is no bytes");
  builder.set_quantization(node, x, read_quantization(builder, node, {}, type));
  builder.finish(node, x);
  builder.set_real(node.output());
}

void load_dynamic_quantization(Builder&, const Node& node) {
  node.missing(
      "(dynamic quantization: the scales are computed for each input); quantize the float "
      "model statically, with calibration, or convert the float model itself");
}

}  // namespace octet::loaders::onnx
