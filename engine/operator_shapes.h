// How the shapes of results follow from the shapes of operands.
#pragma once

#include "engine/operator.h"

namespace octet {

enum class ShapeRule : uint8_t {
  conv2d,
  linear,
  broadcast,  // two operands, broadcast by NumPy's rules
  pool,
  along_axis,  // the shape of the operand, which must have the axis
  argmax,
  concat,
  slice,
  pad,
  reshape,
  transpose,
  resize,
  mean,
  by_channel,         // the shape of the first operand; the others have one value for each channel
  by_channel_or_one,  // the same, but the others may also have one value for all channels
  gather_nd,
  top_k,  // the shape of the values, and of their indices
  same,   // the shape of the first operand
};

/// Returns the shape of the result, or of each of several results: the operators of today that have
/// several give them one shape, which infer_shapes repeats. An error says what is wrong with the
/// operands, without naming the node. The caller has checked the number of operands, their
/// shapes and the type of the attributes.
Expected<Shape> shape_by(ShapeRule rule, const Attributes& attributes,
                         std::span<const Shape> inputs);

}  // namespace octet
