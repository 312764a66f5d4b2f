// What the attributes and inputs of ONNX's shape operators say, for constants and for activations.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "loaders/onnx/constant.h"
#include "loaders/onnx/node.h"

namespace octet::loaders::onnx {

using Dims = std::vector<int64_t>;

/// The result of Shape (with its start and end) or Size.
Constant shape_constant(const Node& node, const Dims& dims);

/// Reshape: 0 keeps an extent (unless allowzero), -1 takes what is left.
Dims reshaped_dims(const Node& node, const Dims& from, const Dims& wanted);
/// Flatten: two axes, split at its `axis`.
Dims flattened_dims(const Node& node, const Dims& from);
Dims unsqueezed_dims(const Node& node, const Dims& from, const Dims& axes);
/// Without axes: all of extent 1.
Dims squeezed_dims(const Node& node, const Dims& from, const Dims& axes);

/// Transpose: `perm`, or all axes turned round.
AxisOrder permutation_of(const Node& node, std::size_t rank);

struct AxisSlice {
  int32_t axis = 0;
  int64_t start = 0;
  int64_t end = 0;
  int64_t step = 1;
};

/// Slice, by attributes or by its inputs after the first. Steps are not 0.
std::vector<AxisSlice> slices_of(const Node& node, std::span<const Constant* const> inputs,
                                 std::size_t rank);

/// Split: the extents of its results along the axis, by attribute or by `given`; equal ones, the
/// last perhaps smaller, where neither says. Their sum is `extent`.
Dims splits_of(const Node& node, const Constant* given, int64_t extent);

/// What Pad adds before and after an axis; what it cuts off, where negative.
struct AxisPadding {
  int64_t before = 0;
  int64_t after = 0;
};

/// Pad, one entry an axis, by attribute or by its inputs. No axis is cut by more than it has.
std::vector<AxisPadding> pads_of(const Node& node, const Constant* pads, const Constant* axes,
                                 const Dims& from);

/// 'constant', 'reflect', 'edge' or 'wrap'.
std::string pad_mode_of(const Node& node);

}  // namespace octet::loaders::onnx
