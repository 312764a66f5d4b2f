// Runs of float nodes as XNNPACK runtimes. Built only where OCTET_WITH_XNNPACK is on.
#pragma once

#include "engine/float/step.h"

namespace octet {

/// Initializes XNNPACK, once a process. false: this CPU lacks what it needs.
bool xnnpack_starts();

/// Consecutive nodes, all of which xnnpack_runs accepts and whose parameters are constants, as one
/// runtime. A value with neither `constant` nor `external` is XNNPACK's own and never leaves it.
FloatStepResult create_xnnpack_step(std::span<const FloatNode> nodes,
                                    std::span<const FloatValue> values, pthreadpool_t pool);

}  // namespace octet
