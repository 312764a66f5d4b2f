// Operators that only move elements (concat, slice, pad, reshape, transpose, nearest resize), as
// strided copies.
#pragma once

#include <span>
#include <vector>

#include "engine/operator.h"
#include "kernels/kernels.h"

namespace octet {

struct PlannedCopy {
  int32_t input = 0;          ///< Which operand is read.
  int64_t source_offset = 0;  ///< In elements.
  int64_t target_offset = 0;  ///< In elements.
  kernels::CopyParams params;
};

struct MovementPlan {
  bool fill_first = false;  ///< pad: the output is filled with the pad value before the copies.
  std::vector<PlannedCopy> copies;
};

bool is_movement(Op op, const Attributes& attributes);

/// Shapes are valid (infer_shape accepted them). Adjacent axes are merged, so that few copies of
/// long rows remain; the innermost axis is contiguous on both sides wherever the operator allows
/// it.
MovementPlan plan_movement(Op op, const Attributes& attributes, std::span<const Shape> inputs,
                           const Shape& output, std::size_t element_size);

}  // namespace octet
