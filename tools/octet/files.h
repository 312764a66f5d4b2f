// Writes outputs as files, and computes their checksum.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "octet/octet.hpp"
#include "tools/write_file.h"

namespace octet::tool {

/// A NumPy .npy file (format 1.0) of a tensor: float32, int32 or uint8, C order.
Expected<void> write_npy(const std::string& path, const TensorView& tensor,
                         const WriteRules& rules = {});

/// CRC-32 (ISO 3309, as zlib's) of the bytes.
uint32_t crc32(std::span<const std::byte> bytes);

}  // namespace octet::tool
