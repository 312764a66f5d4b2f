// Damage that happens to files: flipped bits, changed and lost bytes, blocks in the wrong place.
#pragma once

#include <string>

#include "tests/kernels/random.h"

namespace octet::test {

inline std::string corrupted(std::string bytes, Random& random) {
  const auto position = [&] {
    return static_cast<std::size_t>(random.integer(0, static_cast<int32_t>(bytes.size()) - 1));
  };
  const int32_t kind = random.integer(0, 7);
  const int32_t times = random.integer(1, 4);
  if (kind == 0) bytes.resize(position());
  for (int32_t i = 0; i < times && !bytes.empty(); ++i) {
    const std::size_t at = position();
    const std::size_t length =
        std::min<std::size_t>(bytes.size() - at, static_cast<std::size_t>(random.integer(1, 64)));
    if (kind == 1 || kind == 2)
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.integer(0, 7)));
    if (kind == 3) bytes[at] = static_cast<char>(random.integer(0, 255));
    if (kind == 4) bytes.insert(at, length, static_cast<char>(random.integer(0, 255)));
    if (kind == 5) bytes.erase(at, length);
    if (kind == 6) {
      const std::size_t other = position();
      for (std::size_t k = 0; k < length && other + k < bytes.size(); ++k)
        std::swap(bytes[at + k], bytes[other + k]);
    }
    if (kind == 7) {
      // Numbers that overflow when something is added to them or they are multiplied.
      const auto value = random.pick<uint32_t>(
          {0U, 1U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU, 0x7F800000U, 0x10000U});
      const std::size_t aligned = at / 4 * 4;
      for (std::size_t k = 0; k < 4 && aligned + k < bytes.size(); ++k) {
        bytes[aligned + k] = static_cast<char>(value >> (8 * k));
      }
    }
  }
  return bytes;
}

}  // namespace octet::test
