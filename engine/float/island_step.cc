#include <map>

#include "engine/float/island.h"
#include "engine/step.h"

namespace octet {
namespace {

class IslandStep final : public Step {
 public:
  explicit IslandStep(std::unique_ptr<FloatIsland> island) : island_(std::move(island)) {}
  Expected<void> run() override { return island_->run(); }

 private:
  std::unique_ptr<FloatIsland> island_;
};

}  // namespace

StepResult make_island_step(const StepContext& context, const StepRecord& step) {
  std::vector<FloatValue> values;
  std::map<int32_t, int32_t> numbers;  // from the number of a tensor to the number of a value
  const auto value_of = [&](int32_t id) {
    const auto [entry, is_new] = numbers.try_emplace(id, static_cast<int32_t>(values.size()));
    if (is_new) {
      const TensorRecord& tensor = context.tensor(id);
      values.push_back({.shape = tensor.info.shape,
                        .constant = tensor.is_constant ? tensor.values<float>() : nullptr,
                        .external = tensor.is_constant ? nullptr : context.write<float>(id)});
    }
    return entry->second;
  };
  std::vector<FloatNode> nodes;
  const auto first = context.model.nodes.begin() + step.first_node;
  for (auto node = first; node != first + step.node_count; ++node) {
    FloatNode out{.name = node->name, .op = node->op, .attributes = node->attributes};
    for (const int32_t id : node->inputs) out.inputs.push_back(value_of(id));
    for (const int32_t id : node->outputs) out.outputs.push_back(value_of(id));
    nodes.push_back(std::move(out));
  }
  auto island = FloatIsland::create(std::move(nodes), std::move(values), context.pool,
                                    context.table, context.exact);
  if (!island) return tl::unexpected(island.error());
  return std::make_unique<IslandStep>(std::move(*island));
}

}  // namespace octet
