#include "loaders/onnx/operators.h"

#include <map>

namespace octet::loaders::onnx {

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
      {"Sigmoid", load_unary},
      {"Tanh", load_unary},
      {"HardSwish", load_unary},
      {"Swish", load_unary},
      {"Gelu", load_unary},
      {"Exp", load_unary},
      {"Log", load_unary},
      {"Sqrt", load_unary},
      {"Abs", load_unary},
      {"Neg", load_unary},
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
      {"Concat", load_concat},
      {"Split", load_split},
      {"Slice", load_slice},
      {"Gather", load_gather},
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
  };
  const auto found = table.find(domain.empty() ? op : domain + "." + op);
  return found != table.end() ? found->second : nullptr;
}

}  // namespace octet::loaders::onnx
