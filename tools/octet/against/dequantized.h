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

/// Why a table has no float form, and what to measure instead.
tl::unexpected<Error> no_function_of_table(const Model::Data& model, const NodeRecord& node);

}  // namespace octet::tool
