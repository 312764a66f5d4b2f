#include "engine/operator_shapes.h"

#include <algorithm>
#include <vector>

namespace octet {
namespace {

// Extents, strides and paddings beyond this mean a damaged file, and would overflow sums of
// products.
constexpr int32_t max_window_value = 1 << 15;

bool valid_window(const Window& w) {
  const auto positive = [](int32_t v) { return v >= 1 && v <= max_window_value; };
  const auto padding = [](int32_t v) { return v >= 0 && v <= max_window_value; };
  return positive(w.kernel_h) && positive(w.kernel_w) && positive(w.stride_h) &&
         positive(w.stride_w) && positive(w.dilation_h) && positive(w.dilation_w) &&
         padding(w.pad_top) && padding(w.pad_left) && padding(w.pad_bottom) && padding(w.pad_right);
}

// The number of window positions along one axis; 0 if the window does not fit.
int32_t window_positions(int32_t size, int32_t kernel, int32_t stride, int32_t dilation,
                         int32_t before, int32_t after, bool ceil_mode) {
  const int64_t extent = int64_t{dilation} * (kernel - 1) + 1;
  const int64_t room = int64_t{size} + before + after - extent;
  if (room < 0) return 0;
  int64_t positions = room / stride + 1;
  // A window that would start in the padding after the image is dropped, as in every framework.
  if (ceil_mode && room % stride != 0 && positions * stride < int64_t{size} + before) ++positions;
  return static_cast<int32_t>(positions);
}

Expected<Shape> window_shape(const Window& w, const Shape& x, int32_t channels, bool ceil_mode) {
  if (x.size() != 4) return fail("takes a tensor of rank 4, not " + shape_text(x));
  if (!valid_window(w)) return fail("has a kernel, stride, dilation or padding out of range");
  const int32_t h = window_positions(x[1], w.kernel_h, w.stride_h, w.dilation_h, w.pad_top,
                                     w.pad_bottom, ceil_mode);
  const int32_t width = window_positions(x[2], w.kernel_w, w.stride_w, w.dilation_w, w.pad_left,
                                         w.pad_right, ceil_mode);
  if (h <= 0 || width <= 0)
    return fail("has a window larger than its padded input " + shape_text(x));
  return Shape{x[0], h, width, channels};
}

Expected<Shape> broadcast_shape(const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int32_t ea = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int32_t eb = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (ea != eb && ea != 1 && eb != 1) {
      return fail("cannot broadcast " + shape_text(a) + " with " + shape_text(b));
    }
    out[out.size() - 1 - i] = std::max(ea, eb);
  }
  return out;
}

Expected<Shape> conv_shape(const ConvAttributes& a, std::span<const Shape> inputs) {
  const Shape& x = inputs[0];
  const Shape& weight = inputs[1];
  if (weight.size() != 4) return fail("takes weights of rank 4, not " + shape_text(weight));
  if (x.size() != 4) return fail("takes a tensor of rank 4, not " + shape_text(x));
  if (a.window.kernel_h != weight[1] || a.window.kernel_w != weight[2]) {
    return fail("has weights " + shape_text(weight) + " that do not match its kernel size");
  }
  if (a.groups < 1 || x[3] % a.groups != 0 || weight[0] % a.groups != 0) {
    return fail("has " + std::to_string(a.groups) + " groups, which do not divide its channels");
  }
  if (weight[3] != x[3] / a.groups) {
    return fail("has weights " + shape_text(weight) + " for input " + shape_text(x) + " in " +
                std::to_string(a.groups) + " groups");
  }
  return window_shape(a.window, x, weight[0], false);
}

Expected<Shape> linear_shape(std::span<const Shape> inputs) {
  const Shape& x = inputs[0];
  const Shape& weight = inputs[1];
  if (weight.size() != 2 || x.empty())
    return fail("takes weights of rank 2, not " + shape_text(weight));
  if (x.back() != weight[1]) {
    return fail("has weights " + shape_text(weight) + " for input " + shape_text(x));
  }
  Shape out = x;
  out.back() = weight[0];
  return out;
}

// Checks that the bias and the residual of a layer fit the shape `out` of its result.
Expected<Shape> layer_shape(const ConvAttributes& a, Expected<Shape> out,
                            std::span<const Shape> inputs) {
  if (!out) return out;
  if (a.has_bias && inputs[2] != Shape{out->back()}) {
    return fail("has a bias " + shape_text(inputs[2]) + " for " + std::to_string(out->back()) +
                " outputs");
  }
  if (a.has_residual && inputs.back() != *out) {
    return fail("adds a residual " + shape_text(inputs.back()) + " to an output " +
                shape_text(*out));
  }
  return out;
}

Expected<Shape> concat_shape(const AxisAttributes& a, std::span<const Shape> inputs) {
  Shape out = inputs[0];
  const auto axis = static_cast<std::size_t>(a.axis);
  int64_t total = 0;
  for (const Shape& shape : inputs) {
    if (shape.size() != out.size() || axis >= out.size())
      return fail("joins tensors of different ranks");
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i != axis && shape[i] != out[i]) {
        return fail("joins " + shape_text(out) + " with " + shape_text(shape) + " along axis " +
                    std::to_string(axis));
      }
    }
    total += shape[axis];
  }
  if (total > max_elements) return fail("makes a tensor that is too large");
  out[axis] = static_cast<int32_t>(total);
  return out;
}

