// Operators that only move elements. Concat, slice, pad, reshape and transpose are strided copies;
// a nearest resize has a loop of its own.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/nearest_resize.h"
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
  bool fill_first = false;  ///< For pad: the output is filled with the pad value before the copies.
  std::vector<PlannedCopy> copies;
  /// Set for a resize, which has no copies.
  std::optional<NearestResize> nearest;
};

bool is_movement(Op op, const Attributes& attributes);

/// Plans the copies of a movement whose shapes infer_shape has accepted. Adjacent axes are merged,
/// so that few copies of long rows remain. The innermost axis is contiguous on both sides if the
/// operator allows it. Axes of extent 1 are left out, so the innermost axis that remains may have a
/// stride on either side.
MovementPlan plan_movement(Op op, const Attributes& attributes, std::span<const Shape> inputs,
                           const Shape& output, std::size_t element_size);

}  // namespace octet
