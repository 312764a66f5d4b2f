#include "engine/big_cores.h"

#include <catch2/catch.hpp>

#include "engine/threads.h"

namespace octet {
namespace {

constexpr uint64_t mhz = 1'000'000;
// What cpuinfo calls a core that is newer than its list.
constexpr cpuinfo_uarch newer = cpuinfo_uarch_unknown;

TEST_CASE("a phone with two kinds of cores: the fast ones") {
  CHECK(count_big_cores({{cpuinfo_uarch_cortex_a73, 2360 * mhz, 4},
                         {cpuinfo_uarch_cortex_a53, 1800 * mhz, 4}}) == 4);
  // The frugal ones run nearly as fast here, but in order.
  CHECK(count_big_cores({{cpuinfo_uarch_cortex_a53, 1400 * mhz, 4},
                         {cpuinfo_uarch_cortex_a72, 1800 * mhz, 2}}) == 2);
}

TEST_CASE("a phone with three kinds of cores: the fastest one and its fellows") {
  CHECK(count_big_cores({{cpuinfo_uarch_cortex_a55, 1800 * mhz, 4},
                         {cpuinfo_uarch_cortex_a77, 2420 * mhz, 3},
                         {cpuinfo_uarch_cortex_a77, 2840 * mhz, 1}}) == 4);
  // By the clock alone, where cpuinfo does not know the cores.
  CHECK(count_big_cores({{newer, 3300 * mhz, 1},
                         {newer, 3150 * mhz, 3},
                         {newer, 2960 * mhz, 2},
                         {newer, 2270 * mhz, 2}}) == 6);
}

TEST_CASE("where all cores are alike, all of them") {
  CHECK(count_big_cores({{cpuinfo_uarch_cortex_a53, 1200 * mhz, 4}}) == 4);
  CHECK(count_big_cores({{newer, 0, 8}, {newer, 0, 8}}) == 16);
  CHECK(count_big_cores({{cpuinfo_uarch_neoverse_n1, 2600 * mhz, 32},
                         {cpuinfo_uarch_neoverse_n1, 2600 * mhz, 32}}) == 64);
  // In-order cores alone: the faster cluster is not the only one.
  CHECK(count_big_cores({{cpuinfo_uarch_cortex_a53, 2000 * mhz, 4},
                         {cpuinfo_uarch_cortex_a53, 1500 * mhz, 4}}) == 8);
}

TEST_CASE("a machine of which nothing is known has one thread") {
  CHECK(count_big_cores({}) == 0);
  CHECK(default_thread_count() >= 1);
}

}  // namespace
}  // namespace octet
