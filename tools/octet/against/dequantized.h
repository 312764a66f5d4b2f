// int8 layers in real numbers, from which the float opponents are made.
#pragma once

#include <vector>

#include "engine/model_data.h"

namespace octet::tool {

/// A layer's weights [O, kernel_h, kernel_w, I / groups] or [O, I], and its bias [O].
struct DequantizedLayer {
  std::vector<float> weights;
  std::vector<float> bias;
};

/// `node` is a conv2d or linear with s8 weights.
DequantizedLayer dequantize_layer(const Model::Data& model, const NodeRecord& node);

/// The values of a constant u8 operand.
std::vector<float> dequantize_operand(const TensorRecord& tensor);

/// The function that an int8 table holds, as a float node has it.
struct TableFunction {
  Op op = Op::identity;
  Attributes attributes;
};

/// Error: a file of an older format, which may not name the function.
Expected<TableFunction> function_of_table(const Model::Data& model, const NodeRecord& node);

/// Tightens the bounds of a node that can have bounds. They stay as they are where the range would
/// become empty.
void keep_within(Attributes& attributes, float min, float max);

}  // namespace octet::tool
