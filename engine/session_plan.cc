#include "engine/session_plan.h"

#include <algorithm>

#include "kernels/kernels.h"

namespace octet {
namespace {

// The thread sanitizer cannot know that a kernel drops what it reads behind its operand, which
// another thread may be writing: under it, nothing lies there.
#if defined(__SANITIZE_THREAD__)
constexpr std::size_t gap_behind_buffer = kernels::overread;
#else
constexpr std::size_t gap_behind_buffer = 0;
#endif

class Planner {
 public:
  explicit Planner(const Model::Data& model)
      : model_(model), last_step_(static_cast<int>(model.steps.size())) {
    plan_.buffer_of.assign(model.tensors.size(), -1);
    plan_.runs.assign(model.steps.size(), true);
  }

  SessionPlan plan() {
    for (const int32_t id : model_.inputs) plan_input(id);
    for (std::size_t step = 0; step < model_.steps.size(); ++step)
      plan_step(static_cast<int>(step));
    for (const int32_t id : model_.outputs) extend(id, last_step_);
    return std::move(plan_);
  }

 private:
  const NodeRecord& only_node(const StepRecord& step) const {
    return model_.nodes[static_cast<std::size_t>(step.first_node)];
  }

  // Inputs live during all steps: they are set before a run, and stay set for the next run.
  void plan_input(int32_t id) {
    InputPlan input;
    input.keeps_float = std::ranges::count(model_.outputs, id) > 0;
    for (std::size_t s = 0; s < model_.steps.size(); ++s) {
      const StepRecord& step = model_.steps[s];
      const NodeRecord& node = only_node(step);
      if (!step.island && node.op == Op::quantize && node.inputs[0] == id) {
        input.quantized.push_back(node.output());
        input.quantizers.emplace_back(model_.tensor(node.output()),
                                      std::get<QuantizeAttributes>(node.attributes));
        plan_.runs[s] = false;
        create(node.output(), -1);
        extend(node.output(), last_step_);
        continue;
      }
      for (int32_t n = step.first_node; n < step.first_node + step.node_count; ++n) {
        const auto& inputs = model_.nodes[static_cast<std::size_t>(n)].inputs;
        input.keeps_float = input.keeps_float || std::ranges::count(inputs, id) > 0;
      }
    }
    if (input.keeps_float) {
      create(id, -1);
      extend(id, last_step_);
    }
    plan_.inputs.push_back(std::move(input));
  }

  void plan_step(int step) {
    if (!plan_.runs[static_cast<std::size_t>(step)]) return;
    const StepRecord& record = model_.steps[static_cast<std::size_t>(step)];
    const NodeRecord& node = only_node(record);
    if (!record.island && node.op == Op::reshape && !model_.tensor(node.inputs[0]).is_constant) {
      // The result is the same bytes under another shape.
      plan_.buffer_of[static_cast<std::size_t>(node.output())] =
          plan_.buffer_of[static_cast<std::size_t>(node.inputs[0])];
      plan_.runs[static_cast<std::size_t>(step)] = false;
      extend(node.output(), step);
      return;
    }
    for (int32_t n = record.first_node; n < record.first_node + record.node_count; ++n) {
      const NodeRecord& member = model_.nodes[static_cast<std::size_t>(n)];
      for (const int32_t id : member.inputs) extend(id, step);
      for (const int32_t id : member.outputs) {
        if (!record.island || leaves_step(id, step)) create(id, step);
      }
    }
  }

  bool leaves_step(int32_t id, int step) const {
    if (std::ranges::count(model_.outputs, id) > 0) return true;
    return std::ranges::any_of(model_.nodes, [&](const NodeRecord& node) {
      return node.step != step && std::ranges::count(node.inputs, id) > 0;
    });
  }

  void create(int32_t id, int step) {
    plan_.buffer_of[static_cast<std::size_t>(id)] = static_cast<int>(plan_.buffers.size());
    plan_.buffers.push_back({.size = model_.tensor(id).byte_size() + gap_behind_buffer,
                             .first_step = step,
                             .last_step = step});
  }

  void extend(int32_t id, int step) {
    const int buffer = plan_.buffer_of[static_cast<std::size_t>(id)];
    if (buffer < 0) return;
    BufferLifetime& lifetime = plan_.buffers[static_cast<std::size_t>(buffer)];
    lifetime.last_step = std::max(lifetime.last_step, step);
  }

  const Model::Data& model_;
  int last_step_;
  SessionPlan plan_;
};

}  // namespace

SessionPlan plan_session(const Model::Data& model) { return Planner(model).plan(); }

}  // namespace octet
