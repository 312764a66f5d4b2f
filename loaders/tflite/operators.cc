#include "loaders/tflite/operators.h"

namespace octet::loaders::tflite {
namespace {

template <Op op>
void function(Builder& builder, const Node& node) {
  load_function(builder, node, op);
}

template <Bounds bounds>
void clip(Builder& builder, const Node& node) {
  load_clip(builder, node, bounds);
}

template <Op op, class Options>
void arithmetic(Builder& builder, const Node& node) {
  const auto* options = node.find_options<Options>();
  load_arithmetic(builder, node, op,
                  options != nullptr ? options->fused_activation() : format::Activation::NONE);
}

}  // namespace

Operator find_operator(format::BuiltinOperator code) {
  using Code = format::BuiltinOperator;
  static const std::map<Code, Operator> table = {
      {Code::CONV_2D, load_conv},
      {Code::DEPTHWISE_CONV_2D, load_depthwise_conv},
      {Code::FULLY_CONNECTED, load_fully_connected},
      {Code::TRANSPOSE_CONV, load_transpose_conv},
      {Code::LOGISTIC, function<Op::sigmoid>},
      {Code::TANH, function<Op::tanh>},
      {Code::HARD_SWISH, function<Op::hard_swish>},
      {Code::ELU, function<Op::elu>},
      {Code::GELU, function<Op::gelu>},
      {Code::EXP, function<Op::exp>},
      {Code::LOG, function<Op::log>},
      {Code::SQRT, function<Op::sqrt>},
      {Code::ABS, function<Op::abs>},
      {Code::NEG, function<Op::neg>},
      {Code::RELU, clip<Bounds{.min = 0}>},
      {Code::RELU6, clip<Bounds{.min = 0, .max = 6}>},
      {Code::RELU_N1_TO_1, clip<Bounds{.min = -1, .max = 1}>},
      {Code::RELU_0_TO_1, clip<Bounds{.min = 0, .max = 1}>},
      {Code::LEAKY_RELU, load_leaky_relu},
      {Code::PRELU, load_prelu},
      {Code::ADD, arithmetic<Op::add, format::AddOptions>},
      {Code::SUB, arithmetic<Op::sub, format::SubOptions>},
      {Code::MUL, arithmetic<Op::mul, format::MulOptions>},
      {Code::DIV, arithmetic<Op::div, format::DivOptions>},
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
      {Code::TOPK_V2, load_top_k},
      {Code::CONCATENATION, load_concatenation},
      {Code::PACK, load_pack},
      {Code::PAD, load_pad},
      {Code::PADV2, load_pad},
      {Code::MIRROR_PAD, load_mirror_pad},
      {Code::SPLIT, load_split},
      {Code::SPLIT_V, load_split_v},
      {Code::UNPACK, load_unpack},
      {Code::FLOOR_DIV, load_floor_div},
      {Code::FLOOR_MOD, load_floor_mod},
      {Code::GATHER, load_gather},
      {Code::GATHER_ND, load_gather_nd},
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
