// What calibration keeps of each channel of an activation, and the ranges that follow.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace octet::graph {

/// The peaks of each channel, the last axis, over inputs. Values that are not finite are left out.
class ChannelRanges {
 public:
  explicit ChannelRanges(std::size_t channels = 0);

  /// Takes the values of one input: [positions][channels].
  void observe(std::span<const float> values);

  bool empty() const { return low_.peak.empty(); }
  /// The largest magnitude of a channel.
  float magnitude(std::size_t channel) const;
  std::size_t channels() const { return low_.peak.size(); }

  /// The ends of the range for each channel: at most 0, and at least 0.
  ///
  /// A range that ends at the largest value of a hundred inputs is too short for one in a hundred
  /// others, and too long for all that it leaves fewer levels than they could have. So the end is
  /// where both errors together are the least. Peaks of single inputs are taken to follow a Gumbel
  /// distribution (Gumbel 1958, "Statistics of Extremes"), whose parameters follow from mean and
  /// deviation of the peaks, with the channels' usual deviation added: beyond an end R, the
  /// expected squared error of an input's peak is 2 b^2 exp(-(R - m) / b), where m and b are the
  /// distribution's mode and scale, and rounding costs positions * (R / 255)^2 / 12, where an input
  /// has so many positions. With few inputs the range is what was seen.
  std::vector<float> low() const;
  std::vector<float> high() const;

  /// How many values of a channel were observed.
  double values() const { return count_; }
  /// The mean of each channel's squared values.
  std::vector<float> mean_squares() const;

 private:
  /// Of one side. All are magnitudes.
  struct Side {
    std::vector<float> peak;      ///< Over all inputs.
    std::vector<float> of_input;  ///< Over the input that is being observed.
    std::vector<double> sum;      ///< Of the inputs' peaks.
    std::vector<double> squares;
  };
  void finish_input(Side& side);
  std::vector<float> ends(const Side& side) const;

  std::vector<double> squares_;  ///< Of the values.
  double count_ = 0;             ///< Values of a channel.
  Side low_;
  Side high_;
  std::size_t inputs_ = 0;
  std::size_t positions_ = 0;  ///< In an input.
};

}  // namespace octet::graph
