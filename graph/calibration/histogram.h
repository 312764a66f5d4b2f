// What calibration keeps of an activation: a histogram, whose size does not grow with the number of
// images.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace octet::graph {

/// The values that fell into one bin. Their sum and the sum of their squares tell where in the bin
/// they lie. So values that pile up at one point (a clamp at 6, or 256 pixel levels) count at that
/// point.
struct Bin {
  double count = 0;
  double sum = 0;
  double squares = 0;

  double mean() const { return sum / count; }
  /// Mean squared distance from the mean; 0 if it is so small that rounding errors hide it.
  double variance() const;
};

/// Bins over the range that was seen so far. When a value falls outside, the range doubles and bins
/// are merged in pairs, so that no count is spread or lost. Zeros are exact in every quantization,
/// so they are counted but are in no bin.
class Histogram {
 public:
  static constexpr std::size_t bin_count = 2048;

  void observe(std::span<const float> values);

  bool empty() const { return count_ == 0; }
  double count() const { return count_; }  ///< The number of finite values.
  double zeros() const { return zeros_; }
  double not_finite() const { return not_finite_; }  ///< NaNs and infinities, which are in no bin.
  float low() const { return low_; }                 ///< The smallest finite value seen.
  float high() const { return high_; }

  /// The bins that are not empty, from the lowest on.
  std::vector<Bin> bins() const;

 private:
  void count(double value);
  void grow(bool downwards);

  std::vector<Bin> bins_;
  float waiting_ = 0;  ///< The only value so far, while there is no range.
  double waiting_count_ = 0;
  double start_ = 0;
  double width_ = 0;
  double count_ = 0;
  double zeros_ = 0;
  double not_finite_ = 0;
  float low_ = std::numeric_limits<float>::infinity();
  float high_ = -std::numeric_limits<float>::infinity();
};

}  // namespace octet::graph
