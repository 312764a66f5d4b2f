// Whether calibration saw different inputs, or one over and over.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace octet::graph {

/// Keeps the means of some regions of each input, and compares them.
class InputVariety {
 public:
  /// `values` is an input as the model takes it.
  void observe(std::span<const float> values);

  std::size_t inputs() const { return inputs_; }
  /// Whether no region's mean differed between two inputs by more than a hundredth of the range of
  /// all values. False for fewer than two inputs.
  bool all_alike() const;

 private:
  struct Region {
    double lowest = 0;
    double highest = 0;
  };

  std::vector<Region> regions_;
  std::size_t inputs_ = 0;
  float low_ = 0;
  float high_ = 0;
};

}  // namespace octet::graph
