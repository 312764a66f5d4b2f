#include "graph/calibration/calibrators.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace octet::graph {
namespace {

struct ClipRange {
  double low;
  double high;
};

constexpr double smallest_scale = 1e-12;
constexpr double percentile_beyond = 1e-4;

/// Factors by which the ends of a range are shrunk at first, from 1 down to a fiftieth.
std::vector<double> common_factors() {
  constexpr int count = 48;
  std::vector<double> factors;
  for (int i = 0; i < count; ++i) {
    factors.push_back(std::pow(0.02, static_cast<double>(i) / (count - 1)));
  }
  return factors;
}

double quantized(const Quantization& q, double value) {
  const double level = std::nearbyint(value / static_cast<double>(q.scale)) + q.zero_point;
  return static_cast<double>(q.scale) * (std::clamp(level, 0.0, 255.0) - q.zero_point);
}

/// The sum of the squared differences between the values and their quantized values.
double squared_error(const std::vector<Bin>& bins, const ClipRange& range) {
  const Quantization q = quantization_of_range(range.low, range.high);
  const double scale = static_cast<double>(q.scale);
  const double lowest = scale * (0 - q.zero_point);
  const double highest = scale * (255 - q.zero_point);
  const double rounding = scale * scale / 12;
  double total = 0;
  for (const Bin& bin : bins) {
    const double centre = bin.mean();
    const double spread = bin.variance();
    const double off = quantized(q, centre) - centre;
    const bool clipped = centre < lowest - scale / 2 || centre > highest + scale / 2;
    // In a bin that is wider than the scale, values have all distances from their levels.
    const bool apart = clipped || spread < rounding;
    total += bin.count * (apart ? off * off + spread : rounding);
  }
  return total;
}

/// Returns the range with the least loss. First both ends or one of them are shrunk by each of the
/// factors; then one end at a time is moved, by less each round.
template <class Loss>
ClipRange search(const ClipRange& all, const Loss& loss) {
  struct Factors {
    double low = 1;
    double high = 1;
  };
  Factors best;
  double least = loss(all);
  const auto consider = [&](const Factors& f) {
    const double error = loss({all.low * f.low, all.high * f.high});
    if (error >= least) return;
    least = error;
    best = f;
  };
  for (const double f : common_factors()) {
    consider({f, f});
    consider({f, 1});
    consider({1, f});
  }
  constexpr int tries = 21;
  constexpr double smallest = 0.005;
  for (const double reach : {0.5, 0.2, 0.06, 0.02}) {
    for (const bool upper : {true, false}) {
      const Factors from = best;
      for (int i = 0; i < tries; ++i) {
        const double factor = std::max(1 - reach + 2 * reach * i / (tries - 1), smallest);
        consider(upper ? Factors{from.low, std::min(1.0, from.high * factor)}
                       : Factors{std::min(1.0, from.low * factor), from.high});
      }
    }
  }
  return {all.low * best.low, all.high * best.high};
}

ClipRange percentile(const std::vector<Bin>& bins, double values, const ClipRange& all) {
  const double beyond = percentile_beyond * values;
  const auto end_of = [&](auto bin, const auto& end, double otherwise) {
    double seen = 0;
    for (; bin != end; ++bin) {
      seen += bin->count;
      if (seen > beyond) return bin->mean();
    }
    return otherwise;
  };
  // An end of the range does not go beyond 0.
  return {std::max(all.low, std::min(0.0, end_of(bins.begin(), bins.end(), 0.0))),
          std::min(all.high, std::max(0.0, end_of(bins.rbegin(), bins.rend(), 0.0)))};
}

/// The divergence KL(P || Q). P is how many values fall into each fine bin, with the clipped values
/// added at the ends. Q has P's mass for each u8 level, without the clipped values, spread evenly
/// over those fine bins of the level that are not empty.
double divergence(const std::vector<Bin>& bins, const ClipRange& range) {
  const Quantization q = quantization_of_range(range.low, range.high);
  const double lowest = quantized(q, range.low);
  const double highest = quantized(q, range.high);
  std::map<double, std::vector<double>> levels;  // the masses of P, for each level
  double total = 0;
  double below = 0;
  double above = 0;
  for (const Bin& bin : bins) {
    const double centre = bin.mean();
    total += bin.count;
    if (centre < range.low) {
      below += bin.count;
    } else if (centre > range.high) {
      above += bin.count;
    } else {
      levels[quantized(q, centre)].push_back(bin.count);
    }
  }
  double result = 0;
  for (auto& [level, masses] : levels) {
    double own = 0;
    for (const double mass : masses) own += mass;
    const double each = own / static_cast<double>(masses.size());
    // P has the clipped values at its ends, Q has not. The difference is the loss by clipping.
    if (level == lowest) masses.front() += below;
    if (level == highest) masses.back() += above;
    for (const double mass : masses) result += mass / total * std::log(mass / each);
  }
  // If values were clipped at an end and no bin belongs to its level, Q has next to nothing there.
  constexpr double next_to_nothing = 1e-3;  // a share of one value
  for (const auto& [level, mass] : {std::pair{lowest, below}, std::pair{highest, above}}) {
    if (mass > 0 && !levels.contains(level))
      result += mass / total * std::log(mass / next_to_nothing);
  }
  return result;
}

const std::array<std::pair<const char*, Calibrator>, 4> names = {{
    {"min-max", Calibrator::min_max},
    {"percentile", Calibrator::percentile},
    {"mse", Calibrator::mse},
    {"entropy", Calibrator::entropy},
}};

}  // namespace

std::optional<Calibrator> parse_calibrator(const std::string& name) {
  for (const auto& [known, calibrator] : names) {
    if (name == known) return calibrator;
  }
  return std::nullopt;
}

const std::vector<std::string>& calibrator_names() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> list;
    for (const auto& [name, calibrator] : names) list.emplace_back(name);
    return list;
  }();
  return all;
}

Quantization quantization_of_range(double low, double high) {
  low = std::min(low, 0.0);
  high = std::max(high, 0.0);
  if (low == high) return {.scale = 1, .zero_point = 0};
  const auto scale = static_cast<float>(std::max((high - low) / 255, smallest_scale));
  const double zero = std::nearbyint(-low / static_cast<double>(scale));
  return {.scale = scale, .zero_point = static_cast<int32_t>(std::clamp(zero, 0.0, 255.0))};
}

Quantization choose_quantization(const Histogram& histogram, Calibrator calibrator) {
  const ClipRange all = {std::min(static_cast<double>(histogram.low()), 0.0),
                         std::max(static_cast<double>(histogram.high()), 0.0)};
  const std::vector<Bin> bins = histogram.bins();
  ClipRange range = all;
  if (!bins.empty()) {
    switch (calibrator) {
      case Calibrator::min_max:
        break;
      case Calibrator::percentile:
        range = percentile(bins, histogram.count(), all);
        break;
      case Calibrator::mse:
        range = search(all, [&](const ClipRange& r) { return squared_error(bins, r); });
        break;
      case Calibrator::entropy:
        range = search(all, [&](const ClipRange& r) { return divergence(bins, r); });
        break;
    }
  }
  return quantization_of_range(range.low, range.high);
}

}  // namespace octet::graph
