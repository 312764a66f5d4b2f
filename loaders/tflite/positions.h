// What operators that move say of their results' shapes and of the positions that they take: for
// activations and for constants.
#pragma once

#include <vector>

#include "engine/operator.h"
#include "loaders/tflite/node.h"

namespace octet::loaders::tflite {

/// Throws where an operator's options say another number of tensors than it has.
void check_count(const Node& node, int32_t said, std::size_t tensors);

/// RESHAPE: one extent may be -1, which is what the others leave of `elements`.
Shape reshape_shape(const Node& node, std::vector<int64_t> wanted, int64_t elements);

/// SQUEEZE: without the axes that it names, or without all of extent 1.
Shape squeezed_shape(const Node& node, const Shape& shape);

/// SLICE: a size of -1 is all that is left.
SliceAttributes slice_of(const Node& node, const Shape& shape, const std::vector<int64_t>& begin,
                         const std::vector<int64_t>& size);

/// STRIDED_SLICE: the slice, and the shape with new axes and without shrunk ones.
struct StridedPositions {
  SliceAttributes slice;
  Shape shape;
};
StridedPositions strided_positions(const Node& node, const Shape& shape,
                                   const std::vector<int64_t>& begin,
                                   const std::vector<int64_t>& end,
                                   const std::vector<int64_t>& step);

}  // namespace octet::loaders::tflite
