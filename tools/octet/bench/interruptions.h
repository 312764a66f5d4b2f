// Finds out whether the machine was quiet while something was measured.
#pragma once

#include <chrono>
#include <cstddef>

namespace octet::tool {

/// Counts how often a thread of this process lost its core to another one that wanted it, since the
/// object was made. On a quiet machine that is a few times a second; with another program on the
/// same core it is a hundred times, and every other run takes some milliseconds longer.
class Interruptions {
 public:
  Interruptions();
  std::size_t count() const;
  /// Whether there were so many that the times say more about other programs.
  bool too_many() const;

 private:
  std::size_t before_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace octet::tool
