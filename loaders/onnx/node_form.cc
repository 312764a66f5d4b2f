#include "loaders/onnx/node_form.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>

namespace octet::loaders::onnx {
namespace {

constexpr std::size_t any = std::numeric_limits<std::size_t>::max();

/// The form of an operator, from one version of its operator set up to the next row with its name.
struct Form {
  std::string_view op;          ///< With its domain, unless that is ONNX's own.
  int64_t since = 0;            ///< The version of the operator set from which it is valid.
  std::size_t inputs = 0;       ///< The largest number.
  std::size_t outputs = 0;      ///< The largest number.
  std::string_view attributes;  ///< Names, separated by single spaces.
};

// All operators of operators.cc and fold.h, sorted by name and version: ONNX's own from operator
// set 7 on, the oldest that octet reads, and those of ONNX Runtime. A version with the same form as
// the one before has no row.
constexpr Form forms[] = {
    {"Abs", 6, 1, 1, ""},
    {"Add", 7, 2, 1, ""},
    {"And", 7, 2, 1, ""},
    {"ArgMax", 1, 1, 1, "axis keepdims"},
    {"ArgMax", 12, 1, 1, "axis keepdims select_last_index"},
    {"AveragePool", 7, 1, 1, "auto_pad count_include_pad kernel_shape pads strides"},
    {"AveragePool", 10, 1, 1, "auto_pad ceil_mode count_include_pad kernel_shape pads strides"},
    {"AveragePool", 19, 1, 1,
     "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides"},
    {"BatchNormalization", 7, 5, 5, "epsilon momentum spatial"},
    {"BatchNormalization", 9, 5, 5, "epsilon momentum"},
    {"BatchNormalization", 14, 5, 3, "epsilon momentum training_mode"},
    {"Cast", 6, 1, 1, "to"},
    {"Cast", 19, 1, 1, "saturate to"},
    {"Cast", 24, 1, 1, "round_mode saturate to"},
    {"CastLike", 15, 2, 1, ""},
    {"CastLike", 19, 2, 1, "saturate"},
    {"CastLike", 24, 2, 1, "round_mode saturate"},
    {"Ceil", 6, 1, 1, ""},
    {"Clip", 6, 1, 1, "max min"},
    {"Clip", 11, 3, 1, ""},
    {"Concat", 4, any, 1, "axis"},
    {"Constant", 1, 0, 1, "value"},
    {"Constant", 11, 0, 1, "sparse_value value"},
    {"Constant", 12, 0, 1,
     "sparse_value value value_float value_floats value_int value_ints value_string value_strings"},
    {"ConstantOfShape", 9, 1, 1, "value"},
    {"Conv", 1, 3, 1, "auto_pad dilations group kernel_shape pads strides"},
    {"ConvInteger", 10, 4, 1, "auto_pad dilations group kernel_shape pads strides"},
    {"ConvTranspose", 1, 3, 1,
     "auto_pad dilations group kernel_shape output_padding output_shape pads strides"},
    {"DepthToSpace", 1, 1, 1, "blocksize"},
    {"DepthToSpace", 11, 1, 1, "blocksize mode"},
    {"DequantizeLinear", 10, 3, 1, ""},
    {"DequantizeLinear", 13, 3, 1, "axis"},
    {"DequantizeLinear", 21, 3, 1, "axis block_size"},
    {"DequantizeLinear", 23, 3, 1, "axis block_size output_dtype"},
    {"Div", 7, 2, 1, ""},
    {"Dropout", 7, 1, 2, "ratio"},
    {"Dropout", 12, 3, 2, "seed"},
    {"DynamicQuantizeLinear", 11, 1, 3, ""},
    {"Elu", 6, 1, 1, "alpha"},
    {"Equal", 7, 2, 1, ""},
    {"Erf", 9, 1, 1, ""},
    {"Exp", 6, 1, 1, ""},
    {"Expand", 8, 2, 1, ""},
    {"Flatten", 1, 1, 1, "axis"},
    {"Floor", 6, 1, 1, ""},
    {"Gather", 1, 2, 1, "axis"},
    {"GatherND", 11, 2, 1, ""},
    {"GatherND", 12, 2, 1, "batch_dims"},
    {"Gelu", 20, 1, 1, "approximate"},
    {"Gemm", 7, 3, 1, "alpha beta transA transB"},
    {"GlobalAveragePool", 1, 1, 1, ""},
    {"GlobalMaxPool", 1, 1, 1, ""},
    {"Greater", 7, 2, 1, ""},
    {"GreaterOrEqual", 12, 2, 1, ""},
    {"HardSigmoid", 6, 1, 1, "alpha beta"},
    {"HardSwish", 14, 1, 1, ""},
    {"Identity", 1, 1, 1, ""},
    {"LeakyRelu", 6, 1, 1, "alpha"},
    {"Less", 7, 2, 1, ""},
    {"LessOrEqual", 12, 2, 1, ""},
    {"Log", 6, 1, 1, ""},
    {"LogSoftmax", 1, 1, 1, "axis"},
    {"MatMul", 1, 2, 1, ""},
    {"MatMulInteger", 10, 4, 1, ""},
    {"Max", 6, any, 1, ""},
    {"MaxPool", 1, 1, 1, "auto_pad kernel_shape pads strides"},
    {"MaxPool", 8, 1, 2, "auto_pad kernel_shape pads storage_order strides"},
    {"MaxPool", 10, 1, 2, "auto_pad ceil_mode dilations kernel_shape pads storage_order strides"},
    {"Min", 6, any, 1, ""},
    {"Mish", 18, 1, 1, ""},
    {"Mod", 10, 2, 1, "fmod"},
    {"Mul", 7, 2, 1, ""},
    {"Neg", 6, 1, 1, ""},
    {"Not", 1, 1, 1, ""},
    {"Or", 7, 2, 1, ""},
    {"PRelu", 7, 2, 1, ""},
    {"Pad", 2, 1, 1, "mode pads value"},
    {"Pad", 11, 3, 1, "mode"},
    {"Pad", 18, 4, 1, "mode"},
    {"Pow", 7, 2, 1, ""},
    {"QLinearConv", 10, 9, 1, "auto_pad dilations group kernel_shape pads strides"},
    {"QLinearMatMul", 10, 8, 1, ""},
    {"QuantizeLinear", 10, 3, 1, ""},
    {"QuantizeLinear", 13, 3, 1, "axis"},
    {"QuantizeLinear", 19, 3, 1, "axis saturate"},
    {"QuantizeLinear", 21, 3, 1, "axis block_size output_dtype saturate"},
    {"QuantizeLinear", 23, 3, 1, "axis block_size output_dtype precision saturate"},
    {"Range", 11, 3, 1, ""},
    {"Reciprocal", 6, 1, 1, ""},
    {"ReduceMax", 1, 1, 1, "axes keepdims"},
    {"ReduceMax", 18, 2, 1, "keepdims noop_with_empty_axes"},
    {"ReduceMean", 1, 1, 1, "axes keepdims"},
    {"ReduceMean", 18, 2, 1, "keepdims noop_with_empty_axes"},
    {"ReduceMin", 1, 1, 1, "axes keepdims"},
    {"ReduceMin", 18, 2, 1, "keepdims noop_with_empty_axes"},
    {"ReduceProd", 1, 1, 1, "axes keepdims"},
    {"ReduceProd", 18, 2, 1, "keepdims noop_with_empty_axes"},
    {"ReduceSum", 1, 1, 1, "axes keepdims"},
    {"ReduceSum", 13, 2, 1, "keepdims noop_with_empty_axes"},
    {"Relu", 6, 1, 1, ""},
    {"Reshape", 5, 2, 1, ""},
    {"Reshape", 14, 2, 1, "allowzero"},
    {"Resize", 10, 2, 1, "mode"},
    {"Resize", 11, 4, 1,
     "coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value mode "
     "nearest_mode"},
    {"Resize", 18, 4, 1,
     "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside "
     "extrapolation_value keep_aspect_ratio_policy mode nearest_mode"},
    {"Round", 11, 1, 1, ""},
    {"Shape", 1, 1, 1, ""},
    {"Shape", 15, 1, 1, "end start"},
    {"Sigmoid", 6, 1, 1, ""},
    {"Size", 1, 1, 1, ""},
    {"Slice", 1, 1, 1, "axes ends starts"},
    {"Slice", 10, 5, 1, ""},
    {"Softmax", 1, 1, 1, "axis"},
    {"Softplus", 1, 1, 1, ""},
    {"Softsign", 1, 1, 1, ""},
    {"SpaceToDepth", 1, 1, 1, "blocksize"},
    {"Split", 2, 1, any, "axis split"},
    {"Split", 13, 2, any, "axis"},
    {"Split", 18, 2, any, "axis num_outputs"},
    {"Sqrt", 6, 1, 1, ""},
    {"Squeeze", 1, 1, 1, "axes"},
    {"Squeeze", 13, 2, 1, ""},
    {"Sub", 7, 2, 1, ""},
    {"Sum", 6, any, 1, ""},
    {"Swish", 24, 1, 1, "alpha"},
    {"Tanh", 6, 1, 1, ""},
    {"Tile", 6, 2, 1, ""},
    {"TopK", 1, 1, 2, "axis k"},
    {"TopK", 10, 2, 2, "axis"},
    {"TopK", 11, 2, 2, "axis largest sorted"},
    {"Transpose", 1, 1, 1, "perm"},
    {"Unsqueeze", 1, 1, 1, "axes"},
    {"Unsqueeze", 13, 2, 1, ""},
    {"Upsample", 7, 1, 1, "mode scales"},
    {"Upsample", 9, 2, 1, "mode"},
    {"Where", 9, 3, 1, ""},
    {"Xor", 7, 2, 1, ""},
    {"com.microsoft.DequantizeLinear", 1, 3, 1, "axis"},
    {"com.microsoft.DynamicQuantizeMatMul", 1, 5, 1, ""},
    {"com.microsoft.MatMulIntegerToFloat", 1, 7, 1, ""},
    {"com.microsoft.QGemm", 1, 9, 1, "alpha transA transB"},
    {"com.microsoft.QLinearAdd", 1, 8, 1, ""},
    {"com.microsoft.QLinearAveragePool", 1, 5, 1,
     "auto_pad ceil_mode channels_last count_include_pad kernel_shape pads strides"},
    {"com.microsoft.QLinearConcat", 1, any, 1, "axis"},
    {"com.microsoft.QLinearConv", 1, 9, 1,
     "auto_pad channels_last dilations group kernel_shape pads strides"},
    {"com.microsoft.QLinearGlobalAveragePool", 1, 5, 1, "channels_last"},
    {"com.microsoft.QLinearLeakyRelu", 1, 5, 1, "alpha"},
    {"com.microsoft.QLinearMul", 1, 8, 1, ""},
    {"com.microsoft.QLinearSigmoid", 1, 5, 1, ""},
    {"com.microsoft.QLinearSoftmax", 1, 5, 1, "axis opset"},
    {"com.microsoft.QuantizeLinear", 1, 3, 1, "axis"},
};

// Returns null for an operator that is not in the table. For a version before an operator's first
// row, returns that row.
const Form* find_form(const std::string& name, int64_t version) {
  const auto rows = std::ranges::equal_range(forms, std::string_view(name), {}, &Form::op);
  if (rows.empty()) return nullptr;
  const auto later = std::ranges::upper_bound(rows, version, {}, &Form::since);
  return later == rows.begin() ? &*later : &*std::ranges::prev(later);
}

bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::string_view first = words.substr(0, words.find(' '));
    if (first == word) return true;
    words.remove_prefix(std::min(words.size(), first.size() + 1));
  }
  return false;
}

