// Strided copies, made by random choices.
#pragma once

#include "tests/kernels/layer.h"

namespace octet::test {

/// A copy and the arrays that it needs.
struct StridedCopy {
  std::string describe() const;

  kernels::CopyParams params;
  int64_t source_size = 0;    ///< elements
  int64_t target_size = 0;    ///< elements
  int64_t source_offset = 0;  ///< The base pointers' positions, in elements.
  int64_t target_offset = 0;
};

/// Target strides give each element a place of its own; source strides may be 0 or negative.
StridedCopy draw_copy(Draw& draw);

/// Target elements that the copy does not write are 0xA5 bytes. `source` is the whole source array.
std::unique_ptr<Layer> copy_layer(const StridedCopy& copy, const std::vector<uint8_t>& source);

std::unique_ptr<Layer> draw_copy_layer(Draw& draw);

}  // namespace octet::test
