#include "engine/threads.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <ctime>
#include <vector>

#include "engine/big_cores.h"

namespace octet {
namespace {

constexpr double much = 1e9;  // in nanoseconds: worth sharing out

TEST_CASE("every item is worked on once, whatever the number of threads and of items") {
  for (const int threads : {1, 2, 3, 8}) {
    const ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (const std::size_t items : {0U, 1U, 2U, 7U, 64U, 5000U}) {
      for (int round = 0; round < 200; ++round) {
        std::vector<int> touched(items);
        pool.share_out(items, much, [&](kernels::Range range, std::size_t) {
          for (std::size_t i = range.begin; i < range.end; ++i) ++touched[i];
        });
        REQUIRE(std::ranges::count(touched, 1) == static_cast<std::ptrdiff_t>(items));
      }
    }
  }
}

TEST_CASE("no two parts that run at the same time have the same thread number") {
  const ThreadPool pool(4);
  std::atomic<int> inside[4] = {};
  std::atomic<bool> shared{false};
  for (int round = 0; round < 500; ++round) {
    pool.share_out(64, much, [&](kernels::Range, std::size_t thread) {
      if (inside[thread].fetch_add(1) != 0) shared = true;
      inside[thread].fetch_sub(1);
    });
  }
  CHECK_FALSE(shared);
}

TEST_CASE("what is soon done is not shared out") {
  const ThreadPool pool(2);
  int calls = 0;
  pool.share_out(100, 100, [&](kernels::Range range, std::size_t thread) {
    ++calls;
    CHECK(range.end - range.begin == 100);
    CHECK(thread == 0);
  });
  CHECK(calls == 1);
}

TEST_CASE("threads that slept take part again") {
  const ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    timespec pause{.tv_sec = 0, .tv_nsec = 20'000'000};
    nanosleep(&pause, nullptr);
    std::atomic<int> parts{0};
    pool.share_out(16, much, [&](kernels::Range range, std::size_t) {
      parts += static_cast<int>(range.end - range.begin);
    });
    CHECK(parts == 16);
  }
}

TEST_CASE("a thousand threads start at once, and a few of them do the work") {
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  {
    const ThreadPool pool(1024);
    // If the system gives fewer threads, the pool has fewer.
    CHECK(pool.threads() >= 1);
    CHECK(pool.threads() <= 1024);
    for (int round = 0; round < 200; ++round) {
      std::vector<int> touched(5000);
      pool.share_out(touched.size(), much, [&](kernels::Range range, std::size_t thread) {
        if (thread >= 1024) return;
        for (std::size_t i = range.begin; i < range.end; ++i) ++touched[i];
      });
      REQUIRE(std::ranges::count(touched, 1) == 5000);
    }
    const pthreadpool_t float_pool = pool.handle();
    if (float_pool != nullptr) {
      const int threads = static_cast<int>(pthreadpool_get_threads_count(float_pool));
      CHECK(threads <= count_processors(allowed_processors()));
    }
  }
  CHECK(seconds() < 10);  // it takes some 0.1; a busy machine takes longer
}

// A thread that went to sleep just then would never end, and neither would the pool.
TEST_CASE("a pool ends whatever its threads are doing at that moment") {
  std::atomic<std::size_t> items{0};
  constexpr int rounds = 2000;
  for (int round = 0; round < rounds; ++round) {
    const ThreadPool pool(round % 7 + 2);
    if (round % 2 != 0) continue;  // ends before its threads have begun
    pool.share_out(8, much,
                   [&](kernels::Range range, std::size_t) { items += range.end - range.begin; });
  }
  CHECK(items == 8 * rounds / 2);
}

TEST_CASE("threads that are more than the processors give the same result") {
  for (const int threads : {3, 5, 16, 100}) {
    const ThreadPool pool(threads);
    std::atomic<int> parts{0};
    for (int round = 0; round < 300; ++round) {
      pool.share_out(64, much, [&](kernels::Range range, std::size_t thread) {
        if (thread < static_cast<std::size_t>(threads)) {
          parts += static_cast<int>(range.end - range.begin);
        }
      });
    }
    CHECK(parts == 64 * 300);
  }
}

}  // namespace
}  // namespace octet
