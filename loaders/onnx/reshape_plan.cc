#include "loaders/onnx/reshape_plan.h"

#include <algorithm>

namespace octet::loaders::onnx {
namespace {

// Neighbouring axes of one shape that have the same elements as neighbouring axes of another shape.
struct AxisGroup {
  std::vector<int32_t> from;
  std::vector<int32_t> to;
};

std::vector<AxisGroup> common_groups(const Shape& from, const Shape& to) {
  std::vector<AxisGroup> groups;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < from.size() || j < to.size()) {
    AxisGroup group;
    int64_t a = 1;
    int64_t b = 1;
    do {
      const bool takes_from = i < from.size() && (a <= b || j == to.size());
      if (takes_from) {
        a *= from[i];
        group.from.push_back(static_cast<int32_t>(i++));
      } else {
        b *= to[j];
        group.to.push_back(static_cast<int32_t>(j++));
      }
    } while (a != b && (i < from.size() || j < to.size()));
    groups.push_back(std::move(group));
  }
  return groups;
}

// Returns the stored order after the reshape; empty if the axes of a group are not stored side by
// side, in order.
AxisOrder order_after_reshape(const Value& value, const std::vector<AxisGroup>& groups,
                              std::size_t rank) {
  AxisOrder order;
  std::vector<bool> placed(groups.size(), false);
  const auto group_of = [&](int32_t axis) {
    const auto has = [axis](const AxisGroup& g) { return std::ranges::count(g.from, axis) > 0; };
    return static_cast<std::size_t>(std::ranges::find_if(groups, has) - groups.begin());
  };
  for (std::size_t i = 0; i < value.order.size();) {
    const std::size_t g = group_of(value.order[i]);
    for (const int32_t axis : groups[g].from) {
      if (i >= value.order.size() || value.order[i] != axis) return {};
      ++i;
    }
    placed[g] = true;
    order.insert(order.end(), groups[g].to.begin(), groups[g].to.end());
  }
  // New axes of extent 1, which come from no axis, are added at the end.
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (!placed[g]) order.insert(order.end(), groups[g].to.begin(), groups[g].to.end());
  }
  return order.size() == rank ? order : AxisOrder{};
}

// Returns the stored order in which each group's axes are side by side and nothing else moves.
// Groups come in the order of their first stored axis.
AxisOrder gathered_order(const Value& value, const std::vector<AxisGroup>& groups) {
  AxisOrder order;
  for (const int32_t axis : value.order) {
    if (std::ranges::count(order, axis) > 0) continue;
    const auto has = [axis](const AxisGroup& g) { return std::ranges::count(g.from, axis) > 0; };
    const auto group = std::ranges::find_if(groups, has);
    order.insert(order.end(), group->from.begin(), group->from.end());
  }
  return order;
}

}  // namespace

ReshapePlan plan_reshape(const Value& value, const Shape& shape) {
  const std::vector<AxisGroup> groups = common_groups(value.shape, shape);
  ReshapePlan plan{.before = value.order,
                   .after = order_after_reshape(value, groups, shape.size())};
  if (plan.after.size() == shape.size()) return plan;
  Value gathered = value;
  gathered.order = plan.before = gathered_order(value, groups);
  plan.after = order_after_reshape(gathered, groups, shape.size());
  return plan;
}

}  // namespace octet::loaders::onnx
