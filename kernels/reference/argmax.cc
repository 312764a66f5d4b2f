// Index of the first largest value.
#include "kernels/reference/reference.h"

namespace octet::kernels {
namespace {

template <class T>
int32_t argmax(const T* input, std::size_t count, std::size_t stride) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < count; ++i) {
    if (input[i * stride] > input[best * stride]) best = i;
  }
  return static_cast<int32_t>(best);
}

}  // namespace

template <>
int32_t KernelSet<Reference>::argmax_u8(const uint8_t* input, std::size_t count,
                                        std::size_t stride) {
  return argmax(input, count, stride);
}

template <>
int32_t KernelSet<Reference>::argmax_float(const float* input, std::size_t count,
                                           std::size_t stride) {
  return argmax(input, count, stride);
}

}  // namespace octet::kernels
