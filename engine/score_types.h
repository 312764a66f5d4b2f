// What a classifier's scores are, as the layers that end in them say.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/operator_table.h"

namespace octet {

/// Goes through a model's nodes in order. Movers, conversions and clips leave a score what it is; a
/// softmax, a sigmoid, or bounds of 0 and 1 make one. So does exp(x) / sum(exp(x)).
class ScoreTypes {
 public:
  explicit ScoreTypes(std::size_t tensors)
      : types_(tensors, ScoreType::logits), exponential_(tensors, -1), sum_of_(tensors, -1) {}

  /// `inputs` and `output` are numbers of tensors.
  void pass(Op op, const Attributes& attributes, std::span<const int32_t> inputs, int32_t output,
            const std::function<bool(int32_t)>& is_constant);

  /// What is known of a tensor by other means.
  void set(int32_t tensor, ScoreType type) { types_[static_cast<std::size_t>(tensor)] = type; }

  /// `logits` for whatever is not known to be something else.
  ScoreType of(int32_t tensor) const { return types_[static_cast<std::size_t>(tensor)]; }

 private:
  ScoreType type_of_arithmetic(Arithmetic arithmetic, std::span<const int32_t> inputs,
                               int32_t output, const std::function<bool(int32_t)>& is_constant);
  int32_t& exponential(int32_t tensor) { return exponential_[static_cast<std::size_t>(tensor)]; }
  int32_t& sum_of(int32_t tensor) { return sum_of_[static_cast<std::size_t>(tensor)]; }

  std::vector<ScoreType> types_;
  std::vector<int32_t> exponential_;  ///< Which exponentials a tensor is, in another form; or -1.
  std::vector<int32_t> sum_of_;       ///< Of which exponentials it is the sum (or mean), or -1.
};

}  // namespace octet
