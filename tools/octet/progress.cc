#include "tools/octet/progress.h"

#include <unistd.h>

#include <cstdio>

namespace octet::tool {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds show_after{1.0};
constexpr Seconds redraw_every{0.1};
constexpr int width = 30;

}  // namespace

Progress::Progress(std::string what, std::size_t total)
    : what_(std::move(what)),
      total_(total),
      begin_(Clock::now()),
      drawn_(begin_),
      on_terminal_(isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  if (visible_) std::fputs("\r\033[K", stderr);
}

void Progress::advance() {
  ++done_;
  const auto now = Clock::now();
  const Seconds elapsed = now - begin_;
  if (!on_terminal_ || total_ == 0 || elapsed < show_after || now - drawn_ < redraw_every) return;
  drawn_ = now;
  visible_ = true;
  const double share = static_cast<double>(done_) / static_cast<double>(total_);
  const int filled = static_cast<int>(share * width);
  const int left = static_cast<int>(elapsed.count() * (1 - share) / share + 0.5);
  std::fprintf(stderr, "\r%s [%.*s%.*s] %zu/%zu, %d:%02d left\033[K", what_.c_str(), filled,
               "##############################", width - filled, "..............................",
               done_, total_, left / 60, left % 60);
  std::fflush(stderr);
}

}  // namespace octet::tool
