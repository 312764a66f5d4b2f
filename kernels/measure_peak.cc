#include "kernels/measure_peak.h"

#include <algorithm>
#include <ctime>

namespace octet::kernels {
namespace {

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Try {
  double seconds;
  double rate;  ///< multiply-accumulates per second
};

Try timed(const KernelTable& table, std::size_t rounds) {
  const double begin = cpu_seconds();
  const auto done = static_cast<double>(table.peak(rounds));
  const double seconds = std::max(cpu_seconds() - begin, 1e-9);
  return {.seconds = seconds, .rate = done / seconds};
}

}  // namespace

double measure_peak(const KernelTable& table) {
  constexpr double try_seconds = 0.5e-3;
  constexpr int tries = 50;
  // The number of rounds doubles until a try takes long enough. An interruption may end this too
  // early, at worst by the time that it took.
  std::size_t rounds = 1000;
  while (timed(table, rounds).seconds < try_seconds) rounds *= 2;
  double best = 0;
  for (int i = 0; i < tries; ++i) best = std::max(best, timed(table, rounds).rate);
  return best;
}

}  // namespace octet::kernels
