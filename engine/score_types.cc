#include "engine/score_types.h"

#include <algorithm>

namespace octet {
namespace {

bool is_between_0_and_1(ScoreType type) {
  return type == ScoreType::probabilities || type == ScoreType::independent;
}

/// The type of a value that `function` computes from a value of type `x`.
ScoreType type_of_function(Function function, ScoreType x) {
  if (function == Function::sigmoid || function == Function::hard_sigmoid)
    return ScoreType::independent;
  if (function == Function::log && is_between_0_and_1(x)) return ScoreType::log_probabilities;
  if (function == Function::exp && x == ScoreType::log_probabilities)
    return ScoreType::probabilities;
  return ScoreType::logits;
}

/// For a lookup, the table's function if it is known; otherwise `op`.
Op operator_of(Op op, const Attributes& attributes) {
  const auto* table = std::get_if<LookupAttributes>(&attributes);
  return table != nullptr && table->function != Op::identity ? table->function : op;
}

/// The type of two heads that are joined: each probability stays a probability by itself.
ScoreType type_of_both(ScoreType a, ScoreType b) {
  if (a == b) return a;
  return is_between_0_and_1(a) && is_between_0_and_1(b) ? ScoreType::independent
                                                        : ScoreType::logits;
}

/// Whether results are bounded by 0 and 1, as with a hard sigmoid that was written as a bounded
/// line.
bool is_bounded_by_0_and_1(const Attributes& attributes) {
  return std::visit(
      [](const auto& a) {
        if constexpr (requires { a.bounds; }) return a.bounds == Bounds{.min = 0, .max = 1};
        return false;
      },
      attributes);
}

}  // namespace

ScoreType ScoreTypes::type_of_arithmetic(Arithmetic arithmetic, std::span<const int32_t> inputs,
                                         int32_t output,
                                         const std::function<bool(int32_t)>& is_constant) {
  if (arithmetic == Arithmetic::mul) {
    if (is_constant(inputs[1])) sum_of(output) = sum_of(inputs[0]);
    // The probability that an object is there, times the probability of its class.
    if (is_between_0_and_1(of(inputs[0])) && is_between_0_and_1(of(inputs[1])))
      return ScoreType::independent;
  }
  if (arithmetic == Arithmetic::div && exponential(inputs[0]) >= 0 &&
      exponential(inputs[0]) == sum_of(inputs[1]))
    return ScoreType::probabilities;
  return ScoreType::logits;
}

void ScoreTypes::pass(Op op, const Attributes& attributes, std::span<const int32_t> inputs,
                      int32_t output, const std::function<bool(int32_t)>& is_constant) {
  ScoreType type = ScoreType::logits;
  const ScoreType x = of(inputs[0]);
  const Op function = operator_of(op, attributes);
  switch (kind_of(function)) {
    case Kind::softmax:
      type = ScoreType::probabilities;
      break;
    case Kind::log_softmax:
      type = ScoreType::log_probabilities;
      break;
    case Kind::concat: {
      bool first = true;
      for (const int32_t id : inputs) {
        if (is_constant(id)) continue;
        type = first ? of(id) : type_of_both(type, of(id));
        first = false;
      }
      break;
    }
    case Kind::arithmetic:
      type = type_of_arithmetic(row_of(function).arithmetic, inputs, output, is_constant);
      break;
    case Kind::pad: {
      const float value = std::get<PadAttributes>(attributes).value;
      const bool is_score = is_between_0_and_1(x) ? value >= 0 && value <= 1 : value <= 0;
      if (x != ScoreType::logits && is_score) type = x;
      break;
    }
    case Kind::mean:
      sum_of(output) = exponential(inputs[0]);
      type = x;
      break;
    case Kind::max_pool:
    case Kind::average_pool:
    case Kind::slice:
    case Kind::reshape:
    case Kind::transpose:
    case Kind::resize:
    case Kind::gather_nd:
    case Kind::top_k:
    case Kind::clip:
    case Kind::quantize:
    case Kind::dequantize:
    case Kind::requantize:
    case Kind::identity:
      exponential(output) = exponential(inputs[0]);
      sum_of(output) = sum_of(inputs[0]);
      type = x;
      break;
    case Kind::function:
      if (function == Op::exp) exponential(output) = output;
      type = type_of_function(row_of(function).function, x);
      break;
    case Kind::conv2d:
    case Kind::linear: {
      const Op inner = std::get<ConvAttributes>(attributes).function.function;
      if (kind_of(inner) != Kind::function) break;
      if (inner == Op::exp) exponential(output) = output;
      type = type_of_function(row_of(inner).function, ScoreType::logits);
      break;
    }
    case Kind::argmax:
    case Kind::lookup:  // the table's function is not known
    case Kind::batch_norm:
    case Kind::prelu:
    case Kind::cast:
      break;
  }
  if (type == ScoreType::logits && is_bounded_by_0_and_1(attributes)) {
    type = ScoreType::independent;
  }
  types_[static_cast<std::size_t>(output)] = type;
}

}  // namespace octet
