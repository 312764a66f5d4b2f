// A strided copy of a box of elements.
#include <cstring>

#include "kernels/reference/reference.h"

namespace octet::kernels::reference {
namespace {

/// Copies positions [begin, end) of `axis` and everything of the axes within it.
template <std::size_t element_size>
void copy_axis(const CopyParams& params, int32_t axis, int64_t begin, int64_t end,
               const std::byte* source, std::byte* target) {
  constexpr auto size = static_cast<int64_t>(element_size);
  const int64_t source_stride = params.source_stride[axis] * size;
  const int64_t target_stride = params.target_stride[axis] * size;
  if (axis + 1 < params.rank) {
    for (int64_t i = begin; i < end; ++i) {
      copy_axis<element_size>(params, axis + 1, 0, params.extent[axis + 1],
                              source + i * source_stride, target + i * target_stride);
    }
  } else if (source_stride == size && target_stride == size) {
    std::memcpy(target + begin * size, source + begin * size,
                static_cast<std::size_t>((end - begin) * size));
  } else {
    for (int64_t i = begin; i < end; ++i) {
      std::memcpy(target + i * target_stride, source + i * source_stride, element_size);
    }
  }
}

}  // namespace

void copy(const CopyParams& params, const void* source, void* target, Range items) {
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

}  // namespace octet::kernels::reference
