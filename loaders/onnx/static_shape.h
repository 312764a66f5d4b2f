// Reads the attributes and inputs of ONNX's shape operators, for constants and for activations.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "loaders/onnx/constant.h"
#include "loaders/onnx/node.h"

namespace octet::loaders::onnx {

using Dims = std::vector<int64_t>;

/// Returns the result of Shape (with its start and end) or Size.
Constant shape_constant(const Node& node, const Dims& dims);

/// For Reshape: 0 keeps an extent (unless allowzero), and -1 takes the elements that are left.
Dims reshaped_dims(const Node& node, const Dims& from, const Dims& wanted);
/// For Flatten: two axes, split at its `axis`.
Dims flattened_dims(const Node& node, const Dims& from);
Dims unsqueezed_dims(const Node& node, const Dims& from, const Dims& axes);
/// For Squeeze: without `axes`, all axes of extent 1 are removed.
Dims squeezed_dims(const Node& node, const Dims& from, const Dims& axes);

/// For Transpose: `perm`, or without it all axes in reverse order.
AxisOrder permutation_of(const Node& node, std::size_t rank);

struct AxisSlice {
  int32_t axis = 0;
  int64_t start = 0;
  int64_t end = 0;
  int64_t stride = 1;
};

/// For Slice: reads the attributes, or the inputs after the first. Strides are not 0.
std::vector<AxisSlice> slices_of(const Node& node, std::span<const Constant* const> inputs,
                                 std::size_t rank);

/// For Split: returns the extents of the results along the axis, from the attribute or from
/// `given`. If neither is there, they are equal; the last may be smaller. Their sum is `extent`.
Dims splits_of(const Node& node, const Constant* given, int64_t extent);

/// How many values Pad adds before and after an axis. A negative number cuts values off.
struct AxisPadding {
  int64_t before = 0;
  int64_t after = 0;
};

/// For Pad: returns one entry for each axis, from the attributes or from the inputs. No axis is cut
/// by more than its extent.
std::vector<AxisPadding> pads_of(const Node& node, const Constant* pads, const Constant* axes,
                                 const Dims& from);

/// Returns 'constant', 'reflect', 'edge' or 'wrap'.
std::string pad_mode_of(const Node& node);

}  // namespace octet::loaders::onnx
