// Which nodes XNNPACK can run with the results that docs/float_export.md defines. Its operators
// have limits.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "engine/float/island.h"
#include "engine/operator_table.h"
#if OCTET_HAS_XNNPACK
#include "engine/float/xnnpack.h"
#endif

namespace octet {
namespace {

/// XNNPACK refuses an empty range and a range of a single value.
bool takes_bounds(const Bounds& bounds) { return bounds.min < bounds.max; }

bool takes_conv(const ConvAttributes& conv) {
  return takes_bounds(conv.bounds) && takes_bounds(conv.inner_bounds);
}

int32_t floor_positions(int32_t size, int32_t kernel, int32_t stride, int32_t dilation,
                        int32_t padding) {
  return (size + padding - ((kernel - 1) * dilation + 1)) / stride + 1;
}

bool takes_pool(Op op, const PoolAttributes& pool, const Shape& input, const Shape& output) {
  const Window& w = pool.window;
  const bool dilated = w.dilation_h > 1 || w.dilation_w > 1;
  const bool padded = w.pad_top > 0 || w.pad_left > 0 || w.pad_bottom > 0 || w.pad_right > 0;
  if (!takes_bounds(pool.bounds) || w.kernel_h * w.kernel_w == 1) return false;
  // XNNPACK has no ceil mode. It is accepted only if it makes no difference to the shape.
  if (output[1] != floor_positions(input[1], w.kernel_h, w.stride_h, w.dilation_h,
                                   w.pad_top + w.pad_bottom) ||
      output[2] != floor_positions(input[2], w.kernel_w, w.stride_w, w.dilation_w,
                                   w.pad_left + w.pad_right)) {
    return false;
  }
  // Refused: a max pool with dilation and padding, because older versions replace the padding by a
  // wrong pixel at the bottom and right; and an average that counts the padding, because XNNPACK
  // divides by the number of pixels inside the image.
  if (op == Op::max_pool) return !(dilated && padded);
  return !dilated && !(padded && pool.count_include_pad);
}

// octet's own loops run every function that is not named here.
bool takes_function(Function function, const Attributes& attributes) {
  const auto value = [&] { return std::get<ScalarAttributes>(attributes).value; };
  if (function == Function::elu) return std::isnormal(value()) && value() > 0;
  if (function == Function::leaky_relu) return std::isfinite(value());
  constexpr Function taken[] = {Function::sigmoid,    Function::silu, Function::hard_sigmoid,
                                Function::hard_swish, Function::abs,  Function::neg,
                                Function::sqrt};
  return std::ranges::find(taken, function) != std::end(taken);
}

bool takes_node(Op op, const Attributes& attributes, std::span<const Shape> inputs,
                const Shape& output) {
  const Shape& x = inputs[0];
  switch (kind_of(op)) {
    case Kind::conv2d:
      return takes_conv(std::get<ConvAttributes>(attributes));
    case Kind::linear:
      return takes_conv(std::get<ConvAttributes>(attributes)) && x.size() >= 2;
    case Kind::arithmetic:
      return takes_bounds(std::get<BinaryAttributes>(attributes).bounds);
    case Kind::max_pool:
    case Kind::average_pool:
      return takes_pool(op, std::get<PoolAttributes>(attributes), x, output);
    case Kind::clip:
      return takes_bounds(std::get<ClipAttributes>(attributes).bounds);
    case Kind::mean: {
      std::vector<int32_t> axes = std::get<MeanAttributes>(attributes).axes;
      std::ranges::sort(axes);
      return x.size() == 4 && axes == std::vector<int32_t>{1, 2};
    }
    case Kind::softmax:
      return static_cast<std::size_t>(std::get<AxisAttributes>(attributes).axis) + 1 == x.size();
    case Kind::resize:
      return std::get<ResizeAttributes>(attributes).mode == ResizeMode::bilinear;
    case Kind::function:
      return takes_function(row_of(op).function, attributes);
    case Kind::reshape:
      return !x.empty() && !output.empty();
    case Kind::pad:
    case Kind::batch_norm:
    case Kind::prelu:
      return true;
    case Kind::log_softmax:  // these are left to octet's loops
    case Kind::argmax:
    case Kind::top_k:
    case Kind::concat:
    case Kind::slice:
    case Kind::transpose:
    case Kind::lookup:  // these have no float form
    case Kind::quantize:
    case Kind::dequantize:
    case Kind::requantize:
    case Kind::cast:
    case Kind::gather_nd:
    case Kind::identity:
      break;
  }
  return false;
}

bool xnnpack_is_here() {
#if OCTET_HAS_XNNPACK
  static const bool starts = xnnpack_starts();
  return starts;
#else
  return false;
#endif
}

}  // namespace

const char* float_library() { return xnnpack_is_here() ? "xnnpack" : "eigen"; }

bool xnnpack_runs(Op op, const Attributes& attributes, std::span<const Shape> inputs,
                  const Shape& output) {
  return xnnpack_is_here() && takes_node(op, attributes, inputs, output);
}

}  // namespace octet
