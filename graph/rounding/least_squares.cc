// Without vectors, Eigen adds in the same order, and without fused multiply-adds, on every CPU.
#define EIGEN_DONT_VECTORIZE
#include "graph/rounding/least_squares.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace octet::graph {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Channels that are rounded side by side: the inner loops go over them.
constexpr std::size_t lanes = 16;
// For scales: multiply-adds for a layer, and the smallest part of the scale without clipping.
constexpr double multiply_adds = 1e9;
constexpr std::size_t most_scales = 32;
constexpr double least_part = 0.7;
constexpr int most_sweeps = 3;

using Lanes = double[lanes];

// The filters' problem, with the values in the order in which they are rounded: the last is first.
struct Problem {
  std::size_t values = 0;
  std::vector<std::size_t> order;  ///< Place -> value. The largest variance is last.
  /// Below the diagonal: L', so that row k has all L[j][k]. On and above it: the covariance.
  Matrix factors;
  Matrix covariance;
  std::vector<double> weight_of_error;  ///< D
};

Problem prepare(const Moments& moments) {
  Problem out{.values = moments.mean.size()};
  const std::size_t n = out.values;
  out.order.resize(n);
  std::iota(out.order.begin(), out.order.end(), std::size_t{0});
  std::ranges::sort(out.order, [&](std::size_t a, std::size_t b) {
    const double of_a = moments.covariance[a * n + a];
    const double of_b = moments.covariance[b * n + b];
    return of_a != of_b ? of_a < of_b : a < b;
  });
  const auto size = static_cast<Eigen::Index>(n);
  out.covariance.resize(size, size);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      out.covariance(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) =
          moments.covariance[out.order[i] * n + out.order[j]];
    }
  }
  // Row-major and upper: row k of L' is consecutive.
  out.factors = out.covariance;
  Eigen::LLT<Eigen::Ref<Matrix>, Eigen::Upper> cholesky(out.factors);
  for (Eigen::Index k = 0; k < size; ++k) {
    const double diagonal = out.factors(k, k);
    out.weight_of_error.push_back(diagonal * diagonal);
    for (Eigen::Index j = k + 1; j < size; ++j) out.factors(k, j) /= diagonal;
  }
  return out;
}

// Up to `lanes` filters, in steps of their scales.
struct Filters {
  std::vector<double> targets;  ///< [values][lanes]: weights, in steps
  std::vector<double> errors;   ///< [values][lanes]: weights less rounded weights, in steps
  Lanes loss = {};              ///< e' covariance e
};

double rounded(double x) { return std::clamp(std::nearbyint(x), -127.0, 127.0); }

void round_in_turn(const Problem& problem, Filters& filters) {
  const std::size_t n = problem.values;
  std::ranges::fill(filters.loss, 0.0);
  for (std::size_t k = n; k-- > 0;) {
    const double* factors = problem.factors.data() + k * n;
    Lanes sums = {};
    for (std::size_t j = k + 1; j < n; ++j) {
      const double factor = factors[j];
      const double* errors = filters.errors.data() + j * lanes;
      for (std::size_t l = 0; l < lanes; ++l) sums[l] += factor * errors[l];
    }
    const double* targets = filters.targets.data() + k * lanes;
    double* errors = filters.errors.data() + k * lanes;
    for (std::size_t l = 0; l < lanes; ++l) {
      const double wanted = targets[l] + sums[l];
      const double value = rounded(wanted);
      errors[l] = targets[l] - value;
      filters.loss[l] += problem.weight_of_error[k] * (wanted - value) * (wanted - value);
    }
  }
}

