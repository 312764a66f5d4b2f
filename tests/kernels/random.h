// Random test data. It is the same on every run with the same seed (Catch2's --rng-seed).
#pragma once

#include <catch2/catch.hpp>

#include "tests/kernels/draw.h"

namespace octet::test {

class Random : public SeededDraw {
 public:
  /// `salt` tells the tests of one run apart.
  explicit Random(uint32_t salt)
      : SeededDraw(Catch::rngSeed() + salt), seed(Catch::rngSeed() + salt) {}

  const uint32_t seed;
};

}  // namespace octet::test
