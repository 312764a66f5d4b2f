#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/score_types.h"
#include "graph/graph.h"

namespace octet::graph {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The range of a tensor's values, whatever the inputs are.
struct Range {
  double min = -infinity;
  double max = infinity;
};

Range hull(const Range& a, const Range& b) {
  return {.min = std::min(a.min, b.min), .max = std::max(a.max, b.max)};
}

Range cut(const Range& a, const Bounds& b) {
  return {.min = std::clamp(a.min, double{b.min}, double{b.max}),
          .max = std::clamp(a.max, double{b.min}, double{b.max})};
}

/// 0 * infinity counts as 0: the infinity is a bound that finite values only approach.
double product(double a, double b) { return a == 0 || b == 0 ? 0 : a * b; }

Range product(const Range& a, const Range& b) {
  const auto [min, max] = std::minmax(
      {product(a.min, b.min), product(a.min, b.max), product(a.max, b.min), product(a.max, b.max)});
  return {.min = min, .max = max};
}

Range reciprocal(const Range& x) {
  if (x.min <= 0 && x.max >= 0 && x.min != 0 && x.max != 0) return {};
  return {.min = x.max == 0 ? -infinity : 1 / x.max, .max = x.min == 0 ? infinity : 1 / x.min};
}

Range range_of(Arithmetic arithmetic, const Range& a, const Range& b) {
  switch (arithmetic) {
    case Arithmetic::add:
      return {.min = a.min + b.min, .max = a.max + b.max};
    case Arithmetic::sub:
      return {.min = a.min - b.max, .max = a.max - b.min};
    case Arithmetic::mul:
      return product(a, b);
    case Arithmetic::div:
      return product(a, reciprocal(b));
    case Arithmetic::floor_div:
      return {};
  }
  return {};
}

/// The range of a function's results, if the range of its operand says more than the bounds that
/// the function's row has.
Range range_of(Function function, const Range& x) {
  if (function == Function::exp) return {.min = std::exp(x.min), .max = std::exp(x.max)};
  if (function == Function::sqrt)
    return {.min = std::sqrt(std::max(x.min, 0.0)), .max = std::sqrt(std::max(x.max, 0.0))};
  if (function == Function::neg) return {.min = -x.max, .max = -x.min};
  if (function == Function::abs)
    return {.min = std::max({x.min, -x.max, 0.0}), .max = std::max(-x.min, x.max)};
  return {};
}

class Ranges {
 public:
  explicit Ranges(const Graph& graph) : known_(graph.tensors.size()) {
    for (std::size_t i = 0; i < known_.size(); ++i) {
      const Tensor& tensor = graph.tensors[i];
      if (!tensor.is_constant() || tensor.type != Type::f32) continue;
      const auto values = float_values(tensor);
      if (values.empty()) continue;
      const auto [min, max] = std::ranges::minmax(values);
      known_[i] = {.min = min, .max = max};
    }
  }

  void pass(const Node& node) {
    const Operator& row = row_of(node.op);
    const Range range = cut(cut(unbounded(node), row.range), bounds_of(node.attributes));
    for (const TensorId id : moved_results(node)) known_[static_cast<std::size_t>(id)] = range;
  }

  /// Whether the values are probabilities, apart from a rounding or a small number that was added.
  bool is_between_0_and_1(TensorId id) const {
    constexpr double tolerance = 1e-4;
    return of(id).min >= -tolerance && of(id).max <= 1 + tolerance;
  }

 private:
  const Range& of(TensorId id) const { return known_[static_cast<std::size_t>(id)]; }

  Range unbounded(const Node& node) const {
    const Operator& row = row_of(node.op);
    const Range& x = of(node.inputs[0]);
    if (row.kind == Kind::arithmetic) return range_of(row.arithmetic, x, of(node.inputs[1]));
    if (row.kind == Kind::function) return range_of(row.function, x);
    if (row.kind == Kind::clip || row.kind == Kind::requantize || row.kind == Kind::identity)
      return x;
    if (!moves_or_joins(node) && !row.moves_values && !row.stays_between) return {};
    const auto moved = moved_operands(node);
    Range range = of(moved[0]);
    for (const TensorId id : moved.subspan(1)) range = hull(range, of(id));
    if (const auto* pad = std::get_if<PadAttributes>(&node.attributes))
      return hull(range, {.min = pad->value, .max = pad->value});
    return row.stays_between ? hull(range, {.min = 0, .max = 0}) : range;
  }

  static Bounds bounds_of(const Attributes& attributes) {
    return std::visit(
        [](const auto& a) {
          if constexpr (requires { a.bounds; }) return a.bounds;
          return Bounds{};
        },
        attributes);
  }

  std::vector<Range> known_;
};

}  // namespace

ScoreType score_type(const Graph& graph) {
  ScoreTypes types(graph.tensors.size());
  Ranges ranges(graph);
  for (const Node& node : graph.nodes) {
    ranges.pass(node);
    for (const TensorId id : moved_results(node)) {
      types.pass(node.op, node.attributes, node.inputs, id,
                 [&](TensorId input) { return graph.tensor(input).is_constant(); });
      if (types.of(id) == ScoreType::logits && ranges.is_between_0_and_1(id))
        types.set(id, ScoreType::independent);
    }
  }
  return types.of(graph.outputs[0]);
}

}  // namespace octet::graph
