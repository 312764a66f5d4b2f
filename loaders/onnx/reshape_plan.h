// Reshapes of tensors whose axes are stored in another order than their author's.
#pragma once

#include "loaders/layout.h"

namespace octet::loaders::onnx {

/// The stored order that the operand needs, and the one that the result then has.
struct ReshapePlan {
  AxisOrder before;
  AxisOrder after;
};

/// Plans a reshape to `shape`, which has as many elements as the value. Axes that are split or
/// joined stay where they are stored. If the axes of each joined group are stored side by side,
/// nothing moves; otherwise only those axes move.
/// elements as the value.
ReshapePlan plan_reshape(const Value& value, const Shape& shape);

}  // namespace octet::loaders::onnx
