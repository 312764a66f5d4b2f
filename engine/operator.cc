#include "engine/operator.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace octet {
namespace {

constexpr std::array<const char*, op_count> names = {
    "conv2d",     "linear",     "add",     "sub",       "mul",          "max_pool2d",
    "avg_pool2d", "softmax",    "argmax",  "concat",    "slice",        "pad",
    "reshape",    "transpose",  "resize",  "clip",      "lookup",       "quantize",
    "dequantize", "requantize", "div",     "mean",      "batch_norm",   "leaky_relu",
    "elu",        "prelu",      "sigmoid", "tanh",      "hard_sigmoid", "hard_swish",
    "silu",       "gelu",       "exp",     "log",       "sqrt",         "abs",
    "neg",        "floor_div",  "cast",    "gather_nd", "identity"};

// The largest tensor: byte offsets of float32 tensors stay within 2 GiB.
constexpr int64_t max_elements = (int64_t{1} << 29) - 1;

// Extents, strides and paddings beyond this are damage, and would overflow sums of products.
constexpr int32_t max_window_value = 1 << 15;

bool valid_window(const Window& w) {
  const auto positive = [](int32_t v) { return v >= 1 && v <= max_window_value; };
  const auto padding = [](int32_t v) { return v >= 0 && v <= max_window_value; };
  return positive(w.kernel_h) && positive(w.kernel_w) && positive(w.stride_h) &&
         positive(w.stride_w) && positive(w.dilation_h) && positive(w.dilation_w) &&
         padding(w.pad_top) && padding(w.pad_left) && padding(w.pad_bottom) && padding(w.pad_right);
}

// Number of window positions along one axis, 0 when the window does not fit.
int32_t window_positions(int32_t size, int32_t kernel, int32_t stride, int32_t dilation,
                         int32_t before, int32_t after, bool ceil_mode) {
  const int64_t extent = int64_t{dilation} * (kernel - 1) + 1;
  const int64_t room = int64_t{size} + before + after - extent;
  if (room < 0) return 0;
  int64_t positions = room / stride + 1;
  // A window that would start in the padding after the image is dropped, as every framework does.
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

Expected<Shape> conv_or_linear_shape(Op op, const ConvAttributes& a,
                                     std::span<const Shape> inputs) {
  auto out = op == Op::conv2d ? conv_shape(a, inputs) : linear_shape(inputs);
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
  if (a.begin.size() != x.size() || a.step.size() != x.size() || a.count.size() != x.size()) {
    return fail("has a slice of another rank than its input " + shape_text(x));
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int64_t last = int64_t{a.begin[i]} + int64_t{a.step[i]} * (int64_t{a.count[i]} - 1);
    if (a.count[i] < 1 || a.step[i] == 0 || a.begin[i] < 0 || a.begin[i] >= x[i] || last < 0 ||
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

struct OperandCount {
  std::size_t least;
  std::size_t most;
};

OperandCount operand_count(Op op, const Attributes& attributes) {
  switch (op) {
    case Op::conv2d:
    case Op::linear: {
      const auto& a = std::get<ConvAttributes>(attributes);
      const std::size_t count = 2 + (a.has_bias ? 1U : 0U) + (a.has_residual ? 1U : 0U);
      return {count, count};
    }
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::floor_div:
    case Op::prelu:
    case Op::lookup:
    case Op::gather_nd:
      return {2, 2};
    case Op::softmax:
      return {1, 2};
    case Op::batch_norm:
      return {5, 5};
    case Op::concat:
      return {1, 4096};
    default:
      return {1, 1};
  }
}

}  // namespace

const char* op_name(Op op) { return names[static_cast<std::size_t>(op)]; }

bool is_exact_in_float(Op op) { return op != Op::conv2d && op != Op::linear; }

bool is_function_of_one_value(Op op) {
  switch (op) {
    case Op::leaky_relu:
    case Op::elu:
    case Op::sigmoid:
    case Op::tanh:
    case Op::hard_sigmoid:
    case Op::hard_swish:
    case Op::silu:
    case Op::gelu:
    case Op::exp:
    case Op::log:
    case Op::sqrt:
    case Op::abs:
    case Op::neg:
      return true;
    default:
      return false;
  }
}

Attributes default_attributes(Op op) {
  switch (op) {
    case Op::conv2d:
    case Op::linear:
      return ConvAttributes{};
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::floor_div:
      return BinaryAttributes{};
    case Op::max_pool:
    case Op::average_pool:
      return PoolAttributes{};
    case Op::softmax:
    case Op::argmax:
    case Op::concat:
      return AxisAttributes{};
    case Op::slice:
      return SliceAttributes{};
    case Op::pad:
      return PadAttributes{};
    case Op::reshape:
      return ReshapeAttributes{};
    case Op::transpose:
      return TransposeAttributes{};
    case Op::resize:
      return ResizeAttributes{};
    case Op::clip:
    case Op::requantize:
      return ClipAttributes{};
    case Op::mean:
      return MeanAttributes{};
    case Op::batch_norm:
    case Op::leaky_relu:
    case Op::elu:
      return ScalarAttributes{};
    case Op::lookup:
      return LookupAttributes{};
    case Op::gather_nd:
      return GatherAttributes{};
    default:
      return NoAttributes{};
  }
}

int64_t element_count(std::span<const int32_t> shape) {
  int64_t count = 1;
  for (const int32_t extent : shape) count *= extent;
  return count;
}

std::string shape_text(std::span<const int32_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Expected<void> check_shape(std::span<const int32_t> shape) {
  if (shape.size() > static_cast<std::size_t>(kernels::max_rank)) {
    return fail("has rank " + std::to_string(shape.size()) + "; octet's tensors have at most " +
                std::to_string(kernels::max_rank));
  }
  int64_t count = 1;
  for (const int32_t extent : shape) {
    if (extent < 1) return fail("has the shape " + shape_text(shape) + ", with an extent below 1");
    count *= extent;
    if (count > max_elements)
      return fail("has the shape " + shape_text(shape) + ", which is too large");
  }
  return {};
}

static Expected<Shape> infer_unchecked(Op op, const Attributes& attributes,
                                       std::span<const Shape> inputs) {
  const Shape& x = inputs[0];
  switch (op) {
    case Op::conv2d:
    case Op::linear:
      return conv_or_linear_shape(op, std::get<ConvAttributes>(attributes), inputs);
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::floor_div:
      return broadcast_shape(inputs[0], inputs[1]);
    case Op::max_pool:
    case Op::average_pool: {
      const auto& a = std::get<PoolAttributes>(attributes);
      if (x.size() != 4) return fail("takes a tensor of rank 4, not " + shape_text(x));
      // A window that lies in the padding alone would have no maximum and no average.
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
    case Op::softmax: {
      const int32_t axis = std::get<AxisAttributes>(attributes).axis;
      if (axis < 0 || static_cast<std::size_t>(axis) >= x.size())
        return fail("has no axis " + std::to_string(axis));
      return x;
    }
    case Op::argmax: {
      const auto& a = std::get<AxisAttributes>(attributes);
      return reduce_shape(std::span(&a.axis, 1), a.keepdims, x);
    }
    case Op::concat:
      return concat_shape(std::get<AxisAttributes>(attributes), inputs);
    case Op::slice:
      return slice_shape(std::get<SliceAttributes>(attributes), x);
    case Op::pad:
      return pad_shape(std::get<PadAttributes>(attributes), x);
    case Op::reshape: {
      const Shape& shape = std::get<ReshapeAttributes>(attributes).shape;
      if (auto ok = check_shape(shape); !ok) return tl::unexpected(ok.error());
      if (element_count(shape) != element_count(x)) {
        return fail("reshapes " + shape_text(x) + " to " + shape_text(shape) +
                    ", which has another size");
      }
      return shape;
    }
    case Op::transpose:
      return transpose_shape(std::get<TransposeAttributes>(attributes), x);
    case Op::resize: {
      const auto& a = std::get<ResizeAttributes>(attributes);
      if (x.size() != 4) return fail("takes a tensor of rank 4, not " + shape_text(x));
      if (a.output_h < 1 || a.output_w < 1 || a.output_h > max_window_value ||
          a.output_w > max_window_value) {
        return fail("has an output size out of range");
      }
      return Shape{x[0], a.output_h, a.output_w, x[3]};
    }
    case Op::mean: {
      const auto& a = std::get<MeanAttributes>(attributes);
      return reduce_shape(a.axes, a.keepdims, x);
    }
    case Op::batch_norm:
      return per_channel_shape(inputs, false);
    case Op::prelu:
      return per_channel_shape(inputs, true);
    case Op::gather_nd:
      return gather_shape(inputs[0], inputs[1]);
    default:
      return x;
  }
}

Expected<Shape> infer_shape(Op op, const Attributes& attributes, std::span<const Shape> inputs) {
  if (attributes.index() != default_attributes(op).index())
    return fail("has the attributes of another operator");
  const OperandCount operands = operand_count(op, attributes);
  if (inputs.size() < operands.least || inputs.size() > operands.most) {
    return fail("takes " + std::to_string(operands.least) + " operands, not " +
                std::to_string(inputs.size()));
  }
  for (const Shape& shape : inputs) {
    if (auto ok = check_shape(shape); !ok) return tl::unexpected(ok.error());
  }
  auto out = infer_unchecked(op, attributes, inputs);
  if (!out) return out;
  if (auto ok = check_shape(*out); !ok) return tl::unexpected(ok.error());
  return out;
}

Expected<void> check_places(std::span<const int32_t> places, std::size_t depth, const Shape& shape,
                            bool from_end) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::size_t axis = i % depth;
    const int32_t extent = shape[axis];
    if (places[i] < extent && places[i] >= (from_end ? -extent : 0)) continue;
    char text[96];
    std::snprintf(text, sizeof(text), "takes place %d along axis %d, which has %d", places[i],
                  static_cast<int>(axis), extent);
    return fail(text);
  }
  return {};
}

bool average_pool_fits(const PoolAttributes& pool, const Shape& input) {
  // Padding adds nothing to the sum.
  const auto most_taps = [](int32_t extent, int32_t kernel, int32_t dilation) {
    return std::min(int64_t{kernel}, (int64_t{extent} - 1) / dilation + 1);
  };
  const Window& w = pool.window;
  const int64_t pixels =
      most_taps(input[1], w.kernel_h, w.dilation_h) * most_taps(input[2], w.kernel_w, w.dilation_w);
  return pixels * 255 <= std::numeric_limits<int32_t>::max();
}

int64_t count_macs(Op op, std::span<const Shape> inputs, const Shape& output) {
  if (op == Op::conv2d) return element_count(output) * inputs[1][1] * inputs[1][2] * inputs[1][3];
  if (op == Op::linear) return element_count(output) * inputs[1][1];
  return 0;
}

}  // namespace octet
