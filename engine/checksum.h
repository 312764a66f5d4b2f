// Tells whether a model file is still as it was written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace octet {

/// FNV-1a of 64 bits over all of `file`, with zeros for the eight bytes from `field` on, where the
/// checksum itself is stored. Never 0.
uint64_t checksum_of(std::span<const std::byte> file, std::size_t field);

}  // namespace octet
