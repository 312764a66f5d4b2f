#include "loaders/tflite/operators.h"

namespace octet::loaders::tflite {

Operator find_operator(format::BuiltinOperator code) {
  using Code = format::BuiltinOperator;
  static const std::map<Code, Operator> table = {
      {Code::CONV_2D, load_conv},
      {Code::DEPTHWISE_CONV_2D, load_depthwise_conv},
      {Code::FULLY_CONNECTED, load_fully_connected},
      {Code::TRANSPOSE_CONV, load_transpose_conv},
      {Code::LOGISTIC, load_unary},
      {Code::TANH, load_unary},
      {Code::HARD_SWISH, load_unary},
      {Code::ELU, load_unary},
      {Code::GELU, load_unary},
      {Code::EXP, load_unary},
      {Code::LOG, load_unary},
      {Code::SQRT, load_unary},
      {Code::ABS, load_unary},
      {Code::NEG, load_unary},
      {Code::RELU, load_clip},
      {Code::RELU6, load_clip},
      {Code::RELU_N1_TO_1, load_clip},
      {Code::RELU_0_TO_1, load_clip},
      {Code::LEAKY_RELU, load_leaky_relu},
      {Code::PRELU, load_prelu},
      {Code::ADD, load_binary},
      {Code::SUB, load_binary},
      {Code::MUL, load_binary},
      {Code::DIV, load_binary},
      {Code::MAXIMUM, load_min_max},
      {Code::MINIMUM, load_min_max},
      {Code::MAX_POOL_2D, load_pool},
      {Code::AVERAGE_POOL_2D, load_pool},
      {Code::MEAN, load_mean},
      {Code::SUM, load_mean},
      {Code::REDUCE_MAX, load_reduce_max},
      {Code::SOFTMAX, load_softmax},
      {Code::LOG_SOFTMAX, load_softmax},
      {Code::ARG_MAX, load_argmax},
      {Code::CONCATENATION, load_concatenation},
      {Code::PACK, load_pack},
      {Code::PAD, load_pad},
      {Code::PADV2, load_pad},
      {Code::MIRROR_PAD, load_mirror_pad},
      {Code::SPLIT, load_split},
      {Code::SPLIT_V, load_split_v},
      {Code::SLICE, load_slice},
      {Code::STRIDED_SLICE, load_strided_slice},
      {Code::RESHAPE, load_reshape},
      {Code::SQUEEZE, load_squeeze},
      {Code::EXPAND_DIMS, load_expand_dims},
      {Code::TRANSPOSE, load_transpose},
      {Code::DEPTH_TO_SPACE, load_depth_to_space},
      {Code::SPACE_TO_DEPTH, load_space_to_depth},
      {Code::RESIZE_BILINEAR, load_resize},
      {Code::RESIZE_NEAREST_NEIGHBOR, load_resize},
      {Code::QUANTIZE, load_quantize},
      {Code::DEQUANTIZE, load_dequantize},
      {Code::CAST, load_cast},
  };
  const auto found = table.find(code);
  return found != table.end() ? found->second : nullptr;
}

}  // namespace octet::loaders::tflite
