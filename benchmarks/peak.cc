#include "benchmarks/peak.h"

#include <algorithm>
#include <ctime>
#include <map>

namespace octet::benchmarks {
namespace {

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double measure(const kernels::KernelTable& table) {
  constexpr std::size_t rounds = 20000;
  double best = 0;
  for (int i = 0; i < 50; ++i) {
    const double begin = cpu_seconds();
    const auto done = static_cast<double>(table.peak(rounds));
    best = std::max(best, done / (cpu_seconds() - begin));
  }
  return best;
}

}  // namespace

double peak(const kernels::KernelTable& table) {
  static std::map<const kernels::KernelTable*, double> known;
  const auto [entry, is_new] = known.try_emplace(&table, 0.0);
  if (is_new) entry->second = measure(table);
  return entry->second;
}

}  // namespace octet::benchmarks
