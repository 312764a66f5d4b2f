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

double timed(const KernelTable& table, std::size_t rounds) {
  const double begin = cpu_seconds();
  const auto done = static_cast<double>(table.peak(rounds));
  return done / std::max(cpu_seconds() - begin, 1e-9);
}

}  // namespace

double measure_peak(const KernelTable& table) {
  constexpr double try_seconds = 0.5e-3;
  constexpr int tries = 50;
  constexpr std::size_t first_rounds = 100;
  const double macs_a_round = static_cast<double>(table.peak(1));
  const double rough = timed(table, first_rounds);
  const auto rounds = static_cast<std::size_t>(std::max(1.0, rough * try_seconds / macs_a_round));
  double best = 0;
  for (int i = 0; i < tries; ++i) best = std::max(best, timed(table, rounds));
  return best;
}

}  // namespace octet::kernels
