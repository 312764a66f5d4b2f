#include "graph/calibration/histogram.h"

#include <algorithm>
#include <cmath>

namespace octet::graph {

double Bin::variance() const {
  const double centre = mean();
  const double spread = squares / count - centre * centre;
  return spread < 1e-12 * centre * centre ? 0.0 : spread;
}

void Histogram::observe(std::span<const float> values) {
  for (const float value : values) {
    if (!std::isfinite(value)) {
      ++not_finite_;
      continue;
    }
    ++count_;
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
    if (value == 0) {
      ++zeros_;
    } else if (width_ > 0) {
      count(value);
    } else if (waiting_count_ == 0 || value == waiting_) {
      waiting_ = value;
      ++waiting_count_;
    } else {
      // The second value that differs from the first gives a range.
      const auto [first, last] = std::minmax({waiting_, value});
      start_ = static_cast<double>(first);
      width_ = (static_cast<double>(last) - start_) / static_cast<double>(bin_count);
      bins_.resize(bin_count);
      count(waiting_);
      for (Bin& bin : bins_) {
        bin.count *= waiting_count_;
        bin.sum *= waiting_count_;
        bin.squares *= waiting_count_;
      }
      count(value);
    }
  }
}

void Histogram::count(double value) {
  while (value < start_) grow(true);
  while (value > start_ + width_ * static_cast<double>(bin_count)) grow(false);
  const auto index = static_cast<std::size_t>((value - start_) / width_);
  Bin& bin = bins_[std::min(index, bin_count - 1)];
  ++bin.count;
  bin.sum += value;
  bin.squares += value * value;
}

void Histogram::grow(bool downwards) {
  std::vector<Bin> merged(bin_count);
  const std::size_t first = downwards ? bin_count / 2 : 0;
  for (std::size_t i = 0; i < bin_count; ++i) {
    Bin& to = merged[first + i / 2];
    to.count += bins_[i].count;
    to.sum += bins_[i].sum;
    to.squares += bins_[i].squares;
  }
  bins_ = std::move(merged);
  if (downwards) start_ -= width_ * static_cast<double>(bin_count);
  width_ *= 2;
}

std::vector<Bin> Histogram::bins() const {
  std::vector<Bin> used;
  if (width_ == 0 && waiting_count_ > 0) {
    const double value = waiting_;
    used.push_back({.count = waiting_count_,
                    .sum = waiting_count_ * value,
                    .squares = waiting_count_ * value * value});
  }
  std::ranges::copy_if(bins_, std::back_inserter(used),
                       [](const Bin& bin) { return bin.count > 0; });
  return used;
}

}  // namespace octet::graph
