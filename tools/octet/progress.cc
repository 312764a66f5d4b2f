#include "tools/octet/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace octet::tool {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds show_after{1.0};
constexpr Seconds redraw_every{0.1};
constexpr int width = 30;

// "\rwhat [####....] ", without the end of the line.
void draw_bar(const std::string& what, double share) {
  const int filled = static_cast<int>(share * width);
  std::fprintf(stderr, "\r%s [%.*s%.*s] ", what.c_str(), filled, "##############################",
               width - filled, "..............................");
}

void clear_line() { std::fputs("\r\033[K", stderr); }

}  // namespace

Progress::Progress(std::string what, std::size_t total)
    : what_(std::move(what)),
      total_(total),
      begin_(Clock::now()),
      drawn_(begin_),
      on_terminal_(isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  if (visible_) clear_line();
}

void Progress::advance() {
  ++done_;
  const auto now = Clock::now();
  const Seconds elapsed = now - begin_;
  if (!on_terminal_ || total_ == 0 || elapsed < show_after || now - drawn_ < redraw_every) return;
  drawn_ = now;
  visible_ = true;
  const double share = static_cast<double>(done_) / static_cast<double>(total_);
  const int left = static_cast<int>(elapsed.count() * (1 - share) / share + 0.5);
  draw_bar(what_, share);
  std::fprintf(stderr, "%zu/%zu, %d:%02d left\033[K", done_, total_, left / 60, left % 60);
  std::fflush(stderr);
}

StagedProgress::StagedProgress(std::string what, std::vector<std::string> stages)
    : what_(std::move(what)), stages_(std::move(stages)), begin_(Clock::now()) {
  if (!isatty(STDERR_FILENO)) return;
  drawing_ = std::jthread([this](const std::stop_token& stopped) { draw_until(stopped); });
}

StagedProgress::~StagedProgress() = default;  // waits for the thread, which clears the bar

void StagedProgress::advance() {
  const std::lock_guard lock(mutex_);
  stage_ = std::min(stage_ + 1, stages_.size() - 1);
}

void StagedProgress::draw_until(const std::stop_token& stopped) {
  std::unique_lock lock(mutex_);
  const auto stops_within = [&](Seconds time) {
    return wake_.wait_for(lock, stopped, time, [] { return false; }) || stopped.stop_requested();
  };
  if (stops_within(show_after)) return;
  do {
    draw_bar(what_, static_cast<double>(stage_) / static_cast<double>(stages_.size()));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begin_);
    std::fprintf(stderr, "%zu/%zu, %s, %lld s\033[K", stage_ + 1, stages_.size(),
                 stages_[stage_].c_str(), static_cast<long long>(seconds.count()));
    std::fflush(stderr);
  } while (!stops_within(redraw_every));
  clear_line();
}

}  // namespace octet::tool
