// Reshapes of tensors that are stored in another order of axes than their author's.
#pragma once

#include "loaders/layout.h"

namespace octet::loaders::onnx {

/// The stored order that the operand needs, and the one that the result then has.
struct ReshapePlan {
  AxisOrder before;
  AxisOrder after;
};

/// Axes that are split or joined stay where they are stored: nothing moves where the axes of each
/// group that is joined lie side by side, and only they move where they do not. `shape` has as many
/// elements as the value.
ReshapePlan plan_reshape(const Value& value, const Shape& shape);

}  // namespace octet::loaders::onnx
