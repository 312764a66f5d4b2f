// What calibration keeps of an activation: a histogram, whatever the number of images.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace octet::graph {

/// Values that fell into one bin; where they lie in it is known by their sum and their squares'
/// sum, so that values which pile up at one point (a clamp at 6, 256 pixel levels) are judged where
/// they are.
struct Bin {
  double count = 0;
  double sum = 0;
  double squares = 0;

  double mean() const { return sum / count; }
  /// Mean squared distance from the mean; 0 where rounding leaves nothing that can be trusted.
  double variance() const;
};

/// Bins over the range seen so far. When a value falls outside, the range doubles and bins merge in
/// pairs: nothing that was counted is spread or lost. Zeros are exact in every quantization: they
/// are counted, but in no bin.
class Histogram {
 public:
  static constexpr std::size_t bin_count = 2048;

  void observe(std::span<const float> values);

  bool empty() const { return count_ == 0; }
  double count() const { return count_; }  ///< Of all finite values.
  double zeros() const { return zeros_; }
  double not_finite() const { return not_finite_; }  ///< NaN and infinities, which are in no bin.
  float low() const { return low_; }                 ///< The smallest finite value seen.
  float high() const { return high_; }

  /// Bins that are not empty, from the lowest on.
  std::vector<Bin> bins() const;

 private:
  void count(double value);
  void grow(bool downwards);

  std::vector<Bin> bins_;
  float waiting_ = 0;  ///< The same value again and again, before there is a range.
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
