// int8 layers in real numbers, and as other engines have them, from which opponents are made.
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

/// One scale and zero point that hold all values of a u8 tensor: its own or, where each channel has
/// one, those of the range of all channels. Other engines have no scales of channels for
/// activations.
struct ScaleOfAll {
  float scale = 0;
  int32_t zero_point = 0;
};
ScaleOfAll scale_of_all(const TensorRecord& tensor);

/// A layer's s8 weights, their scales, and the bias in units of the input's scale times these.
struct QuantizedLayer {
  std::vector<int8_t> weights;
  std::vector<float> scales;
  std::vector<int32_t> bias;
};

/// The layer as an engine needs it that has `input_scale` for all channels of the layer's input.
/// The weights are the model's own, unless they have scales of channels in them: then they are
/// rounded again without.
QuantizedLayer layer_at(const Model::Data& model, const NodeRecord& node, float input_scale);

/// The values of a constant u8 operand.
std::vector<float> dequantize_operand(const TensorRecord& tensor);

/// The function that an int8 table holds, as a float node has it.
struct TableFunction {
  Op op = Op::identity;
  Attributes attributes;
};

/// Error: a file of an older format, which may not name the function.
Expected<TableFunction> function_of_table(const Model::Data& model, const NodeRecord& node);

/// The function inside a layer, which has one. For a prelu the slopes are not in the attributes.
TableFunction function_of_layer(const ConvAttributes& layer);

/// Tightens the bounds of a node that can have bounds. They stay as they are where the range would
/// become empty.
void keep_within(Attributes& attributes, float min, float max);

}  // namespace octet::tool
