// A progress bar on standard error, where that is a terminal, for what takes longer than a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace octet::tool {

class Progress {
 public:
  Progress(std::string what, std::size_t total);
  /// Clears the bar.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance();

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  std::size_t total_;
  std::size_t done_ = 0;
  Clock::time_point begin_;
  Clock::time_point drawn_;
  bool on_terminal_;
  bool visible_ = false;
};

}  // namespace octet::tool
