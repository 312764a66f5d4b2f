// A slice of one axis, by the rule that NumPy, ONNX and TensorFlow share.
#pragma once

#include <algorithm>
#include <cstdint>

namespace octet::loaders {

/// The positions begin, begin + stride, ...: `count` of them. `count` is 0 if the slice is empty.
struct SliceRange {
  int64_t begin = 0;
  int64_t stride = 1;
  int64_t count = 0;
};

/// Negative positions count from the end, and positions outside are clipped. `stride` is not 0.
inline SliceRange slice_range(int64_t start, int64_t end, int64_t stride, int64_t extent) {
  if (extent == 0) return {};
  const auto position = [extent](int64_t given, int64_t least, int64_t most) {
    if (given < 0) given += extent;  // cannot overflow: the signs differ
    return std::clamp(given, least, most);
  };
  // A stride beyond the extent takes only the first position. It is cut so that nothing overflows.
  stride = std::clamp(stride, -extent - 1, extent + 1);
  if (stride > 0) {
    const int64_t from = position(start, 0, extent);
    const int64_t to = position(end, 0, extent);
    return {.begin = from, .stride = stride, .count = to > from ? (to - from - 1) / stride + 1 : 0};
  }
  const int64_t from = position(start, 0, extent - 1);
  const int64_t to = position(end, -1, extent - 1);
  return {.begin = from, .stride = stride, .count = from > to ? (from - to - 1) / -stride + 1 : 0};
}

}  // namespace octet::loaders
