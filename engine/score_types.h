// Finds what a classifier's scores mean, from its last layers.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/operator_table.h"

namespace octet {

/// Goes through a model's nodes in order and finds the type of each tensor. Movers, conversions and
/// clips keep the type of their operand. A softmax, a sigmoid, bounds of 0 and 1, and exp(x) /
/// sum(exp(x)) set it.
class ScoreTypes {
 public:
  explicit ScoreTypes(std::size_t tensors)
      : types_(tensors, ScoreType::logits), exponential_(tensors, -1), sum_of_(tensors, -1) {}

  /// Finds the type of `output`, the result of one node. `inputs` and `output` are numbers of
  /// tensors.
  void pass(Op op, const Attributes& attributes, std::span<const int32_t> inputs, int32_t output,
            const std::function<bool(int32_t)>& is_constant);

  /// Sets the type of a tensor whose type is known in another way.
  void set(int32_t tensor, ScoreType type) { types_[static_cast<std::size_t>(tensor)] = type; }

  /// The type of a tensor; `logits` if it is not known to be another one.
  ScoreType of(int32_t tensor) const { return types_[static_cast<std::size_t>(tensor)]; }

 private:
  ScoreType type_of_arithmetic(Arithmetic arithmetic, std::span<const int32_t> inputs,
                               int32_t output, const std::function<bool(int32_t)>& is_constant);
  int32_t& exponential(int32_t tensor) { return exponential_[static_cast<std::size_t>(tensor)]; }
  int32_t& sum_of(int32_t tensor) { return sum_of_[static_cast<std::size_t>(tensor)]; }

  std::vector<ScoreType> types_;
  /// The number of the exp node's tensor whose values a tensor has, perhaps moved or converted; or
  /// -1.
  std::vector<int32_t> exponential_;
  /// The number of the exp node's tensor whose sum (or mean) a tensor has; or -1.
  std::vector<int32_t> sum_of_;
};

}  // namespace octet
