#include "tools/octet/bench/turns.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>

#include "tools/octet/bench/clock.h"
#include "tools/octet/progress.h"
#include "tools/octet/statistics.h"

namespace octet::tool {
namespace {

constexpr double turn_seconds = 0.03;
constexpr double warm_seconds = 0.01;
constexpr std::size_t least_turn_runs = 2;
constexpr std::size_t least_runs = 10;
constexpr std::size_t most_runs = 2000;

/// CPU time of all threads of this process.
double process_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Waits until no thread of this process has anything to do, for half a second at most.
void wait_for_rest() {
  constexpr std::chrono::milliseconds look{3};
  constexpr double rest_share = 0.1;  // a thread that spins has all of the time, or half a core
  const auto begin = Clock::now();
  while (seconds_since(begin) < 0.5) {
    const auto from = Clock::now();
    const double before = process_seconds();
    std::this_thread::sleep_for(look);
    if (process_seconds() - before < rest_share * seconds_since(from)) return;
  }
}

class Turns {
 public:
  Turns(const Schedule& schedule, const std::vector<Contestant>& contestants)
      : schedule_(schedule),
        contestants_(contestants),
        counts_(contestants.size(), 0),
        begin_(Clock::now()) {}

  Expected<void> take_all(const std::string& what) {
    if (!what.empty()) progress_.emplace(what, 100);
    while (!done()) {
      for (std::size_t i = 0; i < contestants_.size(); ++i) {
        if (auto ok = take_turn(i); !ok) return ok;
      }
    }
    return {};
  }

 private:
  bool alone() const { return contestants_.size() == 1; }
  std::size_t fewest() const { return *std::ranges::min_element(counts_); }

  double part_done() const {
    if (schedule_.runs) {
      return static_cast<double>(fewest()) / static_cast<double>(*schedule_.runs);
    }
    return std::min(seconds_since(begin_) / schedule_.seconds,
                    static_cast<double>(fewest()) / static_cast<double>(least_runs));
  }

  bool done() const { return part_done() >= 1 || (!schedule_.runs && fewest() >= most_runs); }

  void show_progress() {
    const auto part = static_cast<std::size_t>(std::min(part_done(), 1.0) * 100);
    for (; progress_ && shown_ < part; ++shown_) progress_->advance();
  }

  /// Whether contestant `index` has run often enough in this turn.
  bool turn_ends(std::size_t index, std::size_t runs, double seconds) const {
    if (schedule_.runs && counts_[index] >= *schedule_.runs) return true;
    if (alone()) return done();
    return runs >= least_turn_runs && seconds >= turn_seconds;
  }

  Expected<void> take_turn(std::size_t index) {
    const Contestant& contestant = contestants_[index];
    if (schedule_.runs && counts_[index] >= *schedule_.runs) return {};
    if (schedule_.threads > 1 && !alone()) wait_for_rest();
    const auto warm_begin = Clock::now();
    const auto warms_up = [&](std::size_t runs) {
      if (schedule_.warmup) return runs < *schedule_.warmup;
      return runs == 0 || seconds_since(warm_begin) < warm_seconds;
    };
    for (std::size_t runs = 0; warms_up(runs); ++runs) {
      if (const auto seconds = contestant.run(); !seconds) return tl::unexpected(seconds.error());
    }
    const auto turn_begin = Clock::now();
    for (std::size_t runs = 0; !turn_ends(index, runs, seconds_since(turn_begin)); ++runs) {
      const auto seconds = contestant.run();
      if (!seconds) return tl::unexpected(seconds.error());
      contestant.keep(*seconds);
      ++counts_[index];
      show_progress();
    }
    return {};
  }

  const Schedule& schedule_;
  const std::vector<Contestant>& contestants_;
  std::vector<std::size_t> counts_;
  Clock::time_point begin_;
  std::optional<Progress> progress_;
  std::size_t shown_ = 0;  // percent
};

}  // namespace

double Samples::median_ms() const { return median(seconds_) * 1e3; }
double Samples::minimum_ms() const { return *std::ranges::min_element(seconds_) * 1e3; }

Expected<void> take_turns(const Schedule& schedule, const std::vector<Contestant>& contestants,
                          const std::string& what) {
  return Turns(schedule, contestants).take_all(what);
}

}  // namespace octet::tool
