#include "tests/kernels/copy_layer.h"

#include <cstdlib>
#include <sstream>

#include "tests/kernels/guarded_buffer.h"

namespace octet::test {

using kernels::CopyParams;
using kernels::KernelTable;
using kernels::Range;

std::string StridedCopy::describe() const {
  std::ostringstream text;
  text << "copy of elements of " << params.element_size << " bytes;";
  for (int32_t i = 0; i < params.rank; ++i) {
    text << " " << params.extent[i] << " (from " << params.source_stride[i] << ", to "
         << params.target_stride[i] << ")";
  }
  return text.str();
}

StridedCopy draw_copy(Draw& draw) {
  StridedCopy c;
  CopyParams& p = c.params;
  p.rank = draw.integer(1, kernels::max_rank);
  p.element_size = draw.chance() ? 1 : 4;
  int64_t source_stride = draw.pick({1, 1, 3});
  int64_t target_stride = draw.pick({1, 1, 2});
  for (int32_t axis = p.rank; axis-- > 0;) {
    p.extent[axis] = p.rank < 3 ? draw.integer(1, 90) : draw.integer(1, 5);
    p.target_stride[axis] = target_stride;
    target_stride *= p.extent[axis];
    target_stride += draw.pick({0, 0, 1});
    p.source_stride[axis] =
        draw.pick({source_stride, source_stride, source_stride, -source_stride, int64_t{0}});
    source_stride *= p.extent[axis];
    source_stride += draw.pick({0, 0, 2});
    if (draw.chance(0.1)) {  // a reversed target is legal, like a reversed source
      p.target_stride[axis] = -p.target_stride[axis];
    }
  }
  int64_t last_source = 0;
  int64_t last_target = 0;
  for (int32_t axis = 0; axis < p.rank; ++axis) {
    const int64_t source_reach = p.source_stride[axis] * (p.extent[axis] - 1);
    const int64_t target_reach = p.target_stride[axis] * (p.extent[axis] - 1);
    if (source_reach < 0) c.source_offset -= source_reach;
    if (target_reach < 0) c.target_offset -= target_reach;
    last_source += std::abs(source_reach);
    last_target += std::abs(target_reach);
  }
  c.source_size = last_source + 1;
  c.target_size = last_target + 1;
  return c;
}

std::unique_ptr<Layer> copy_layer(const StridedCopy& copy, const std::vector<uint8_t>& source) {
  const auto from = std::make_shared<GuardedBuffer>(std::span<const uint8_t>(source));
  const auto size = static_cast<int64_t>(copy.params.element_size);
  return std::make_unique<CallLayer>(
      CallLayer::Parts{.description = copy.describe(),
                       .items = static_cast<std::size_t>(copy.params.extent[0]),
                       .output_bytes = static_cast<std::size_t>(copy.target_size * size),
                       .output_alignment = copy.params.element_size,
                       .call = [=](const KernelTable& table, Range items, std::byte* output) {
                         table.copy(copy.params, from->data() + copy.source_offset * size,
                                    output + copy.target_offset * size, items);
                       }});
}

std::unique_ptr<Layer> draw_copy_layer(Draw& draw) {
  const StridedCopy copy = draw_copy(draw);
  return copy_layer(
      copy, draw.bytes(static_cast<std::size_t>(copy.source_size) * copy.params.element_size));
}

}  // namespace octet::test
