// int8 layers in real numbers: what the float opponents are made of.
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

/// Errors: a file of an older format, which may not say it.
Expected<TableFunction> function_of_table(const Model::Data& model, const NodeRecord& node);

/// Tightens the bounds of a node that can have some; a range that would be left empty stays.
void keep_within(Attributes& attributes, float min, float max);

}  // namespace octet::tool
