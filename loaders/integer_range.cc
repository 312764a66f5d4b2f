#include "loaders/integer_range.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace octet::loaders {

using graph::TensorId;

namespace {

constexpr IntegerRange all_of_s32 = {.min = std::numeric_limits<int32_t>::min(),
                                     .max = std::numeric_limits<int32_t>::max()};

IntegerRange both(const IntegerRange& a, const IntegerRange& b) {
  return {.min = std::min(a.min, b.min), .max = std::max(a.max, b.max)};
}

IntegerRange product(const IntegerRange& a, const IntegerRange& b) {
  const auto [min, max] = std::minmax({a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max});
  return {.min = min, .max = max};
}

// The range of a quotient, for both rules of rounding.
IntegerRange quotient(const IntegerRange& a, const IntegerRange& b) {
  if (b.min > 0 && a.min >= 0) return {.min = a.min / b.max, .max = a.max / b.min};
  const int64_t least = b.min > 0 ? b.min : b.max < 0 ? -b.max : 1;
  const int64_t most = std::max(std::abs(a.min), std::abs(a.max)) / least + 1;
  return {.min = -most, .max = most};
}

IntegerRange range_of_constant(const graph::Tensor& tensor) {
  const std::span<const int32_t> values(reinterpret_cast<const int32_t*>(tensor.data->data()),
                                        tensor.data->size() / sizeof(int32_t));
  const auto [min, max] = std::ranges::minmax(values);
  return {.min = min, .max = max};
}

}  // namespace

std::optional<graph::Tensor> make_whole_constant(const std::string& name, const Shape& shape,
                                                 std::span<const int64_t> values) {
  graph::Tensor tensor{.name = name, .type = Type::s32, .shape = shape};
  tensor.data.emplace(values.size() * sizeof(int32_t));
  std::byte* to = tensor.data->data();
  for (const int64_t value : values) {
    if (value < all_of_s32.min || value > all_of_s32.max) return std::nullopt;
    const auto narrowed = static_cast<int32_t>(value);
    std::memcpy(to, &narrowed, sizeof(narrowed));
    to += sizeof(narrowed);
  }
  return tensor;
}

bool IntegerRange::fits_s32() const { return min >= all_of_s32.min && max <= all_of_s32.max; }

IntegerRange IntegerRanges::computed_by(const graph::Node& node) {
  // Goes through the nodes in the graph's order, so that the operands of each are known.
  for (; next_ < graph_.nodes.size(); ++next_) {
    const graph::Node& before = graph_.nodes[next_];
    for (const TensorId id : before.outputs) {
      if (graph_.tensor(id).type != Type::s32) continue;
      const IntegerRange range = result_of(before);
      known_[id] = range.fits_s32() ? range : all_of_s32;
    }
  }
  return result_of(node);
}

IntegerRange IntegerRanges::of(TensorId id) {
  const graph::Tensor& tensor = graph_.tensor(id);
  if (const auto found = known_.find(id); found != known_.end()) return found->second;
  if (tensor.type != Type::s32 || !tensor.is_constant()) return all_of_s32;
  return known_[id] = range_of_constant(tensor);
}

IntegerRange IntegerRanges::result_of(const graph::Node& node) {
  const TensorId x = node.inputs[0];
  const auto places_along = [&](int32_t axis) -> IntegerRange {
    return {.min = 0, .max = graph_.tensor(x).shape[static_cast<std::size_t>(axis)] - 1};
  };
  if (node.op == Op::argmax || node.op == Op::top_k)
    return places_along(std::get<AxisAttributes>(node.attributes).axis);
  if (graph::moves_or_joins(node)) {
    IntegerRange range = of(x);
    for (const TensorId id : graph::moved_operands(node)) range = both(range, of(id));
    if (const auto* pad = std::get_if<PadAttributes>(&node.attributes)) {
      const auto value = static_cast<int64_t>(pad->value);
      range = both(range, {.min = value, .max = value});
    }
    return range;
  }
  if (node.inputs.size() != 2) return all_of_s32;
  const IntegerRange a = of(x);
  const IntegerRange b = of(node.inputs[1]);
  if (node.op == Op::add) return {.min = a.min + b.min, .max = a.max + b.max};
  if (node.op == Op::sub) return {.min = a.min - b.max, .max = a.max - b.min};
  if (node.op == Op::mul) return product(a, b);
  const bool divides = node.op == Op::div || node.op == Op::floor_div;
  return divides ? quotient(a, b) : all_of_s32;
}

}  // namespace octet::loaders