// Whether the attribute has no meaning for octet: exporters write it for themselves, or ONNX had it
// before 2017 to save memory.
bool means_nothing(const std::string& attribute) {
  return attribute.starts_with('_') || attribute == "consumed_inputs";
}

std::string count_text(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

void check_attributes(const Node& node, const Form& form) {
  std::set<std::string_view> seen;
  for (const AttributeProto& attribute : node.proto().attributes) {
    const std::string& name = attribute.name;
    if (!seen.insert(name).second)
      node.fail("has its attribute '" + name + "' twice: the file is invalid; export it again");
    if (has_word(form.attributes, name) || means_nothing(name)) continue;
    std::string known(form.attributes);
    for (std::size_t at = 0; (at = known.find(' ', at)) != std::string::npos; at += 2)
      known.replace(at, 1, ", ");
    node.fail("has an attribute '" + name + "', which its operator has not in operator set " +
              std::to_string(node.opset()) + " (it has " + (known.empty() ? "none" : known) + ")");
  }
}

void check_counts(const Node& node, const Form& form) {
  if (node.input_count() > form.inputs) {
    node.fail("has " + count_text(node.input_count(), "input") + ", where its operator takes " +
              std::to_string(form.inputs));
  }
  if (node.output_count() > form.outputs) {
    node.fail("has " + count_text(node.output_count(), "output") + ", where its operator has " +
              std::to_string(form.outputs));
  }
}

}  // namespace

void check_form(const std::string& domain, const Node& node) {
  const Form* form = find_form(domain.empty() ? node.op() : domain + "." + node.op(), node.opset());
  if (form == nullptr) node.fail("has no row in loaders/onnx/node_form.cc");
  check_attributes(node, *form);
  check_counts(node, *form);
}

}  // namespace octet::loaders::onnx
