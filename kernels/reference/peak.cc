// The most that the reference's own inner loop can do: a dot product of s16 values in the nearest
// cache.
#include "kernels/reference/reference.h"

namespace octet::kernels::reference {

std::size_t peak(std::size_t rounds) {
  constexpr std::size_t length = 4096;
  int16_t x[length];
  int16_t w[length];
  for (std::size_t i = 0; i < length; ++i) {
    x[i] = static_cast<int16_t>(i % 256);
    w[i] = static_cast<int16_t>(i % 127);
  }
  volatile int32_t result = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    int32_t sum = result;
    for (std::size_t i = 0; i < length; ++i) sum += x[i] * w[i];
    result = sum % 2;
  }
  return rounds * length;
}

}  // namespace octet::kernels::reference
