// Float nodes as loops of our own and over Eigen arrays: every operator, for where XNNPACK is not
// built in or lacks the operator, and for islands that are the same bytes on every CPU. Each value
// that a node touches has a place: `constant` or `external`.
#pragma once

#include "engine/float/step.h"

namespace octet {

/// The node is one that infer_shape accepts. Errors: the operator is not a float operator; weights
/// that are not constants. `table` and the threads outlive the step.
FloatStepResult create_loop_step(const FloatNode& node, std::span<const FloatValue> values,
                                 pthreadpool_t pool, const kernels::KernelTable& table,
                                 const ThreadPool* threads);

}  // namespace octet
