// A strided copy of a box of elements.
#include <cstring>

#include "kernels/reference/reference.h"

namespace octet::kernels {
namespace {

/// Copies `count` elements of the last axis.
template <std::size_t element_size>
inline void copy_row(const std::byte* source, int64_t source_stride, std::byte* target,
                     int64_t target_stride, int64_t count) {
  constexpr auto size = static_cast<int64_t>(element_size);
  constexpr int64_t worth_a_call = 16;  // shorter rows, such as three channels, are done sooner
  if (source_stride == size && target_stride == size && count * size >= worth_a_call) {
    std::memcpy(target, source, static_cast<std::size_t>(count * size));
    return;
  }
  for (; count > 0; --count, source += source_stride, target += target_stride) {
    std::memcpy(target, source, element_size);
  }
}

template <std::size_t bytes>
void copy_short_rows(const std::byte* source, int64_t source_stride, std::byte* target,
                     int64_t target_stride, int64_t count) {
  for (; count > 0; --count, source += source_stride, target += target_stride)
    std::memcpy(target, source, bytes);
}

/// Copies `count` rows of `bytes` bytes if that is a size for one or two moves, such as the corners
/// of boxes. Returns false for other sizes.
bool copy_short_rows(int64_t bytes, const std::byte* source, int64_t source_stride,
                     std::byte* target, int64_t target_stride, int64_t count) {
  switch (bytes) {
    case 2:
      copy_short_rows<2>(source, source_stride, target, target_stride, count);
      return true;
    case 4:
      copy_short_rows<4>(source, source_stride, target, target_stride, count);
      return true;
    case 8:
      copy_short_rows<8>(source, source_stride, target, target_stride, count);
      return true;
    case 16:
      copy_short_rows<16>(source, source_stride, target, target_stride, count);
      return true;
    default:
      return false;
  }
}

/// Copies positions [begin, end) of `axis` and everything of the axes within it.
template <std::size_t element_size>
void copy_axis(const CopyParams& params, int32_t axis, int64_t begin, int64_t end,
               const std::byte* source, std::byte* target) {
  constexpr auto size = static_cast<int64_t>(element_size);
  const int32_t last = params.rank - 1;
  const int64_t row_source = params.source_stride[last] * size;
  const int64_t row_target = params.target_stride[last] * size;
  const int64_t source_stride = params.source_stride[axis] * size;
  const int64_t target_stride = params.target_stride[axis] * size;
  source += begin * source_stride;
  target += begin * target_stride;
  if (axis == last) {
    return copy_row<element_size>(source, row_source, target, row_target, end - begin);
  }
  const int64_t within = params.extent[axis + 1];
  const bool rows_are_whole = axis + 1 == last && row_source == size && row_target == size;
  if (rows_are_whole &&
      copy_short_rows(within * size, source, source_stride, target, target_stride, end - begin))
    return;
  for (int64_t i = begin; i < end; ++i, source += source_stride, target += target_stride) {
    if (axis + 1 == last) {
      copy_row<element_size>(source, row_source, target, row_target, within);
    } else {
      copy_axis<element_size>(params, axis + 1, 0, within, source, target);
    }
  }
}

}  // namespace

template <>
void KernelSet<Reference>::copy(const CopyParams& params, const void* source, void* target,
                                Range items) {
  if (items.begin >= items.end) return;
  const auto begin = static_cast<int64_t>(items.begin);
  const auto end = static_cast<int64_t>(items.end);
  const auto* from = static_cast<const std::byte*>(source);
  auto* to = static_cast<std::byte*>(target);
  if (params.element_size == 1) {
    copy_axis<1>(params, 0, begin, end, from, to);
  } else {
    copy_axis<4>(params, 0, begin, end, from, to);
  }
}

}  // namespace octet::kernels
