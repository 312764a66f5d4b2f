// A progress bar on standard error, where that is a terminal, for what takes longer than a second.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

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

/// A bar for work of a few stages whose parts cannot be counted. It names the stage under way, and
/// a thread of its own counts the seconds.
class StagedProgress {
 public:
  /// `stages` are done in order; the first begins now.
  StagedProgress(std::string what, std::vector<std::string> stages);
  /// Clears the bar.
  ~StagedProgress();
  StagedProgress(const StagedProgress&) = delete;
  StagedProgress& operator=(const StagedProgress&) = delete;

  /// The next stage begins.
  void advance();

 private:
  using Clock = std::chrono::steady_clock;
  void draw_until(const std::stop_token& stopped);

  std::string what_;
  std::vector<std::string> stages_;
  Clock::time_point begin_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::size_t stage_ = 0;  // guarded by mutex_
  std::jthread drawing_;   // none where standard error is no terminal
};

}  // namespace octet::tool
