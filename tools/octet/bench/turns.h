// Measures several contestants in turns.
//
// A turn is a burst: runs that do not count, then runs that count, about 40 ms in all. Alternating
// single runs would measure something else: each run would find the caches full of the other's
// weights and, with several threads, its own threads asleep. A program that runs one network again
// and again never sees that.
//
// With several threads a turn begins when the others' threads are asleep. A pool's threads look for
// new work for a while before they sleep: GNU's OpenMP (oneDNN's) for about 7 ms, pthreadpool
// (XNNPACK's) for about 25 ms, octet's for a fraction of 1 ms. Meanwhile they hold a core that the
// engine being measured needs. This time is not guessed: the threads sleep when the process uses no
// more CPU time. Then the engine's own threads have to wake up, cores have to come back to speed,
// and caches have to fill. The runs that do not count are for that.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "octet/octet.hpp"

namespace octet::tool {

/// Seconds of the runs that counted.
class Samples {
 public:
  void add(double seconds) { seconds_.push_back(seconds); }
  std::size_t count() const { return seconds_.size(); }
  /// There has to be at least one sample.
  double median_ms() const;
  double minimum_ms() const;

 private:
  std::vector<double> seconds_;
};

struct Contestant {
  std::function<Expected<double>()> run;     ///< Returns seconds.
  std::function<void(double seconds)> keep;  ///< Called after a run that counts.
};

struct Schedule {
  std::optional<std::size_t> runs;    ///< Counted runs of each; none: as many as `seconds` allow.
  std::optional<std::size_t> warmup;  ///< Runs at the beginning of each turn; none: about 10 ms.
  double seconds = 4;                 ///< About how long everything takes without `runs`.
  int threads = 1;
};

/// One contestant alone has a single turn: with `runs` and `warmup` it runs exactly that often.
/// `what` names the work on a progress bar; empty: none.
Expected<void> take_turns(const Schedule& schedule, const std::vector<Contestant>& contestants,
                          const std::string& what = "");

}  // namespace octet::tool
