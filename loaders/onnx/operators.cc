#include "loaders/onnx/operators.h"

#include <map>

namespace octet::loaders::onnx {
namespace {

template <Op op>
void function(Builder& builder, const Node& node) {
  load_function(builder, node, op);
}

}  // namespace

Operator find_operator(const std::string& domain, const std::string& op) {
  static const std::map<std::string, Operator> table = {
      {"Conv", load_conv},
      {"ConvTranspose", load_conv_transpose},
      {"Gemm", load_gemm},
      {"MatMul", load_matmul},
      {"BatchNormalization", load_batch_norm},
      {"Relu", load_clip},
      {"Clip", load_clip},
      {"LeakyRelu", load_scaled_unary},
      {"Elu", load_scaled_unary},
      {"PRelu", load_prelu},
      {"Sigmoid", function<Op::sigmoid>},
      {"Tanh", function<Op::tanh>},
      {"HardSwish", function<Op::hard_swish>},
      {"Swish", function<Op::silu>},
      {"Gelu", function<Op::gelu>},
      {"Exp", function<Op::exp>},
      {"Log", function<Op::log>},
      {"Sqrt", function<Op::sqrt>},
      {"Abs", function<Op::abs>},
      {"Neg", function<Op::neg>},
      {"Softsign", function<Op::softsign>},
      {"Erf", function<Op::erf>},
      {"Softplus", function<Op::softplus>},
      {"Mish", function<Op::mish>},
      {"HardSigmoid", load_hard_sigmoid},
      {"Add", load_binary},
      {"Sub", load_binary},
      {"Mul", load_binary},
      {"Div", load_binary},
      {"Sum", load_sum},
      {"Min", load_min_max},
      {"Max", load_min_max},
      {"Pow", load_pow},
      {"Reciprocal", load_reciprocal},
      {"Identity", load_same},
      {"Dropout", load_same},
      {"Cast", load_cast},
      {"CastLike", load_cast},
      {"MaxPool", load_pool},
      {"AveragePool", load_pool},
      {"GlobalAveragePool", load_global_pool},
      {"GlobalMaxPool", load_global_pool},
      {"ReduceMean", load_reduction},
      {"ReduceSum", load_reduction},
      {"ReduceMax", load_reduction},
      {"Softmax", load_softmax},
      {"LogSoftmax", load_softmax},
      {"ArgMax", load_argmax},
      {"TopK", load_top_k},
      {"Concat", load_concat},
      {"Split", load_split},
      {"Slice", load_slice},
      {"Gather", load_gather},
      {"GatherND", load_gather_nd},
      {"Mod", load_mod},
      {"Pad", load_pad},
      {"Reshape", load_reshape},
      {"Flatten", load_reshape},
      {"Squeeze", load_reshape},
      {"Unsqueeze", load_reshape},
      {"Transpose", load_transpose},
      {"DepthToSpace", load_depth_to_space},
      {"SpaceToDepth", load_space_to_depth},
      {"Resize", load_resize},
      {"Upsample", load_resize},
      {"QuantizeLinear", load_quantize},
      {"DequantizeLinear", load_dequantize},
      {"com.microsoft.QuantizeLinear", load_quantize},
      {"com.microsoft.DequantizeLinear", load_dequantize},
      {"QLinearConv", load_qlinear_conv},
      {"com.microsoft.QLinearConv", load_qlinear_conv},
      {"QLinearMatMul", load_qlinear_matmul},
      {"com.microsoft.QGemm", load_qgemm},
      {"com.microsoft.QLinearAdd", load_qlinear_binary},
      {"com.microsoft.QLinearMul", load_qlinear_binary},
      {"com.microsoft.QLinearAveragePool", load_qlinear_unary},
      {"com.microsoft.QLinearGlobalAveragePool", load_qlinear_unary},
      {"com.microsoft.QLinearLeakyRelu", load_qlinear_unary},
      {"com.microsoft.QLinearSigmoid", load_qlinear_unary},
      {"com.microsoft.QLinearSoftmax", load_qlinear_unary},
      {"com.microsoft.QLinearConcat", load_qlinear_concat},
      {"ConvInteger", load_dynamic_quantization},
      {"MatMulInteger", load_dynamic_quantization},
      {"DynamicQuantizeLinear", load_dynamic_quantization},
      {"com.microsoft.DynamicQuantizeMatMul", load_dynamic_quantization},
      {"com.microsoft.MatMulIntegerToFloat", load_dynamic_quantization},
  };
  const auto found = table.find(domain.empty() ? op : domain + "." + op);
  return found != table.end() ? found->second : nullptr;
}

}  // namespace octet::loaders::onnx
