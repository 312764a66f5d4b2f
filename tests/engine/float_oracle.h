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

/// Returns one of a node's results. infer_shapes has to accept the shapes, and the operator has a
/// float form (has_float_form) or is arithmetic of whole numbers.
Array evaluate(Op op, const Attributes& attributes, const std::vector<Array>& inputs,
               const Shape& output, std::size_t result = 0);

}  // namespace octet::test
