#include "engine/score_types.h"

#include <algorithm>

namespace octet {
namespace {

bool is_between_0_and_1(ScoreType type) {
  return type == ScoreType::probabilities || type == ScoreType::independent;
}

/// Of a value that `function` makes of one of type `x`.
ScoreType type_of_function(Op function, ScoreType x) {
  if (function == Op::sigmoid || function == Op::hard_sigmoid) return ScoreType::independent;
  if (function == Op::log && is_between_0_and_1(x)) return ScoreType::log_probabilities;
  if (function == Op::exp && x == ScoreType::log_probabilities) return ScoreType::probabilities;
  return ScoreType::logits;
}

/// What a table holds, where that is known.
Op operator_of(Op op, const Attributes& attributes) {
  const auto* table = std::get_if<LookupAttributes>(&attributes);
  return table != nullptr && table->function != Op::identity ? table->function : op;
}

/// Heads side by side: their probabilities are still each what it is.
ScoreType type_of_both(ScoreType a, ScoreType b) {
  if (a == b) return a;
  return is_between_0_and_1(a) && is_between_0_and_1(b) ? ScoreType::independent
                                                        : ScoreType::logits;
}

/// A hard sigmoid that was written as a line within bounds.
bool is_bounded_by_0_and_1(const Attributes& attributes) {
  return std::visit(
      [](const auto& a) {
        if constexpr (requires { a.bounds; }) return a.bounds == Bounds{.min = 0, .max = 1};
        return false;
      },
      attributes);
}

}  // namespace

void ScoreTypes::pass(Op op, const Attributes& attributes, std::span<const int32_t> inputs,
                      int32_t output, const std::function<bool(int32_t)>& is_constant) {
  ScoreType type = ScoreType::logits;
  const ScoreType x = of(inputs[0]);
  const Op function = operator_of(op, attributes);
  switch (function) {
    case Op::softmax:
      type = ScoreType::probabilities;
      break;
    case Op::concat: {
      bool first = true;
      for (const int32_t id : inputs) {
        if (is_constant(id)) continue;
        type = first ? of(id) : type_of_both(type, of(id));
        first = false;
      }
      break;
    }
    case Op::mul:  // an object's probability, and its class's
      if (is_between_0_and_1(x) && is_between_0_and_1(of(inputs[1]))) {
        type = ScoreType::independent;
      }
      if (is_constant(inputs[1])) sum_of(output) = sum_of(inputs[0]);
      break;
    case Op::div:
      if (exponential(inputs[0]) >= 0 && exponential(inputs[0]) == sum_of(inputs[1])) {
        type = ScoreType::probabilities;
      }
      break;
    case Op::mean:
      sum_of(output) = exponential(inputs[0]);
      type = x;
      break;
    case Op::max_pool:
    case Op::average_pool:
    case Op::slice:
    case Op::reshape:
    case Op::transpose:
    case Op::resize:
    case Op::gather_nd:
    case Op::clip:
    case Op::quantize:
    case Op::dequantize:
    case Op::requantize:
    case Op::identity:
      exponential(output) = exponential(inputs[0]);
      sum_of(output) = sum_of(inputs[0]);
      type = x;
      break;
    default:
      if (function == Op::exp) exponential(output) = output;
      type = type_of_function(function, x);
  }
  if (type == ScoreType::logits && is_bounded_by_0_and_1(attributes)) {
    type = ScoreType::independent;
  }
  types_[static_cast<std::size_t>(output)] = type;
}

}  // namespace octet
