#include "engine/float/loops.h"

#include <algorithm>

#include "engine/float/operands.h"
#include "engine/movement.h"
#include "engine/operator_table.h"

namespace octet {
namespace {

using Loop = void (*)(const FloatOperands&);

/// The step of a node that needs no memory of its own, only its operands.
class LoopStep final : public FloatStep {
 public:
  LoopStep(FloatOperands operands, Loop loop) : operands_(std::move(operands)), loop_(loop) {}
  Expected<void> run() override {
    loop_(operands_);
    return {};
  }
  std::size_t memory_bytes() const override { return 0; }

 private:
  FloatOperands operands_;
  Loop loop_;
};

class MovementLoops final : public FloatStep {
 public:
  explicit MovementLoops(FloatOperands operands)
      : operands_(std::move(operands)),
        plan_(plan_movement(operands_.op, operands_.attributes, operands_.input_shapes,
                            operands_.output_shape, sizeof(float))) {}

  Expected<void> run() override {
    if (plan_.fill_first) {
      std::fill_n(operands_.output, operands_.count(),
                  std::get<PadAttributes>(operands_.attributes).value);
    }
    for (const PlannedCopy& copy : plan_.copies) {
      operands_.table->copy(
          copy.params, operands_.inputs[static_cast<std::size_t>(copy.input)] + copy.source_offset,
          operands_.output + copy.target_offset,
          {.begin = 0, .end = static_cast<std::size_t>(copy.params.extent[0])});
    }
    if (plan_.nearest) {
      resize_nearest(*plan_.nearest, reinterpret_cast<const std::byte*>(operands_.inputs[0]),
                     reinterpret_cast<std::byte*>(operands_.output),
                     {.begin = 0, .end = plan_.nearest->rows()});
    }
    return {};
  }
  std::size_t memory_bytes() const override { return 0; }

 private:
  FloatOperands operands_;
  MovementPlan plan_;
};

Loop find_loop(Op op) {
  switch (kind_of(op)) {
    case Kind::arithmetic:
      return run_binary;
    case Kind::max_pool:
    case Kind::average_pool:
      return run_pool;
    case Kind::resize:  // a nearest resize is a movement
      return run_resize;
    case Kind::mean:
      return run_mean;
    case Kind::softmax:
      return run_softmax;
    case Kind::log_softmax:
      return run_log_softmax;
    case Kind::argmax:
      return run_argmax;
    case Kind::top_k:
      return run_top_k;
    case Kind::prelu:
      return run_prelu;
    case Kind::batch_norm:
      return run_batch_norm;
    case Kind::clip:
      return run_clip;
    case Kind::function:
      return run_function;
    case Kind::conv2d:  // handled elsewhere: these loops have packed weights
    case Kind::linear:
    case Kind::concat:  // the movements are handled elsewhere
    case Kind::slice:
    case Kind::pad:
    case Kind::reshape:
    case Kind::transpose:
    case Kind::lookup:  // these have no float form
    case Kind::quantize:
    case Kind::dequantize:
    case Kind::requantize:
    case Kind::cast:
    case Kind::gather_nd:
    case Kind::identity:
      break;
  }
  return nullptr;
}

}  // namespace

FloatStepResult create_loop_step(const FloatNode& node, std::span<const FloatValue> values,
                                 pthreadpool_t pool, const kernels::KernelTable& table,
                                 const ThreadPool* threads) {
  FloatOperands operands;
  operands.op = node.op;
  operands.attributes = node.attributes;
  operands.pool = pool;
  operands.table = &table;
  operands.threads = threads;
  for (const int32_t input : node.inputs) {
    const FloatValue& value = values[static_cast<std::size_t>(input)];
    operands.inputs.push_back(value.constant ? value.constant : value.external);
    operands.input_shapes.push_back(value.shape);
  }
  const FloatValue& output = values[static_cast<std::size_t>(node.outputs[0])];
  operands.output = output.external;
  operands.output_shape = output.shape;
  if (node.outputs.size() > 1)
    operands.second_output = values[static_cast<std::size_t>(node.outputs[1])].external;

  if (is_movement(node.op, node.attributes)) {
    return std::make_unique<MovementLoops>(std::move(operands));
  }
  if (node.op == Op::conv2d || node.op == Op::linear) return make_float_conv(operands);
  const Loop loop = find_loop(node.op);
  if (!loop) return fail("is no float operator");
  return std::make_unique<LoopStep>(std::move(operands), loop);
}

}  // namespace octet
