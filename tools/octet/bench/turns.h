// Who is measured against whom, and when: in turns.
//
// A turn is a burst: runs that do not count, then runs that count, some 40 ms in all. Single runs
// in alternation would measure something else. Each would find the caches full of the other's
// weights, and, with several threads, its own threads asleep: what a program that runs one network
// again and again never sees.
//
// With several threads a turn begins when the others' threads are asleep. A pool's threads look for
// new work for a while before they sleep: GNU's OpenMP (oneDNN's) for some 7 ms, pthreadpool
// (XNNPACK's) for some 25 ms, octet's for a fraction of one. Meanwhile they hold a core that the
// engine being measured needs. How long they take is not guessed: they sleep when the process uses
// no more CPU time. Then the engine's own threads have to wake up, cores have to come back to
// speed, and caches have to fill: that is what the runs that do not count are for.
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
  /// Of at least one.
  double median_ms() const;
  double minimum_ms() const;

 private:
  std::vector<double> seconds_;
};

struct Contestant {
  std::function<Expected<double>()> run;     ///< -> seconds
  std::function<void(double seconds)> keep;  ///< Called after a run that counts.
};

struct Schedule {
  std::optional<std::size_t> runs;    ///< That count, of each; none: as many as `seconds` allow.
  std::optional<std::size_t> warmup;  ///< At the beginning of each turn; none: some 10 ms of them.
  double seconds = 4;                 ///< About how long all of it takes without `runs`.
  int threads = 1;
};

/// One contestant alone has a single turn: with `runs` and `warmup` it runs exactly that often.
/// `what` names the work on a progress bar; empty: none.
Expected<void> take_turns(const Schedule& schedule, const std::vector<Contestant>& contestants,
                          const std::string& what = "");

}  // namespace octet::tool
