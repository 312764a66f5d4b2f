// What a session decides once: which buffers exist, when they live, and what setting an input
// writes.
#pragma once

#include <vector>

#include "engine/memory_plan.h"
#include "engine/model_data.h"

namespace octet {

/// What set_input and set_pixels write: the float tensor where something reads it, and the u8
/// tensors that quantize nodes would make of it. Those nodes are then not run.
struct InputPlan {
  bool keeps_float = false;
  std::vector<int32_t> quantized;  ///< Tensors.
};

struct SessionPlan {
  std::vector<int>
      buffer_of;  ///< By tensor; -1: none (a constant, inside an island, or an unread float input).
  std::vector<bool> runs;  ///< By step: false for quantize nodes of inputs and for reshapes.
  std::vector<InputPlan> inputs;
  std::vector<BufferLifetime> buffers;
};

SessionPlan plan_session(const Model::Data& model);

}  // namespace octet
