// QUANTIZE and DEQUANTIZE. The types of TFLite's tensors say what is quantized. An activation
// between two operators keeps its scale, and these operators are removed.
#include "loaders/tflite/operators.h"

namespace octet::loaders::tflite {

using graph::TensorId;

void load_quantize(Builder& builder, const Node& node) {
  const format::TensorType type = node.output_tensor().type;
  if (type != format::TensorType::UINT8 && type != format::TensorType::INT8)
    node.missing("to " + type_name(type) + "; octet quantizes to 8 bits");
  const graph::Quantization wanted = quantization_of_result(node.output_tensor());
  if (const Constant* constant = builder.constant(node, 0)) {
    if (!constant->is_float) node.missing("of integers");
    return builder.set_constant(node.output(), quantized(*constant, wanted));
  }
  const TensorId x = builder.operand(node, 0);
  const auto& known = builder.graph().tensor(x).quantization;
  const bool takes_scale = !known && builder.is_read_once(node.input(0), x);
  if (takes_scale || known == wanted) return builder.finish(node, x);
  // Others read the tensor unrounded, or it has another scale. So this is a copy with this scale.
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

namespace {

// Returns bytes as the numbers that they are, without their scale.
TensorId numbers_of_bytes(Builder& builder, const Node& node, TensorId x) {
  const graph::Quantization numbers = numbers_of(node.input_tensor(0).type);
  const graph::Quantization known = *builder.graph().tensor(x).quantization;
  if (known == numbers) return x;
  const auto shift = static_cast<float>(known.zero_point - numbers.zero_point);
  const auto number = [&](const char* suffix, float value) {
    return builder.add_floats(node, suffix, Shape(builder.shape(x).size(), 1),
                              std::vector<float>{value});
  };
  TensorId y =
      builder.emit(node, Op::mul, BinaryAttributes{}, {x, number(".per_step", 1.0f / known.scale)},
                   shift == 0 ? "" : ".steps");
  if (shift != 0) {
    y = builder.emit(node, Op::add, BinaryAttributes{}, {y, number(".shift", shift)});
  }
  // With this scale, rounding gives exactly these numbers.
  builder.graph().tensor(y).quantization = numbers;
  return y;
}

}  // namespace

void load_cast(Builder& builder, const Node& node) {
  const TensorId x = builder.any_operand(node, 0);
  const format::TensorType from = node.input_tensor(0).type;
  const format::TensorType to = node.output_tensor().type;
  const auto is_index = [](format::TensorType type) {
    return type == format::TensorType::INT32 || type == format::TensorType::INT64;
  };
  const auto is_float = [](format::TensorType type) {
    return type == format::TensorType::FLOAT32 || type == format::TensorType::FLOAT16;
  };
  if (from == to || (is_index(from) && is_index(to)) || (is_float(from) && is_float(to)))
    return builder.finish(node, x);
  if (is_index(from) && is_float(to))
    return builder.finish(node, builder.emit(node, Op::cast, NoAttributes{}, {x}));
  // Floats may be beyond 32 bits.
  if (is_float(from) && to == format::TensorType::INT32) {
    const TensorId y = builder.emit(node, Op::cast, NoAttributes{}, {x});
    builder.graph().tensor(y).type = Type::s32;
    return builder.finish(node, y);
  }
  if (!is_byte_type(from) || !is_float(to) || builder.graph().tensor(x).is_constant())
    node.missing("of " + type_name(from) + " to " + type_name(to));
  builder.finish(node, numbers_of_bytes(builder, node, x));
}

}  // namespace octet::loaders::tflite
