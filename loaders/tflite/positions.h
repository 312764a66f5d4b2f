// The shapes of results, and the positions that are taken, for operators that move values. They
// apply to activations and to constants.
#pragma once

#include <vector>

#include "engine/operator.h"
#include "loaders/tflite/node.h"

namespace octet::loaders::tflite {

/// Throws if the options name another number of tensors than the operator has.
void check_count(const Node& node, int32_t said, std::size_t tensors);

/// For RESHAPE: one extent may be -1, which takes what the others leave of `elements`.
Shape reshape_shape(const Node& node, std::vector<int64_t> wanted, int64_t elements);

/// For SQUEEZE: removes the axes that the operator names, or all of extent 1.
Shape squeezed_shape(const Node& node, const Shape& shape);

/// For SLICE: a size of -1 takes all that is left.
SliceAttributes slice_of(const Node& node, const Shape& shape, const std::vector<int64_t>& begin,
                         const std::vector<int64_t>& size);

/// For STRIDED_SLICE: the slice, and the shape of the result, with new axes and without shrunk
/// ones.
struct StridedPositions {
  SliceAttributes slice;
  Shape shape;
};
StridedPositions strided_positions(const Node& node, const Shape& shape,
                                   const std::vector<int64_t>& begin,
                                   const std::vector<int64_t>& end,
                                   const std::vector<int64_t>& stride);

}  // namespace octet::loaders::tflite
