// The shapes that operators make of their operands' shapes.
#pragma once

#include "engine/operator.h"

namespace octet {

enum class ShapeRule : uint8_t {
  conv2d,
  linear,
  broadcast,  // of two operands, as NumPy does
  pool,
  along_axis,  // the operand's, which has the axis
  argmax,
  concat,
  slice,
  pad,
  reshape,
  transpose,
  resize,
  mean,
  by_channel,         // the first operand's; the others have one value a channel
  by_channel_or_one,  // or one for all
  gather_nd,
  top_k,  // of the values, and of their places
  same,   // the first operand's
};

/// -> the shape of the result, or of all results; an error says what is wrong with the operands,
/// without naming the node. Their number and their shapes are valid, and the attributes are the
/// operator's.
Expected<Shape> shape_by(ShapeRule rule, const Attributes& attributes,
                         std::span<const Shape> inputs);

}  // namespace octet
