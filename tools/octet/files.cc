#include "tools/octet/files.h"

#include <array>

namespace octet::tool {

Expected<void> write_npy(const std::string& path, const TensorView& tensor,
                         const WriteRules& rules) {
  const char* type = tensor.info->type == Type::f32   ? "<f4"
                     : tensor.info->type == Type::s32 ? "<i4"
                                                      : "|u1";
  std::string shape;
  for (const int32_t extent : tensor.info->shape) shape += std::to_string(extent) + ", ";
  std::string header =
      std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  // Magic, version, a two-byte length; the header ends in a newline at a multiple of 64.
  constexpr std::size_t prefix = 10;
  header.append((64 - (prefix + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(static_cast<const char*>(tensor.data), tensor.size);
  return write_file(path, std::as_bytes(std::span(bytes)), rules);
}

uint32_t crc32(std::span<const std::byte> bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> t;
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
      t[i] = c;
    }
    return t;
  }();
  uint32_t crc = 0xFFFFFFFFU;
  for (const std::byte b : bytes) crc = table[(crc ^ static_cast<uint8_t>(b)) & 0xFF] ^ (crc >> 8);
  return crc ^ 0xFFFFFFFFU;
}

}  // namespace octet::tool
