// Functions of one value as the ending of a layer computes them.
#pragma once

#include <optional>

#include "engine/operator.h"

namespace octet::graph {

/// The values of a function's result that matter: those beyond are clipped to its ends. In real
/// units.
struct ResultRange {
  double low;
  double high;
};

/// Returns the form in which a layer computes the function with parameter `value`. Where the form
/// is an approximation, it differs from the function by at most a tenth of `step`, a step of the
/// result's scale, for every operand; this is checked. Returns nothing if there is no such form.
///
/// Pieces are polynomials through the function's values at the Chebyshev nodes of the piece. The
/// first and the last piece are the function's asymptotes, or lie beyond the range.
std::optional<InnerFunction> fit_inner_function(Op op, float value, ResultRange range, double step);

}  // namespace octet::graph