Expected<Shape> slice_shape(const SliceAttributes& a, const Shape& x) {
  if (a.begin.size() != x.size() || a.stride.size() != x.size() || a.count.size() != x.size()) {
    return fail("has a slice of another rank than its input " + shape_text(x));
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int64_t last = int64_t{a.begin[i]} + int64_t{a.stride[i]} * (int64_t{a.count[i]} - 1);
    if (a.count[i] < 1 || a.stride[i] == 0 || a.begin[i] < 0 || a.begin[i] >= x[i] || last < 0 ||
        last >= x[i]) {
      return fail("slices axis " + std::to_string(i) + " of " + shape_text(x) +
                  " outside its extent");
    }
  }
  return Shape(a.count.begin(), a.count.end());
}

Expected<Shape> pad_shape(const PadAttributes& a, const Shape& x) {
  if (a.before.size() != x.size() || a.after.size() != x.size()) {
    return fail("has padding of another rank than its input " + shape_text(x));
  }
  Shape out = x;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (a.before[i] < 0 || a.after[i] < 0 || a.before[i] > max_window_value ||
        a.after[i] > max_window_value) {
      return fail("has negative or huge padding");
    }
    out[i] = x[i] + a.before[i] + a.after[i];
  }
  return out;
}

Expected<Shape> transpose_shape(const TransposeAttributes& a, const Shape& x) {
  Shape out(x.size());
  std::vector<bool> seen(x.size(), false);
  if (a.permutation.size() != x.size())
    return fail("permutes another number of axes than " + shape_text(x));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto from = static_cast<std::size_t>(a.permutation[i]);
    if (from >= x.size() || seen[from]) return fail("has an order of axes that is no permutation");
    seen[from] = true;
    out[i] = x[from];
  }
  return out;
}

Expected<Shape> reduce_shape(std::span<const int32_t> axes, bool keepdims, const Shape& x) {
  std::vector<bool> reduced(x.size(), false);
  for (const int32_t axis : axes) {
    if (axis < 0 || static_cast<std::size_t>(axis) >= x.size() ||
        reduced[static_cast<std::size_t>(axis)]) {
      return fail("reduces an axis that " + shape_text(x) + " does not have, or one twice");
    }
    reduced[static_cast<std::size_t>(axis)] = true;
  }
  Shape out;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!reduced[i]) out.push_back(x[i]);
    if (reduced[i] && keepdims) out.push_back(1);
  }
  return out;
}

Expected<Shape> per_channel_shape(std::span<const Shape> inputs, bool one_value_allowed) {
  const Shape& x = inputs[0];
  for (const Shape& parameter : inputs.subspan(1)) {
    const bool one = one_value_allowed && element_count(parameter) == 1;
    if (x.empty() || parameter.size() != 1 || (parameter[0] != x.back() && !one)) {
      return fail("has parameters " + shape_text(parameter) + " for input " + shape_text(x));
    }
  }
  return x;
}

Expected<Shape> gather_shape(const Shape& data, const Shape& indices) {
  const std::size_t depth = indices.empty() ? 0 : static_cast<std::size_t>(indices.back());
  if (depth == 0 || depth > data.size())
    return fail("takes places " + shape_text(indices) + " of " + shape_text(data) +
                ", whose axes they do not fit");
  Shape out = indices;
  out.pop_back();
  for (std::size_t axis = depth; axis < data.size(); ++axis) out.push_back(data[axis]);
  return out;
}

