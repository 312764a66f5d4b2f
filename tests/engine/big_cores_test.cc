#include "engine/big_cores.h"

#include <sched.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "engine/threads.h"
#include "tests/loaders/float_export_maker.h"

namespace octet {
namespace {

constexpr uint64_t mhz = 1'000'000;
// The name that cpuinfo gives to a core that is newer than its list.
constexpr cpuinfo_uarch newer = cpuinfo_uarch_unknown;

ProcessorSet set_of(const std::vector<int>& processors) {
  ProcessorSet set = {};
  for (const int i : processors) CPU_SET_S(i, sizeof(set), set.data());
  return set;
}

TEST_CASE("a phone with two kinds of cores: the fast ones") {
  CHECK(count_big_cores({{cpuinfo_uarch_cortex_a73, 2360 * mhz, 4},
                         {cpuinfo_uarch_cortex_a53, 1800 * mhz, 4}}) == 4);
  // Here the frugal cores run at nearly the same clock, but in order.
  CHECK(count_big_cores({{cpuinfo_uarch_cortex_a53, 1400 * mhz, 4},
                         {cpuinfo_uarch_cortex_a72, 1800 * mhz, 2}}) == 2);
}

TEST_CASE("a phone with three kinds of cores: the fastest one and its fellows") {
  CHECK(count_big_cores({{cpuinfo_uarch_cortex_a55, 1800 * mhz, 4},
                         {cpuinfo_uarch_cortex_a77, 2420 * mhz, 3},
                         {cpuinfo_uarch_cortex_a77, 2840 * mhz, 1}}) == 4);
  // If cpuinfo does not know the cores, only the clock counts.
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
  // If all cores are in-order, all count, and not only those of the faster cluster.
  CHECK(count_big_cores({{cpuinfo_uarch_cortex_a53, 2000 * mhz, 4},
                         {cpuinfo_uarch_cortex_a53, 1500 * mhz, 4}}) == 8);
}

TEST_CASE("a thread a big core, of those that the process may use") {
  const std::vector<CoreCluster> phone = {{cpuinfo_uarch_cortex_a73, 2360 * mhz, 4},
                                          {cpuinfo_uarch_cortex_a53, 1800 * mhz, 4}};
  CHECK(choose_thread_count(phone, 8) == 4);
  CHECK(choose_thread_count(phone, 3) == 3);
  CHECK(choose_thread_count(phone, 1) == 1);
  CHECK(choose_thread_count({{newer, 0, 16}}, 2) == 2);
}

TEST_CASE("clusters of fewer cores than the process may use are not believed") {
  CHECK(choose_thread_count({{newer, 0, 0}}, 2) == 2);
  CHECK(choose_thread_count({{newer, 0, 1}}, 2) == 2);
  CHECK(choose_thread_count({}, 6) == 6);
  CHECK(choose_thread_count({}, 0) == 1);
  CHECK(choose_thread_count({{newer, 0, 0}}, 0) == 1);
}

TEST_CASE("siblings of one core count once; without a list each processor is a core") {
  const test::TemporaryFolder folder;
  const std::string system = folder.path("cpu");
  const auto write = [&](int processor, const std::string& siblings) {
    const std::string topology = system + "/cpu" + std::to_string(processor) + "/topology";
    std::filesystem::create_directories(topology);
    std::ofstream(topology + "/thread_siblings_list") << siblings << "\n";
  };
  for (const int processor : {0, 1, 2, 3}) {
    write(processor, std::to_string(processor % 2) + "," + std::to_string(processor % 2 + 2));
  }
  write(8, "8");
  const auto cores = [&](const std::vector<int>& processors) {
    return count_cores(set_of(processors), system.c_str());
  };
  CHECK(cores({0, 1, 2, 3}) == 2);
  CHECK(cores({0, 2}) == 1);
  CHECK(cores({1, 2, 8}) == 3);
  CHECK(cores({4, 5, 0}) == 3);
  CHECK(cores({4, 2000, 8191}) == 3);
  CHECK(cores({}) == 0);
}

TEST_CASE("the processors that a process may use limit its threads") {
  const ProcessorSet all = allowed_processors();
  REQUIRE(count_processors(all) > 0);
  CHECK(default_thread_count() <= count_processors(all));
  int last = 0;
  for (int i = 0; i < 8192; ++i) {
    if (CPU_ISSET_S(i, sizeof(all), all.data())) last = i;
  }
  const ProcessorSet one = set_of({last});
  REQUIRE(sched_setaffinity(0, sizeof(one), one.data()) == 0);
  const ProcessorSet limited = allowed_processors();
  const int threads = default_thread_count();
  REQUIRE(sched_setaffinity(0, sizeof(all), all.data()) == 0);
  CHECK(CPU_EQUAL_S(sizeof(one), limited.data(), one.data()));
  CHECK(threads == 1);
}

TEST_CASE("a machine of which nothing is known has one thread") {
  CHECK(count_big_cores({}) == 0);
  CHECK(default_thread_count() >= 1);
}

}  // namespace
}  // namespace octet
