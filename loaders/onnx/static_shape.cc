#include "loaders/onnx/static_shape.h"

#include <algorithm>

namespace octet::loaders::onnx {

Constant shape_constant(const Node& node, const Dims& dims) {
  if (node.op() == "Size") {
    Constant size = make_integers({count_elements(dims, node.where() + "its input ")});
    size.dims.clear();
    return size;
  }
  const auto rank = static_cast<int64_t>(dims.size());
  const auto position = [rank](int64_t given) {
    return std::clamp<int64_t>(given < 0 ? given + rank : given, 0, rank);
  };
  const int64_t start = position(node.integer("start", 0));
  const int64_t end = std::max(start, position(node.integer("end", rank)));
  return make_integers({dims.begin() + start, dims.begin() + end});
}

Dims reshaped_dims(const Node& node, const Dims& from, const Dims& wanted) {
  const int64_t count = count_elements(from, node.where() + "its input ");
  Dims out = wanted;
  std::ptrdiff_t rest = -1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0 && node.integer("allowzero", 0) == 0) {
      if (i >= from.size()) node.fail("keeps the extent of an axis that its input does not have");
      out[i] = from[i];
    }
    if (out[i] == -1) {
      if (rest >= 0) node.fail("leaves two extents open");
      rest = static_cast<std::ptrdiff_t>(i);
      out[i] = 1;
    }
  }
  const int64_t known = count_elements(out, node.where() + "its result ");
  if (rest >= 0 && known > 0) out[static_cast<std::size_t>(rest)] = count / known;
  if (count_elements(out, node.where() + "its result ") != count) {
    node.fail("reshapes " + std::to_string(count) + " values to a shape of another size");
  }
  return out;
}

Dims flattened_dims(const Node& node, const Dims& from) {
  const auto rank = static_cast<int64_t>(from.size());
  int64_t axis = node.integer("axis", 1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) node.fail("flattens at an axis that does not exist");
  int64_t before = 1;
  int64_t after = 1;
  for (int64_t i = 0; i < rank; ++i)
    (i < axis ? before : after) *= from[static_cast<std::size_t>(i)];
  return {before, after};
}

Dims unsqueezed_dims(const Node& node, const Dims& from, const Dims& axes) {
  const std::size_t rank = from.size() + axes.size();
  std::vector<bool> added(rank, false);
  for (const int64_t given : axes) {
    const auto axis = static_cast<std::size_t>(node.axis(given, rank));
    if (added[axis]) node.fail("adds an axis twice");
    added[axis] = true;
  }
  Dims out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rank; ++i) out.push_back(added[i] ? 1 : from[next++]);
  return out;
}

Dims squeezed_dims(const Node& node, const Dims& from, const Dims& axes) {
  std::vector<bool> gone(from.size(), false);
  for (const int64_t given : axes) {
    const auto axis = static_cast<std::size_t>(node.axis(given, from.size()));
    if (from[axis] != 1)
      node.fail("removes an axis of " + std::to_string(from[axis]) + " positions");
    gone[axis] = true;
  }
  Dims out;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const bool goes = axes.empty() ? from[i] == 1 : gone[i];
    if (!goes) out.push_back(from[i]);
  }
  return out;
}

AxisOrder permutation_of(const Node& node, std::size_t rank) {
  AxisOrder order = identity_order(rank);
  if (!node.has("perm")) {
    std::ranges::reverse(order);
    return order;
  }
  order.clear();
  for (const int64_t axis : node.integers("perm")) order.push_back(node.axis(axis, rank));
  AxisOrder sorted = order;
  std::ranges::sort(sorted);
  if (sorted != identity_order(rank)) node.fail("'perm' is no order of its axes");
  return order;
}

std::vector<AxisSlice> slices_of(const Node& node, std::span<const Constant* const> inputs,
                                 std::size_t rank) {
  const auto given = [&](std::size_t index, const char* attribute) -> Dims {
    if (inputs.empty()) return node.integers(attribute);
    if (index >= inputs.size() || inputs[index] == nullptr) return {};
    if (inputs[index]->is_float()) node.fail("has positions that are no integers");
    return inputs[index]->integers;
  };
  const Dims starts = given(0, "starts");
  const Dims ends = given(1, "ends");
  const Dims axes = given(2, "axes");
  const Dims strides = given(3, "steps");
  if (starts.size() != ends.size() || (!axes.empty() && axes.size() != starts.size()) ||
      (!strides.empty() && strides.size() != starts.size())) {
    node.fail("has starts, ends, axes and steps of different lengths");
  }
  std::vector<AxisSlice> out;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const int64_t axis = axes.empty() ? static_cast<int64_t>(i) : axes[i];
    out.push_back({.axis = node.axis(axis, rank),
                   .start = starts[i],
                   .end = ends[i],
                   .stride = strides.empty() ? 1 : strides[i]});
    if (out.back().stride == 0) node.fail("has a step of 0");
  }
  return out;
}

Dims splits_of(const Node& node, const Constant* given, int64_t extent) {
  const auto outputs = static_cast<int64_t>(node.output_count());
  Dims sizes = given != nullptr ? given->integers : node.integers("split");
  if (sizes.empty()) {
    const int64_t each = (extent + outputs - 1) / std::max<int64_t>(outputs, 1);
    for (int64_t i = 0; i < outputs; ++i)
      sizes.push_back(std::min(each, extent - std::min(extent, i * each)));
  }
  if (static_cast<int64_t>(sizes.size()) != outputs)
    node.fail("has sizes for another number of outputs");
  int64_t left = extent;
  for (const int64_t size : sizes) {
    if (size < 0 || size > left) node.fail("splits more than there is");
    left -= size;
  }
  if (left != 0) node.fail("splits less than there is");
  return sizes;
}

std::vector<AxisPadding> pads_of(const Node& node, const Constant* pads, const Constant* axes,
                                 const Dims& from) {
  const Dims given =
      pads != nullptr ? pads->integers : node.integers(node.has("pads") ? "pads" : "paddings");
  Dims at;
  if (axes != nullptr) {
    at = axes->integers;
  } else {
    for (std::size_t i = 0; i < from.size(); ++i) at.push_back(static_cast<int64_t>(i));
  }
  if (given.size() != 2 * at.size()) node.fail("has pads of another rank than its operand");
  std::vector<AxisPadding> padding(from.size());
  for (std::size_t i = 0; i < at.size(); ++i) {
    const auto axis = static_cast<std::size_t>(node.axis(at[i], from.size()));
    const AxisPadding p = {given[i], given[at.size() + i]};
    if (std::max(p.before, p.after) > 1 << 15 || std::min(p.before, p.after) < -from[axis])
      node.fail("has pads out of range");
    padding[axis] = p;
  }
  return padding;
}

std::string pad_mode_of(const Node& node) {
  std::string mode = node.text("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    node.missing("with the mode '" + mode + "'");
  return mode;
}

}  // namespace octet::loaders::onnx
