// The checksum of a model file. It tells whether the file is still as it was written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace octet {

/// The 64-bit FNV-1a hash of `file`. The eight bytes from offset `field` on count as zeros, because
/// the checksum itself is stored there. Never 0.
uint64_t checksum_of(std::span<const std::byte> file, std::size_t field);

}  // namespace octet
