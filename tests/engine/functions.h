// The operators that compute a function of one value, from the table of operators. A test that goes
// through them covers new ones as well.
#pragma once

#include <vector>

#include "engine/operator.h"

namespace octet::test {

inline std::vector<Op> functions_of_one_value() {
  std::vector<Op> functions;
  for (int i = 0; i < op_count; ++i) {
    if (is_function_of_one_value(static_cast<Op>(i))) functions.push_back(static_cast<Op>(i));
  }
  return functions;
}

/// Returns default attributes, with `value` if the operator takes a number.
inline Attributes function_attributes(Op op, float value) {
  Attributes attributes = default_attributes(op);
  if (auto* scalar = std::get_if<ScalarAttributes>(&attributes)) scalar->value = value;
  return attributes;
}

/// Whether the function is defined for all numbers, including those below 0.
inline bool takes_all_numbers(Op function) { return function != Op::log && function != Op::sqrt; }

}  // namespace octet::test
