// Positions in dense tensors: from the index of a value to its position, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/operator.h"

namespace octet::test {

using Index = std::vector<int32_t>;

/// Returns the position of the value with this index, in a dense tensor of this shape, last axis
/// fastest.
inline std::size_t ravel(const Shape& shape, const Index& index) {
  std::size_t position = 0;
  for (std::size_t i = 0; i < shape.size(); ++i)
    position = position * static_cast<std::size_t>(shape[i]) + static_cast<std::size_t>(index[i]);
  return position;
}

/// Returns the index of the value at `position`.
inline Index unravel(const Shape& shape, std::size_t position) {
  Index index(shape.size());
  for (std::size_t i = shape.size(); i-- > 0;) {
    index[i] = static_cast<int32_t>(position % static_cast<std::size_t>(shape[i]));
    position /= static_cast<std::size_t>(shape[i]);
  }
  return index;
}

}  // namespace octet::test
