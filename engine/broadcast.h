// Broadcasting of two operands, by NumPy's rules, as rows for the elementwise kernels.
#pragma once

#include <array>
#include <cstdint>

#include "engine/operator.h"

namespace octet {

/// The output is `rows` rows of `row_size` contiguous values. Within a row, an operand advances by
/// its `stride` from one value to the next: 1, or 0 for one value in the whole row. offset()
/// returns the element at which an operand's values for a row begin.
struct BroadcastPlan {
  std::size_t rows = 1;
  std::size_t row_size = 1;
  std::array<std::size_t, 2> stride = {1, 1};

  std::size_t offset(int operand, std::size_t row) const {
    std::size_t at = 0;
    for (std::size_t i = outer_rank; i-- > 0;) {
      at += row % outer_extent[i] * outer_stride[static_cast<std::size_t>(operand)][i];
      row /= outer_extent[i];
    }
    return at;
  }

  std::size_t outer_rank = 0;
  std::array<std::size_t, kernels::max_rank> outer_extent = {};
  std::array<std::array<std::size_t, kernels::max_rank>, 2> outer_stride = {};
};

/// `a` and `b` broadcast to `output`, which infer_shape has checked. Axes over which both operands
/// advance in the same way are merged, so that equal shapes make one row.
BroadcastPlan plan_broadcast(const Shape& a, const Shape& b, const Shape& output);

}  // namespace octet
