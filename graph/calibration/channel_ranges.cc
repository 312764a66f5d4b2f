#include "graph/calibration/channel_ranges.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace octet::graph {
namespace {

// Fewer inputs tell nothing about a distribution.
constexpr std::size_t few_inputs = 8;
constexpr double values_of_a_peak = 1;
// No end is farther from the largest value that was seen, by these factors.
constexpr double least_part = 0.5;
constexpr double most_parts = 1.5;

// The end of a range for peaks with this mean and deviation: see ChannelRanges.
double best_end(double mean, double deviation, double peak, double positions) {
  const double b = deviation * std::sqrt(6.0) / std::numbers::pi;
  const double mode = mean - std::numbers::egamma * b;
  const double shortest = least_part * peak;
  const double longest = most_parts * peak;
  if (!(b > 0)) return peak;
  // The derivative of both errors together is 0. R stands on both sides, and a few rounds find it.
  constexpr double levels = 255;
  double end = peak;
  for (int round = 0; round < 20; ++round) {
    const double ratio =
        values_of_a_peak * 2 * b * 6 * levels * levels / (positions * std::max(end, shortest));
    end = std::clamp(mode + b * std::log(ratio), shortest, longest);
  }
  return end;
}

}  // namespace

ChannelRanges::ChannelRanges(std::size_t channels) : squares_(channels, 0) {
  for (Side* side : {&low_, &high_}) {
    side->peak.assign(channels, 0);
    side->of_input.assign(channels, 0);
    side->sum.assign(channels, 0);
    side->squares.assign(channels, 0);
  }
}

void ChannelRanges::observe(std::span<const float> values) {
  constexpr float largest = std::numeric_limits<float>::max();
  if (empty()) return;
  for (std::size_t begin = 0; begin < values.size(); begin += channels()) {
    for (std::size_t c = 0; c < channels(); ++c) {
      const float value = values[begin + c];
      if (value > high_.of_input[c] && value <= largest) high_.of_input[c] = value;
      if (-value > low_.of_input[c] && value >= -largest) low_.of_input[c] = -value;
      if (std::isfinite(value)) squares_[c] += double{value} * double{value};
    }
  }
  ++inputs_;
  positions_ = values.size() / channels();
  count_ += static_cast<double>(positions_);
  finish_input(low_);
  finish_input(high_);
}

void ChannelRanges::finish_input(Side& side) {
  for (std::size_t c = 0; c < channels(); ++c) {
    const float peak = side.of_input[c];
    side.peak[c] = std::max(side.peak[c], peak);
    side.sum[c] += double{peak};
    side.squares[c] += double{peak} * double{peak};
    side.of_input[c] = 0;
  }
}

float ChannelRanges::magnitude(std::size_t channel) const {
  return std::max(low_.peak[channel], high_.peak[channel]);
}

std::vector<float> ChannelRanges::ends(const Side& side) const {
  if (inputs_ < few_inputs) return side.peak;
  const auto inputs = static_cast<double>(inputs_);
  std::vector<double> mean;
  std::vector<double> variance;
  std::vector<double> variations = {0};
  for (std::size_t c = 0; c < channels(); ++c) {
    mean.push_back(side.sum[c] / inputs);
    variance.push_back(std::max(side.squares[c] / inputs - mean[c] * mean[c], 0.0));
    if (mean[c] > 0) variations.push_back(std::sqrt(variance[c]) / mean[c]);
  }
  const auto middle = variations.begin() + static_cast<std::ptrdiff_t>(variations.size() / 2);
  std::ranges::nth_element(variations, middle);
  std::vector<float> all;
  for (std::size_t c = 0; c < channels(); ++c) {
    // A channel may owe a small deviation to the few inputs, so the usual one is added.
    const double deviation = std::hypot(std::sqrt(variance[c]), *middle * mean[c]);
    all.push_back(static_cast<float>(
        best_end(mean[c], deviation, double{side.peak[c]}, static_cast<double>(positions_))));
  }
  return all;
}

std::vector<float> ChannelRanges::low() const {
  std::vector<float> all = ends(low_);
  for (float& end : all) end = -end;
  return all;
}

std::vector<float> ChannelRanges::mean_squares() const {
  std::vector<float> all;
  for (const double sum : squares_) all.push_back(static_cast<float>(sum / count_));
  return all;
}

std::vector<float> ChannelRanges::high() const { return ends(high_); }

}  // namespace octet::graph
