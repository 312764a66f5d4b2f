#include "tools/octet/bench/rival.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace octet::tool {

Expected<double> Rival::run() {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  if (auto ok = opponent_->run(); !ok) return tl::unexpected(ok.error());
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Contestant Rival::contestant() {
  return {.run = [this] { return run(); },
          .keep = [this](double seconds) { samples_.add(seconds); }};
}

Expected<void> Rival::compare_outputs(const std::vector<float>& ours) {
  if (auto ok = opponent_->run(); !ok) return ok;
  const auto theirs = opponent_->outputs();
  if (!theirs) return tl::unexpected(theirs.error());
  std::vector<float> all;
  for (const auto& output : *theirs) all.insert(all.end(), output.begin(), output.end());
  if (all.size() != ours.size()) return fail(name_ + " gives another number of outputs");
  double products = 0;
  double squares[2] = {};
  for (std::size_t i = 0; i < all.size(); ++i) {
    products += static_cast<double>(ours[i]) * static_cast<double>(all[i]);
    squares[0] += static_cast<double>(ours[i]) * static_cast<double>(ours[i]);
    squares[1] += static_cast<double>(all[i]) * static_cast<double>(all[i]);
  }
  cosine_ = products / std::sqrt(std::max(squares[0] * squares[1], 1e-300));
  return {};
}

}  // namespace octet::tool