Expected<Shape> pool_shape(const PoolAttributes& a, const Shape& x) {
  if (x.size() != 4) return fail("takes a tensor of rank 4, not " + shape_text(x));
  // A window with nothing but padding would have no maximum and no average.
  const auto too_wide = [](int32_t pad, int32_t kernel, int32_t dilation) {
    return int64_t{pad} > (int64_t{kernel} - 1) * dilation;
  };
  const Window& w = a.window;
  if (too_wide(w.pad_top, w.kernel_h, w.dilation_h) ||
      too_wide(w.pad_bottom, w.kernel_h, w.dilation_h) ||
      too_wide(w.pad_left, w.kernel_w, w.dilation_w) ||
      too_wide(w.pad_right, w.kernel_w, w.dilation_w)) {
    return fail("has padding as large as its kernel");
  }
  return window_shape(a.window, x, x[3], a.ceil_mode);
}

Expected<Shape> shape_along(int32_t axis, const Shape& x) {
  if (axis < 0 || static_cast<std::size_t>(axis) >= x.size())
    return fail("has no axis " + std::to_string(axis));
  return x;
}

Expected<Shape> top_k_shape(const AxisAttributes& a, const Shape& x) {
  auto shape = shape_along(a.axis, x);
  if (!shape) return shape;
  int32_t& extent = (*shape)[static_cast<std::size_t>(a.axis)];
  if (a.k < 1 || a.k > extent) return fail("has a k that is not between 1 and its axis's extent");
  extent = a.k;
  return shape;
}

Expected<Shape> reshaped(const Shape& shape, const Shape& x) {
  if (auto ok = check_shape(shape); !ok) return tl::unexpected(ok.error());
  if (element_count(shape) != element_count(x)) {
    return fail("reshapes " + shape_text(x) + " to " + shape_text(shape) +
                ", which has another size");
  }
  return shape;
}

Expected<Shape> resize_shape(const ResizeAttributes& a, const Shape& x) {
  if (x.size() != 4) return fail("takes a tensor of rank 4, not " + shape_text(x));
  if (a.output_h < 1 || a.output_w < 1 || a.output_h > max_window_value ||
      a.output_w > max_window_value) {
    return fail("has an output size out of range");
  }
  return Shape{x[0], a.output_h, a.output_w, x[3]};
}

}  // namespace

Expected<Shape> shape_by(ShapeRule rule, const Attributes& attributes,
                         std::span<const Shape> inputs) {
  const Shape& x = inputs[0];
  switch (rule) {
    case ShapeRule::conv2d: {
      const auto& a = std::get<ConvAttributes>(attributes);
      return layer_shape(a, conv_shape(a, inputs), inputs);
    }
    case ShapeRule::linear:
      return layer_shape(std::get<ConvAttributes>(attributes), linear_shape(inputs), inputs);
    case ShapeRule::broadcast:
      return broadcast_shape(inputs[0], inputs[1]);
    case ShapeRule::pool:
      return pool_shape(std::get<PoolAttributes>(attributes), x);
    case ShapeRule::along_axis:
      return shape_along(std::get<AxisAttributes>(attributes).axis, x);
    case ShapeRule::argmax: {
      const auto& a = std::get<AxisAttributes>(attributes);
      return reduce_shape(std::span(&a.axis, 1), a.keepdims, x);
    }
    case ShapeRule::concat:
      return concat_shape(std::get<AxisAttributes>(attributes), inputs);
    case ShapeRule::slice:
      return slice_shape(std::get<SliceAttributes>(attributes), x);
    case ShapeRule::pad:
      return pad_shape(std::get<PadAttributes>(attributes), x);
    case ShapeRule::reshape:
      return reshaped(std::get<ReshapeAttributes>(attributes).shape, x);
    case ShapeRule::transpose:
      return transpose_shape(std::get<TransposeAttributes>(attributes), x);
    case ShapeRule::resize:
      return resize_shape(std::get<ResizeAttributes>(attributes), x);
    case ShapeRule::mean: {
      const auto& a = std::get<MeanAttributes>(attributes);
      return reduce_shape(a.axes, a.keepdims, x);
    }
    case ShapeRule::by_channel:
      return per_channel_shape(inputs, false);
    case ShapeRule::by_channel_or_one:
      return per_channel_shape(inputs, true);
    case ShapeRule::gather_nd:
      return gather_shape(inputs[0], inputs[1]);
    case ShapeRule::top_k:
      return top_k_shape(std::get<AxisAttributes>(attributes), x);
    case ShapeRule::same:
      break;
  }
  return x;
}

}  // namespace octet
