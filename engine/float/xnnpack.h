// Runs float nodes as XNNPACK runtimes. Built only if OCTET_WITH_XNNPACK is on.
#pragma once

#include "engine/float/step.h"

namespace octet {

/// Initializes XNNPACK, once in a process. Returns false if this CPU lacks what XNNPACK needs.
bool xnnpack_starts();

/// Makes one runtime of consecutive nodes. xnnpack_runs has to accept all of them, and their
/// parameters have to be constants. A value with neither `constant` nor `external` is internal to
/// the runtime.
FloatStepResult create_xnnpack_step(std::span<const FloatNode> nodes,
                                    std::span<const FloatValue> values, pthreadpool_t pool);

}  // namespace octet
