#include "engine/broadcast.h"

namespace octet {
namespace {

struct Axis {
  std::size_t extent = 1;
  std::array<std::size_t, 2> stride = {};  // 0: the operand repeats along this axis
};

}  // namespace

BroadcastPlan plan_broadcast(const Shape& a, const Shape& b, const Shape& output) {
  // Axes from the innermost outwards, each with the strides of both operands in memory. An array
  // and not a vector, because float loops plan in run(), which allocates nothing.
  std::array<Axis, kernels::max_rank> axes;
  std::size_t rank = 0;
  std::array<std::size_t, 2> dense = {1, 1};
  const std::array<const Shape*, 2> shapes = {&a, &b};
  for (std::size_t i = 0; i < output.size(); ++i) {
    Axis axis{.extent = static_cast<std::size_t>(output[output.size() - 1 - i]), .stride = {0, 0}};
    if (axis.extent == 1) continue;
    for (std::size_t operand = 0; operand < 2; ++operand) {
      const Shape& shape = *shapes[operand];
      const std::size_t extent =
          i < shape.size() ? static_cast<std::size_t>(shape[shape.size() - 1 - i]) : 1;
      if (extent == 1) continue;
      axis.stride[operand] = dense[operand];
      dense[operand] *= extent;
    }
    if (rank > 0) {
      Axis& inner = axes[rank - 1];
      const auto continues = [&](std::size_t operand) {
        return axis.stride[operand] == inner.stride[operand] * inner.extent &&
               (axis.stride[operand] != 0 || inner.stride[operand] == 0);
      };
      if (continues(0) && continues(1)) {
        inner.extent *= axis.extent;
        continue;
      }
    }
    axes[rank++] = axis;
  }

  BroadcastPlan plan;
  if (rank == 0) return plan;
  plan.row_size = axes[0].extent;
  plan.stride = axes[0].stride;
  plan.outer_rank = rank - 1;
  for (std::size_t i = 0; i < plan.outer_rank; ++i) {
    const Axis& axis = axes[rank - 1 - i];
    plan.outer_extent[i] = axis.extent;
    plan.outer_stride[0][i] = axis.stride[0];
    plan.outer_stride[1][i] = axis.stride[1];
    plan.rows *= axis.extent;
  }
  return plan;
}

}  // namespace octet
