// Random choices, from which test data is made. Nothing here depends on a library's distributions
// or on the order in which a compiler evaluates arguments, so that a seed gives the same data
// everywhere.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace octet::test {

/// A source of choices. To get the same choices on every machine, make each in a statement of its
/// own, or within the braces of a list.
class Draw {
 public:
  virtual ~Draw() = default;

  /// Returns one of 0 to count - 1; count is at least 1.
  virtual uint32_t below(uint32_t count) = 0;

  /// Returns an integer from low to high, both included.
  int32_t integer(int32_t low, int32_t high) {
    const uint32_t count = static_cast<uint32_t>(high) - static_cast<uint32_t>(low) + 1;
    return static_cast<int32_t>(static_cast<uint32_t>(low) + below(count));
  }
  /// Returns a number from low to high, one of 2^24 values.
  float real(float low, float high) {
    const float part = static_cast<float>(below(1U << 24)) * 0x1p-24F;
    return low + (high - low) * part;
  }
  bool chance(double probability = 0.5) {
    return static_cast<double>(below(100)) >= 100 - 100 * probability;
  }
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return choices.begin()[below(static_cast<uint32_t>(choices.size()))];
  }

  /// Integers in one of several styles: random values; only the two extremes; one extreme
  /// everywhere, or everywhere except in a few places; a short pattern that repeats.
  template <class T>
  std::vector<T> integers(std::size_t count, int32_t low, int32_t high);
  std::vector<uint8_t> bytes(std::size_t count) { return integers<uint8_t>(count, 0, 255); }

  std::vector<float> reals(std::size_t count, float low, float high);
};

/// SplitMix64 (Steele, Lea and Flood 2014). Its upper 32 bits are used.
class SeededDraw : public Draw {
 public:
  explicit SeededDraw(uint64_t seed) : state_(seed) {}

  uint32_t below(uint32_t count) override {
    state_ += 0x9E3779B97F4A7C15U;
    uint64_t bits = state_;
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9U;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBU;
    const uint64_t upper = (bits ^ (bits >> 31)) >> 32;
    return static_cast<uint32_t>((upper * count) >> 32);
  }

 private:
  uint64_t state_;
};

/// Choices made from a fuzzer's bytes: each takes as many bytes as its range needs. When the bytes
/// are used up, every choice is the first one.
class FuzzedDraw final : public Draw {
 public:
  explicit FuzzedDraw(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  uint32_t below(uint32_t count) override {
    uint64_t value = 0;
    for (uint64_t range = 1; range < count && !bytes_.empty(); range <<= 8) {
      value = value << 8 | bytes_.front();
      bytes_ = bytes_.subspan(1);
    }
    return static_cast<uint32_t>(value % count);
  }

 private:
  std::span<const uint8_t> bytes_;
};

// Long runs of values come from a generator of their own, seeded by one choice, so that they do not
// use up a fuzzer's bytes.

template <class T>
std::vector<T> Draw::integers(std::size_t count, int32_t low, int32_t high) {
  std::vector<T> values(count);
  const uint32_t style = below(8);
  SeededDraw own(below(1U << 16));
  if (style == 0 || style == 1) {
    std::fill(values.begin(), values.end(), static_cast<T>(style == 0 ? low : high));
  } else if (style == 2) {
    for (T& value : values) value = static_cast<T>(own.below(2) == 0 ? low : high);
  } else if (style == 3) {
    const int32_t usual = own.below(2) == 0 ? low : high;
    for (T& value : values) {
      value = static_cast<T>(own.below(32) == 0 ? own.integer(low, high) : usual);
    }
  } else if (style == 4) {
    const std::size_t period = 1 + below(8);
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = i < period ? static_cast<T>(integer(low, high)) : values[i - period];
    }
  } else {
    for (T& value : values) value = static_cast<T>(own.integer(low, high));
  }
  return values;
}

inline std::vector<float> Draw::reals(std::size_t count, float low, float high) {
  std::vector<float> values(count);
  SeededDraw own(below(1U << 16));
  for (float& value : values) value = own.real(low, high);
  return values;
}

}  // namespace octet::test
