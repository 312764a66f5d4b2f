// Float nodes as octet's own loops, partly over Eigen arrays. They have every operator. They run
// where XNNPACK is not built in or lacks the operator, and in islands whose bytes are the same on
// every CPU. Each value that a node reads or writes must have its memory: `constant` or `external`.
#pragma once

#include "engine/float/step.h"

namespace octet {

/// infer_shape has accepted the node. Errors: the operator is not a float operator, or weights are
/// not constants. `table` and the threads have to outlive the step.
FloatStepResult create_loop_step(const FloatNode& node, std::span<const FloatValue> values,
                                 pthreadpool_t pool, const kernels::KernelTable& table,
                                 const ThreadPool* threads);

}  // namespace octet
