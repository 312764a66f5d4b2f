// Float operators in double, computed for each output value on its own. XNNPACK and the loops are
// compared with them.
#pragma once

#include <vector>

#include "engine/operator.h"

namespace octet::test {

struct Array {
  Shape shape;
  std::vector<double> values;
};

/// infer_shape has to accept the shapes.
Array evaluate(Op op, const Attributes& attributes, const std::vector<Array>& inputs,
               const Shape& output);

}  // namespace octet::test
