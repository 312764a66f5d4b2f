#include "tools/octet/bench/turns.h"

#include <catch2/catch.hpp>

namespace octet::tool {
namespace {

/// Counts its runs. Each run reports as many seconds as there were runs before it.
struct Counter {
  std::size_t runs = 0;
  Samples samples;

  Contestant contestant() {
    return {.run = [this]() -> Expected<double> { return static_cast<double>(runs++); },
            .keep = [this](double seconds) { samples.add(seconds); }};
  }
};

}  // namespace

TEST_CASE("one contestant alone runs exactly as often as it is told to") {
  Counter counter;
  REQUIRE(take_turns({.runs = 7, .warmup = 2, .threads = 2}, {counter.contestant()}));
  CHECK(counter.runs == 9);
  CHECK(counter.samples.count() == 7);
  CHECK(counter.samples.minimum_ms() == Approx(2000));
  CHECK(counter.samples.median_ms() == Approx(5000));
}

TEST_CASE("of several contestants as many runs of each count, and none of the warm-up's") {
  for (const int threads : {1, 2}) {
    Counter one, two;
    REQUIRE(take_turns({.runs = 5, .warmup = 1, .threads = threads},
                       {one.contestant(), two.contestant()}));
    CHECK(one.samples.count() == 5);
    CHECK(two.samples.count() == 5);
    CHECK(one.samples.minimum_ms() > 0);
    CHECK(two.samples.minimum_ms() > 0);
  }
}

TEST_CASE("without a number of runs each has some, within the time that there is") {
  Counter one, two;
  REQUIRE(take_turns({.seconds = 0.05}, {one.contestant(), two.contestant()}));
  CHECK(one.samples.count() >= 10);
  CHECK(two.samples.count() >= 10);
}

TEST_CASE("the first error ends the turns") {
  Counter counter;
  Contestant failing{.run = [] { return octet::fail("out of order"); }, .keep = [](double) {}};
  const auto result = take_turns({.runs = 3}, {counter.contestant(), failing});
  REQUIRE_FALSE(result);
  CHECK(result.error().message == "out of order");
}

}  // namespace octet::tool
