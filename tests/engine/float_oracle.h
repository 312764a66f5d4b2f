// Float operators in double, output value by output value: what XNNPACK and the loops are
// compared with.
#pragma once

#include <vector>

#include "engine/operator.h"

namespace octet::test {

struct Array {
  Shape shape;
  std::vector<double> values;
};

/// Shapes are those that infer_shape accepts.
Array evaluate(Op op, const Attributes& attributes, const std::vector<Array>& inputs,
               const Shape& output);

}  // namespace octet::test
