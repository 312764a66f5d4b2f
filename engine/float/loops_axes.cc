// Float loops along axes: mean, softmax, argmax, top_k.
#include <array>
#include <cstring>

#include "engine/float/operands.h"
#include "engine/top_k.h"
#include "kernels/scalar/exact_math.h"

namespace octet {
namespace {

/// A tensor of shape [outer, count, inner], where `count` is the extent of one axis.
struct AxisView {
  std::size_t outer = 1;
  std::size_t count = 1;
  std::size_t inner = 1;

  std::size_t rows() const { return outer * inner; }
  /// The index of the first value of a row. The values of a row are `inner` apart.
  std::size_t first(std::size_t row) const { return row / inner * count * inner + row % inner; }
  float largest(const float* x) const {
    float largest = x[0];
    for (std::size_t i = 1; i < count; ++i) largest = std::max(largest, x[i * inner]);
    return largest;
  }
};

AxisView view_axis(const Shape& shape, int32_t axis) {
  AxisView view;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const auto extent = static_cast<std::size_t>(shape[i]);
    if (static_cast<int32_t>(i) < axis) view.outer *= extent;
    if (static_cast<int32_t>(i) == axis) view.count = extent;
    if (static_cast<int32_t>(i) > axis) view.inner *= extent;
  }
  return view;
}

/// Nested loops over some of a tensor's axes. One counter runs through all of them.
struct Loops {
  std::array<std::size_t, kernels::max_rank> extent = {};
  std::array<std::size_t, kernels::max_rank> stride = {};
  std::size_t rank = 0;
  std::size_t count = 1;

  /// Adds an axis. The innermost is added first.
  void add(std::size_t axis_extent, std::size_t axis_stride) {
    extent[rank] = axis_extent;
    stride[rank++] = axis_stride;
    count *= axis_extent;
  }

  std::size_t offset(std::size_t i) const {
    std::size_t at = 0;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      at += i % extent[axis] * stride[axis];
      i /= extent[axis];
    }
    return at;
  }
};

}  // namespace

void run_mean(const FloatOperands& operands) {
  const Shape& shape = operands.input_shapes[0];
  std::array<bool, kernels::max_rank> reduced = {};
  for (const int32_t axis : std::get<MeanAttributes>(operands.attributes).axes) {
    reduced[static_cast<std::size_t>(axis)] = true;
  }
  Loops kept;
  Loops summed;
  std::size_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    const auto extent = static_cast<std::size_t>(shape[i]);
    (reduced[i] ? summed : kept).add(extent, stride);
    stride *= extent;
  }
  // Up to 64 neighbouring outputs are summed at the same time. Each has its own sum, in index
  // order.
  constexpr std::size_t most_at_once = 64;
  const std::size_t side_by_side = reduced[shape.size() - 1] ? 1 : kept.extent[0];
  std::size_t at_once = 0;
  for (std::size_t o = 0; o < kept.count; o += at_once) {
    at_once = std::min(most_at_once, side_by_side - o % side_by_side);
    const float* x = operands.inputs[0] + kept.offset(o);
    double sums[most_at_once] = {};
    for (std::size_t i = 0; i < summed.count; ++i) {
      const float* values = x + summed.offset(i);
      for (std::size_t k = 0; k < at_once; ++k) sums[k] += static_cast<double>(values[k]);
    }
    for (std::size_t k = 0; k < at_once; ++k) {
      operands.output[o + k] = static_cast<float>(sums[k] / static_cast<double>(summed.count));
    }
  }
}

void run_softmax(const FloatOperands& operands) {
  const AxisView view =
      view_axis(operands.output_shape, std::get<AxisAttributes>(operands.attributes).axis);
  if (view.inner == 1) {
    return share_out(
        operands, view.outer, cost_of(operands.count(), 2), [&](std::size_t row, std::size_t rows) {
          operands.table->softmax_float(operands.inputs[0] + row * view.count,
                                        operands.output + row * view.count, rows, view.count);
        });
  }
  for (std::size_t row = 0; row < view.rows(); ++row) {
    const float* x = operands.inputs[0] + view.first(row);
    float* y = operands.output + view.first(row);
    const float largest = view.largest(x);
    double sum = 0;
    for (std::size_t i = 0; i < view.count; ++i) {
      y[i * view.inner] = static_cast<float>(kernels::exp_float64(
          static_cast<double>(x[i * view.inner]) - static_cast<double>(largest)));
      sum += y[i * view.inner];
    }
    for (std::size_t i = 0; i < view.count; ++i) {
      y[i * view.inner] = static_cast<float>(y[i * view.inner] / sum);
    }
  }
}

void run_log_softmax(const FloatOperands& operands) {
  const AxisView view =
      view_axis(operands.output_shape, std::get<AxisAttributes>(operands.attributes).axis);
  constexpr double value_ns = 8;
  share_out_each(operands, view.rows(), cost_of(operands.count(), value_ns), [&](std::size_t row) {
    const float* x = operands.inputs[0] + view.first(row);
    float* y = operands.output + view.first(row);
    const float largest = view.largest(x);
    const auto below = [&](std::size_t i) {
      return static_cast<double>(x[i * view.inner]) - static_cast<double>(largest);
    };
    double sum = 0;
    for (std::size_t i = 0; i < view.count; ++i) sum += kernels::exp_float64(below(i));
    const double log_sum = kernels::log_float64(sum);
    for (std::size_t i = 0; i < view.count; ++i)
      y[i * view.inner] = static_cast<float>(below(i) - log_sum);
  });
}

void run_argmax(const FloatOperands& operands) {
  const AxisView view =
      view_axis(operands.input_shapes[0], std::get<AxisAttributes>(operands.attributes).axis);
  for (std::size_t row = 0; row < view.rows(); ++row) {
    const float* x = operands.inputs[0] + view.first(row);
    const int32_t index = operands.table->argmax_float(x, view.count, view.inner);
    std::memcpy(operands.output + row, &index, sizeof(index));
  }
}

void run_top_k(const FloatOperands& operands) {
  const auto& a = std::get<AxisAttributes>(operands.attributes);
  const AxisView view = view_axis(operands.input_shapes[0], a.axis);
  const TopKParams params{.value_bytes = sizeof(float),
                          .largest = a.largest,
                          .k = static_cast<std::size_t>(a.k),
                          .extent = view.count,
                          .inner = view.inner};
  select_top_k(params, operands.inputs[0], operands.output,
               reinterpret_cast<int32_t*>(operands.second_output),
               {.begin = 0, .end = view.rows()});
}

}  // namespace octet
