// The padding of one axis that TensorFlow calls SAME.
#pragma once

#include <algorithm>
#include <cstdint>

namespace octet::loaders {

struct Padding {
  int32_t before = 0;
  int32_t after = 0;
};

/// Gives ceil(size / stride) windows. An odd rest goes to the end with `upper` (TensorFlow's rule),
/// otherwise to the beginning.
inline Padding same_padding(int32_t size, int32_t kernel, int32_t stride, int32_t dilation,
                            bool upper) {
  const int64_t windows = (int64_t{size} + stride - 1) / stride;
  const int64_t covered = (windows - 1) * stride + int64_t{dilation} * (kernel - 1) + 1;
  const auto total = static_cast<int32_t>(std::clamp<int64_t>(covered - size, 0, 1 << 20));
  const int32_t less = total / 2;
  return upper ? Padding{less, total - less} : Padding{total - less, less};
}

}  // namespace octet::loaders
