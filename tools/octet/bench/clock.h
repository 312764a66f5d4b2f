// Time of a clock that never goes back.
#pragma once

#include <chrono>

namespace octet::tool {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace octet::tool