// Changes single weights by whole steps as long as a change helps.
void improve(const Problem& problem, Filters& filters) {
  const std::size_t n = problem.values;
  // The covariance times the errors.
  std::vector<double> slopes(n * lanes, 0.0);
  for (std::size_t k = 0; k < n; ++k) {
    const double* covariance = problem.covariance.data() + k * n;
    double* slope = slopes.data() + k * lanes;
    for (std::size_t j = 0; j < n; ++j) {
      const double* errors = filters.errors.data() + j * lanes;
      for (std::size_t l = 0; l < lanes; ++l) slope[l] += covariance[j] * errors[l];
    }
  }
  for (int sweep = 0; sweep < most_sweeps; ++sweep) {
    bool changed = false;
    for (std::size_t k = n; k-- > 0;) {
      const double* covariance = problem.covariance.data() + k * n;
      double* errors = filters.errors.data() + k * lanes;
      const double* targets = filters.targets.data() + k * lanes;
      const double* slope = slopes.data() + k * lanes;
      Lanes steps;
      bool any = false;
      for (std::size_t l = 0; l < lanes; ++l) {
        const double value = targets[l] - errors[l];
        steps[l] = rounded(value + slope[l] / covariance[k]) - std::nearbyint(value);
        any = any || steps[l] != 0;
      }
      if (!any) continue;
      changed = true;
      for (std::size_t l = 0; l < lanes; ++l) {
        filters.loss[l] += steps[l] * (steps[l] * covariance[k] - 2 * slope[l]);
        errors[l] -= steps[l];
      }
      for (std::size_t j = 0; j < n; ++j) {
        double* other = slopes.data() + j * lanes;
        for (std::size_t l = 0; l < lanes; ++l) other[l] -= covariance[j] * steps[l];
      }
    }
    if (!changed) break;
  }
}

std::size_t count_of_scales(std::size_t channels, std::size_t values) {
  const double each = 1.5 * static_cast<double>(channels) * static_cast<double>(values) *
                      static_cast<double>(values);
  return static_cast<std::size_t>(
      std::clamp(multiply_adds / each, 1.0, static_cast<double>(most_scales)));
}

// Rounds the filters from `first` on, as many as there are lanes.
void round_filters(std::span<const float> weights, const Problem& problem, const Moments& moments,
                   std::span<const float> scales, const std::vector<bool>& fixed, std::size_t first,
                   RoundedWeights& out) {
  const std::size_t n = problem.values;
  const std::size_t channels = std::min(lanes, scales.size() - first);
  const std::size_t tries = count_of_scales(scales.size(), n);
  Lanes best;
  std::ranges::fill(best, std::numeric_limits<double>::infinity());
  Filters filters{.targets = std::vector<double>(n * lanes),
                  .errors = std::vector<double>(n * lanes)};
  for (std::size_t i = 0; i < tries; ++i) {
    const double part = 1 - (1 - least_part) * static_cast<double>(i) / static_cast<double>(tries);
    float tried[lanes] = {};
    for (std::size_t l = 0; l < channels; ++l) {
      const std::size_t channel = first + l;
      tried[l] =
          fixed[channel] ? scales[channel] : static_cast<float>(double{scales[channel]} * part);
      for (std::size_t k = 0; k < n; ++k) {
        filters.targets[k * lanes + l] =
            double{weights[channel * n + problem.order[k]]} / double{tried[l]};
      }
    }
    round_in_turn(problem, filters);
    improve(problem, filters);
    for (std::size_t l = 0; l < channels; ++l) {
      const std::size_t channel = first + l;
      const double loss = filters.loss[l] * double{tried[l]} * double{tried[l]};
      if (!(loss < best[l])) continue;
      best[l] = loss;
      out.scales[channel] = tried[l];
      double lost = 0;
      for (std::size_t k = 0; k < n; ++k) {
        const double error = filters.errors[k * lanes + l];
        const double value = std::nearbyint(filters.targets[k * lanes + l] - error);
        out.values[channel * n + problem.order[k]] = static_cast<int8_t>(value);
        lost += error * moments.mean[problem.order[k]];
      }
      out.lost[channel] = lost * double{tried[l]};
    }
  }
}

}  // namespace

RoundedWeights round_by_least_squares(std::span<const float> weights, const Moments& moments,
                                      std::span<const float> scales, const std::vector<bool>& fixed,
                                      const ThreadPool& pool) {
  const Problem problem = prepare(moments);
  RoundedWeights out{.values = std::vector<int8_t>(weights.size()),
                     .scales = std::vector<float>(scales.begin(), scales.end()),
                     .lost = std::vector<double>(scales.size())};
  const std::size_t blocks = (scales.size() + lanes - 1) / lanes;
  const double cost = static_cast<double>(weights.size()) * static_cast<double>(problem.values);
  pool.share_out(blocks, cost, [&](kernels::Range range, std::size_t) {
    for (std::size_t block = range.begin; block < range.end; ++block)
      round_filters(weights, problem, moments, scales, fixed, block * lanes, out);
  });
  return out;
}

}  // namespace octet::graph
