// Random test data: the same on every run, another with Catch2's --rng-seed.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace octet::test {

class Random {
 public:
  /// `salt` tells the tests of one run apart.
  explicit Random(uint32_t salt) : seed(Catch::rngSeed() + salt), engine_(seed) {}

  /// -> from low to high, both included
  int32_t integer(int32_t low, int32_t high) {
    return std::uniform_int_distribution<int32_t>(low, high)(engine_);
  }
  float real(float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(engine_);
  }
  bool chance(double probability = 0.5) {
    return std::bernoulli_distribution(probability)(engine_);
  }
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return choices.begin()[integer(0, static_cast<int32_t>(choices.size()) - 1)];
  }

  /// Integers that are random, or nothing but the two extremes, or one extreme everywhere.
  template <class T>
  std::vector<T> integers(std::size_t count, int32_t low, int32_t high) {
    std::vector<T> values(count);
    const int32_t style = integer(0, 5);
    for (T& value : values) {
      int32_t v = integer(low, high);
      if (style == 0) v = chance() ? low : high;
      if (style == 1) v = high;
      if (style == 2) v = low;
      value = static_cast<T>(v);
    }
    return values;
  }
  std::vector<uint8_t> bytes(std::size_t count) { return integers<uint8_t>(count, 0, 255); }

  std::vector<float> reals(std::size_t count, float low, float high) {
    std::vector<float> values(count);
    for (float& value : values) value = real(low, high);
    return values;
  }

  const uint32_t seed;

 private:
  std::mt19937 engine_;
};

/// Memory aligned as kernels want their packed weights and scratch; holds arbitrary bytes at first.
/// It ends, up to the alignment, at a page that nobody may touch: who reads or writes beyond it
/// crashes.
class AlignedBuffer {
 public:
  explicit AlignedBuffer(std::size_t size) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t whole = (size + 63) / 64 * 64;
    const std::size_t pages = (whole + page - 1) / page * page;
    mapped_ = pages + page;
    void* memory =
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    begin_ = static_cast<std::byte*>(memory);
    REQUIRE(mprotect(begin_ + pages, page, PROT_NONE) == 0);
    data_ = begin_ + pages - whole;
    std::memset(data_, 0xA5, whole);
  }
  ~AlignedBuffer() { munmap(begin_, mapped_); }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;

  std::byte* data() { return data_; }

 private:
  std::byte* begin_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t mapped_ = 0;
};

}  // namespace octet::test
