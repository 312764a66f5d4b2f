#include "engine/checksum.h"

namespace octet {

uint64_t checksum_of(std::span<const std::byte> file, std::size_t field) {
  uint64_t sum = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < file.size(); ++i) {
    const bool own = i - field < sizeof(uint64_t);
    sum = (sum ^ (own ? 0 : static_cast<uint64_t>(file[i]))) * 0x100000001b3;
  }
  return sum != 0 ? sum : 1;
}

}  // namespace octet
