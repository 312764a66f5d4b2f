#include "tools/octet/bench/interruptions.h"

#include <sys/resource.h>

namespace octet::tool {
namespace {

constexpr double most_a_second = 25;
constexpr double always_allowed = 10;

std::size_t involuntary_switches() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_nivcsw);
}

}  // namespace

Interruptions::Interruptions()
    : before_(involuntary_switches()), begin_(std::chrono::steady_clock::now()) {}

std::size_t Interruptions::count() const { return involuntary_switches() - before_; }

bool Interruptions::too_many() const {
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin_;
  return static_cast<double>(count()) > always_allowed + most_a_second * seconds.count();
}

}  // namespace octet::tool
