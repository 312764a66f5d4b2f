// Little-endian numbers from a file's bytes.
#pragma once

#include <cstdint>
#include <span>

namespace octet::image {

/// `size` bytes from `at` on, at most 4; bytes beyond the end are 0.
inline uint32_t little_endian(std::span<const uint8_t> bytes, std::size_t at, std::size_t size) {
  uint32_t value = 0;
  for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i) {
    value |= uint32_t{bytes[at + i]} << (8 * i);
  }
  return value;
}

}  // namespace octet::image
