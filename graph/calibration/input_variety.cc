#include "graph/calibration/input_variety.h"

#include <algorithm>
#include <cmath>

namespace octet::graph {

void InputVariety::observe(std::span<const float> values) {
  constexpr std::size_t most_regions = 64;
  const std::size_t regions = std::min(values.size(), most_regions);
  const bool is_first = inputs_++ == 0;
  if (is_first) {
    regions_.resize(regions);
    low_ = high_ = values.empty() ? 0 : values[0];
  }
  for (std::size_t r = 0; r < std::min(regions, regions_.size()); ++r) {
    const std::size_t begin = values.size() * r / regions;
    const std::size_t end = values.size() * (r + 1) / regions;
    double sum = 0;
    for (const float value : values.subspan(begin, end - begin)) {
      if (!std::isfinite(value)) continue;
      sum += static_cast<double>(value);
      low_ = std::min(low_, value);
      high_ = std::max(high_, value);
    }
    const double mean = sum / static_cast<double>(end - begin);
    Region& region = regions_[r];
    region.lowest = is_first ? mean : std::min(region.lowest, mean);
    region.highest = is_first ? mean : std::max(region.highest, mean);
  }
}

bool InputVariety::all_alike() const {
  const double tolerance = 0.01 * (static_cast<double>(high_) - static_cast<double>(low_));
  return inputs_ > 1 && std::ranges::all_of(regions_, [&](const Region& region) {
           return region.highest - region.lowest <= tolerance;
         });
}

}  // namespace octet::graph
