// Ranges of channels from the peaks of inputs, against the errors that they trade off.
#include "graph/calibration/channel_ranges.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

namespace octet::graph {
namespace {

/// Ranges of channels whose values of an input are all within 1 and one peak, drawn for each
/// channel and input about its mean.
ChannelRanges observed(std::size_t positions, std::size_t inputs, const std::vector<double>& means,
                       double deviation) {
  std::mt19937 random(7);
  ChannelRanges ranges(means.size());
  for (std::size_t n = 0; n < inputs; ++n) {
    std::vector<float> values(positions * means.size(), 0.1F);
    for (std::size_t c = 0; c < means.size(); ++c) {
      std::extreme_value_distribution<double> peak(means[c], means[c] * deviation);
      values[random() % positions * means.size() + c] =
          static_cast<float>(std::max(peak(random), 0.1));
    }
    ranges.observe(values);
  }
  return ranges;
}

}  // namespace

TEST_CASE("with few inputs the range of a channel is what was seen") {
  ChannelRanges ranges(2);
  ranges.observe(std::vector<float>{1, -2, 3, -5, 2, 4});
  ranges.observe(std::vector<float>{-7, 0, 0.5F, 1, 0, 0});
  CHECK(ranges.low() == std::vector<float>{-7, -5});
  CHECK(ranges.high() == std::vector<float>{3, 4});
  CHECK(ranges.magnitude(0) == 7);
  CHECK(ranges.magnitude(1) == 5);
}

TEST_CASE("values that are not finite are in no range, and a dead channel has none") {
  ChannelRanges ranges(3);
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (int i = 0; i < 20; ++i)
    ranges.observe(std::vector<float>{infinity, std::nanf(""), 0, -infinity, 2, 0});
  CHECK(ranges.low() == std::vector<float>{0, 0, 0});
  CHECK(ranges.high()[0] == 0);
  CHECK(ranges.high()[1] == Approx(2));  // always the same peak: no deviation
  CHECK(ranges.high()[2] == 0);
}

TEST_CASE("few positions make ranges longer than what was seen, many make them shorter") {
  const std::vector<double> means(32, 2.0);
  const auto longest = [](const std::vector<float>& ends) {
    return *std::ranges::max_element(ends);
  };
  const ChannelRanges few = observed(16, 50, means, 0.2);
  const ChannelRanges many = observed(200000, 50, means, 0.2);
  for (std::size_t c = 0; c < means.size(); ++c) {
    CHECK(few.high()[c] > few.magnitude(c));
    CHECK(many.high()[c] < many.magnitude(c));
    CHECK(many.high()[c] >= 0.5F * many.magnitude(c));
  }
  CHECK(longest(few.high()) <= 5 * longest({few.magnitude(0) * 2}));
}

TEST_CASE("ranges of channels follow their scale") {
  const ChannelRanges ranges = observed(49, 60, {0.5, 5, 50}, 0.3);
  const auto high = ranges.high();
  CHECK(high[1] > 3 * high[0]);
  CHECK(high[2] > 3 * high[1]);
}

}  // namespace octet::graph
