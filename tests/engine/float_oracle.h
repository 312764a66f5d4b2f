// Float operators in double, output value by output value. XNNPACK and the loops are compared with
// them.
#pragma once

#include <vector>

#include "engine/operator.h"

namespace octet::test {

struct Array {
  Shape shape;
  std::vector<double> values;
};

/// The shapes have to be those that infer_shape accepts.
Array evaluate(Op op, const Attributes& attributes, const std::vector<Array>& inputs,
               const Shape& output);

}  // namespace octet::test
