// ONNX Runtime's QLinear operators. Each is the float operator between the scales of its operands
// and the scale of its result.
#include "loaders/onnx/operators.h"
#include "loaders/onnx/quantization.h"

namespace octet::loaders::onnx {

namespace {

/// Returns a name under which a float operator may read an operand in bytes. The scale stays on the
/// tensor. A constant becomes floats that remember their bytes.
std::string operand(Builder& builder, const Node& node, std::size_t index, QuantizationInputs at,
                    int64_t axis = 0) {
  builder.mark_quantized();
  const std::string& name = node.input(index);
  if (const Constant* constant = builder.constant(node, index)) {
    const std::string real = node.name() + ".real" + std::to_string(index);
    builder.set_constant(real, dequantized(builder, node, *constant, at, axis));
    return real;
  }
  if (!builder.is_bytes(name)) node.fail("takes bytes, and '" + name + "' is none");
  builder.set_quantization(node, builder.order_operand(node, index),
                           read_quantization(builder, node, at, builder.byte_type(name)));
  const std::string real = node.name() + ".real" + std::to_string(index);
  builder.add_real_name(real, name);
  return real;
}

/// Adds a bias in s32. Its scale is the scale of the products, times `alpha`.
std::string bias(Builder& builder, const Node& node, std::size_t index, std::size_t x_scale,
                 std::size_t w_scale, float alpha = 1) {
  const Constant& given = builder.required_constant(node, index, "its bias");
  const float x = alpha * builder.required_number(node, x_scale, "its scale");
  const std::vector<float> w = builder.required_constant(node, w_scale, "its scale").floats;
  if (given.type != DataType::int32 || (w.size() != 1 && w.size() != given.size()))
    node.fail("has a bias that is no int32, or of another size than its scales");
  Constant real{.dims = given.dims};
  for (std::size_t i = 0; i < given.size(); ++i)
    real.floats.push_back(static_cast<float>(given.integers[i]) * (x * w[w.size() == 1 ? 0 : i]));
  const std::string name = node.name() + ".real" + std::to_string(index);
  builder.set_constant(name, std::move(real));
  return name;
}

/// Loads the node as the float operator `op` with these inputs and the node's own attributes.
void load_as(Builder& builder, const Node& node, const char* op, std::vector<std::string> inputs,
             int64_t opset = 13) {
  NodeProto proto = node.proto();
  proto.op_type = op;
  proto.domain.clear();
  proto.inputs = std::move(inputs);
  find_operator("", op)(builder, Node(proto, node.name(), opset));
}

// Sets the scale of the result. Without a zero point, the result has the type of the operand.
void quantize_result(Builder& builder, const Node& node, QuantizationInputs at) {
  const DataType type = node.has_input(at.zero_point)
                            ? builder.required_constant(node, at.zero_point, "its zero point").type
                            : builder.byte_type(node.input(0));
  builder.quantize_result(node, read_quantization(builder, node, at, type));
  builder.set_byte_type(node.output(), type);
}

}  // namespace

void load_qlinear_conv(Builder& builder, const Node& node) {
  if (node.integer("channels_last", 0) != 0) node.missing("with channels last");
  std::vector<std::string> inputs = {operand(builder, node, 0, {1, 2}),
                                     operand(builder, node, 3, {4, 5})};
  if (node.has_input(8)) inputs.push_back(bias(builder, node, 8, 1, 4));
  load_as(builder, node, "Conv", std::move(inputs));
  quantize_result(builder, node, {6, 7});
}

void load_qlinear_matmul(Builder& builder, const Node& node) {
  const std::string a = operand(builder, node, 0, {1, 2});
  const std::string b = operand(builder, node, 3, {4, 5}, -1);
  load_as(builder, node, "MatMul", {a, b});
  quantize_result(builder, node, {6, 7});
}

void load_qgemm(Builder& builder, const Node& node) {
  const int64_t outputs_axis = node.integer("transB", 0) != 0 ? 0 : 1;
  std::vector<std::string> inputs = {operand(builder, node, 0, {1, 2}),
                                     operand(builder, node, 3, {4, 5}, outputs_axis)};
  // A QGemm adds the bias after alpha, but in the Gemm that this becomes alpha multiplies the
  // product only. So the bias's scale contains alpha.
  if (node.has_input(6)) inputs.push_back(bias(builder, node, 6, 1, 4, node.number("alpha", 1)));
  load_as(builder, node, "Gemm", std::move(inputs));
  if (node.has_input(7)) quantize_result(builder, node, {7, 8});
}

void load_qlinear_binary(Builder& builder, const Node& node) {
  const std::string a = operand(builder, node, 0, {1, 2});
  const std::string b = operand(builder, node, 3, {4, 5});
  load_as(builder, node, node.op() == "QLinearAdd" ? "Add" : "Mul", {a, b});
  quantize_result(builder, node, {6, 7});
}

void load_qlinear_unary(Builder& builder, const Node& node) {
  if (node.integer("channels_last", 0) != 0) node.missing("with channels last");
  const std::string op = node.op().substr(std::string("QLinear").size());
  const int64_t opset = op == "Softmax" ? node.integer("opset", 13) : 13;
  load_as(builder, node, op.c_str(), {operand(builder, node, 0, {1, 2})}, opset);
  quantize_result(builder, node, {3, 4});
}

void load_qlinear_concat(Builder& builder, const Node& node) {
  std::vector<std::string> inputs;
  for (std::size_t i = 2; i < node.input_count(); i += 3)
    inputs.push_back(operand(builder, node, i, {i + 1, i + 2}));
  load_as(builder, node, "Concat", std::move(inputs));
  quantize_result(builder, node, {0, 1});
}

}  // namespace octet::loaders::onnx
