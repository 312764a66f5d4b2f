// Another engine that is measured.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tools/octet/against/opponent.h"
#include "tools/octet/bench/turns.h"

namespace octet::tool {

class Rival {
 public:
  Rival(std::string name, std::unique_ptr<Opponent> opponent)
      : name_(std::move(name)), opponent_(std::move(opponent)) {}

  /// Returns seconds.
  Expected<double> run();
  Contestant contestant();

  /// Runs once and compares its outputs with octet's, to see that it is the same network.
  Expected<void> compare_outputs(const std::vector<float>& ours);

  const std::string& name() const { return name_; }
  double cosine() const { return cosine_; }
  /// Below this cosine no rounding explains the difference: it ran another network than octet.
  bool runs_same_network() const { return cosine_ >= 0.9; }
  const Samples& samples() const { return samples_; }

 private:
  std::string name_;
  std::unique_ptr<Opponent> opponent_;
  double cosine_ = 0;
  Samples samples_;
};

}  // namespace octet::tool
