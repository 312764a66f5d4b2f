// The plan of a session, made once: which buffers exist, when they live, and what setting an input
// writes.
#pragma once

#include <vector>

#include "engine/memory_plan.h"
#include "engine/model_data.h"
#include "engine/step.h"

namespace octet {

/// The tensors that set_input and set_pixels write: the float tensor if anything reads it, and the
/// u8 tensors of the quantize nodes that read the input. Those nodes then do not run.
struct InputPlan {
  bool keeps_float = false;
  std::vector<int32_t> quantized;     ///< The numbers of the u8 tensors.
  std::vector<Quantizer> quantizers;  ///< How each of them is made.
};

struct SessionPlan {
  /// For each tensor: the index of its buffer, or -1 if it has none. Constants have none, nor have
  /// tensors inside an island or float inputs that nobody reads.
  std::vector<int> buffer_of;
  std::vector<bool> runs;  ///< For each step: false for quantize nodes of inputs and for reshapes.
  std::vector<InputPlan> inputs;
  std::vector<BufferLifetime> buffers;
};

SessionPlan plan_session(const Model::Data& model);

}  // namespace octet
