// Float loops over the pixels of images: pools and bilinear resizes. A pixel is a row of channels.
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/float/operands.h"

namespace octet {
namespace {

using Row = Eigen::Map<Eigen::ArrayXf>;
using ConstRow = Eigen::Map<const Eigen::ArrayXf>;

/// Half-open range of a window's taps along one axis.
struct Taps {
  int32_t begin = 0;
  int32_t end = 0;
  int32_t count() const { return std::max(end - begin, 0); }
};

/// Returns the taps k with low <= first + k * dilation < high.
Taps taps_within(int32_t first, int32_t kernel, int32_t dilation, int32_t low, int32_t high) {
  Taps taps{.begin = 0, .end = kernel};
  while (taps.begin < taps.end && first + taps.begin * dilation < low) ++taps.begin;
  while (taps.end > taps.begin && first + (taps.end - 1) * dilation >= high) --taps.end;
  return taps;
}

struct Images {
  const float* data;
  std::size_t height;
  std::size_t width;
  Eigen::Index channels;

  ConstRow pixel(std::size_t image, std::size_t h, std::size_t w) const {
    return {data + ((image * height + h) * width + w) * static_cast<std::size_t>(channels),
            channels};
  }
};

Images images_of(const FloatOperands& operands) {
  const Shape& x = operands.input_shapes[0];
  return {.data = operands.inputs[0],
          .height = static_cast<std::size_t>(x[1]),
          .width = static_cast<std::size_t>(x[2]),
          .channels = x[3]};
}

/// A position between two neighbouring pixels; `weight` is the second one's share.
struct Between {
  std::size_t first;
  std::size_t second;
  float weight;
};

Between sample(std::size_t i, std::size_t in, std::size_t out, bool align_corners) {
  const auto position = static_cast<double>(i);
  double source = 0;
  if (align_corners) {
    if (out > 1) source = position * static_cast<double>(in - 1) / static_cast<double>(out - 1);
  } else {
    source = (position + 0.5) * static_cast<double>(in) / static_cast<double>(out) - 0.5;
  }
  source = std::clamp(source, 0.0, static_cast<double>(in - 1));
  const auto first = static_cast<std::size_t>(source);
  return {.first = first,
          .second = std::min(first + 1, in - 1),
          .weight = static_cast<float>(source - std::floor(source))};
}

/// Eigen's maximum treats NaN, and 0 beside -0, differently from CPU to CPU. Here a NaN stays, and
/// of 0 and -0 the first stays.
void take_larger(const float* __restrict x, float* __restrict largest, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const bool takes = x[i] > largest[i] || x[i] != x[i];
    largest[i] = takes ? x[i] : largest[i];
  }
}

/// y = the weighted sum of four pixels: the upper two, then the lower two. `lower` and `right` are
/// the shares of the lower and of the right ones.
void blend(std::array<const float*, 4> pixels, float lower, float right, float* __restrict y,
           std::size_t channels) {
  const float weights[] = {(1 - lower) * (1 - right), (1 - lower) * right, lower * (1 - right),
                           lower * right};
  for (std::size_t c = 0; c < channels; ++c) {
    y[c] = weights[0] * pixels[0][c] + weights[1] * pixels[1][c] +
           (weights[2] * pixels[2][c] + weights[3] * pixels[3][c]);
  }
}

}  // namespace

void run_pool(const FloatOperands& operands) {
  const auto& a = std::get<PoolAttributes>(operands.attributes);
  const Window& window = a.window;
  const Shape& x = operands.input_shapes[0];
  const Shape& y = operands.output_shape;
  const Images images = images_of(operands);
  const auto channels = static_cast<std::size_t>(images.channels);
  const bool maximum = operands.op == Op::max_pool;
  const auto run_row = [&](int32_t row) {
    const auto image = static_cast<std::size_t>(row / y[1]);
    const int32_t top = row % y[1] * window.stride_h - window.pad_top;
    const Taps vertical = taps_within(top, window.kernel_h, window.dilation_h, 0, x[1]);
    const Taps padded_vertical = taps_within(top, window.kernel_h, window.dilation_h,
                                             -window.pad_top, x[1] + window.pad_bottom);
    float* output =
        operands.output + static_cast<std::size_t>(row) * static_cast<std::size_t>(y[2]) * channels;
    for (int32_t column = 0; column < y[2]; ++column, output += channels) {
      const int32_t left = column * window.stride_w - window.pad_left;
      const Taps horizontal = taps_within(left, window.kernel_w, window.dilation_w, 0, x[2]);
      const Taps padded_horizontal = taps_within(left, window.kernel_w, window.dilation_w,
                                                 -window.pad_left, x[2] + window.pad_right);
      Row result(output, images.channels);
      result.setConstant(maximum ? -std::numeric_limits<float>::infinity() : 0.0F);
      for (int32_t kh = vertical.begin; kh < vertical.end; ++kh) {
        const auto h = static_cast<std::size_t>(top + kh * window.dilation_h);
        for (int32_t kw = horizontal.begin; kw < horizontal.end; ++kw) {
          const auto w = static_cast<std::size_t>(left + kw * window.dilation_w);
          if (maximum) {
            take_larger(images.pixel(image, h, w).data(), output, channels);
          } else {
            result += images.pixel(image, h, w);
          }
        }
      }
      if (!maximum) {
        const int32_t count = a.count_include_pad
                                  ? padded_vertical.count() * padded_horizontal.count()
                                  : vertical.count() * horizontal.count();
        result /= static_cast<float>(std::max(count, 1));
      }
      if (!a.bounds.bounded()) continue;
      for (float& value : result) value = clip(value, a.bounds);
    }
  };
  const auto taps = static_cast<std::size_t>(window.kernel_h * window.kernel_w);
  share_out_each(operands, static_cast<std::size_t>(y[0] * y[1]),
                 cost_of(operands.count() * taps, 0.2),
                 [&](std::size_t row) { run_row(static_cast<int32_t>(row)); });
}

void run_resize(const FloatOperands& operands) {
  const bool align_corners = std::get<ResizeAttributes>(operands.attributes).align_corners;
  const Images images = images_of(operands);
  const auto batch = static_cast<std::size_t>(operands.output_shape[0]);
  const auto height = static_cast<std::size_t>(operands.output_shape[1]);
  const auto width = static_cast<std::size_t>(operands.output_shape[2]);
  const auto channels = static_cast<std::size_t>(images.channels);
  // Some columns are computed together, so that their positions are found once for all rows.
  constexpr std::size_t columns_at_once = 64;
  const auto run_rows = [&](std::size_t first_row, std::size_t rows) {
    Between across[columns_at_once];
    for (std::size_t first = 0; first < width; first += columns_at_once) {
      const std::size_t columns = std::min(columns_at_once, width - first);
      for (std::size_t i = 0; i < columns; ++i) {
        across[i] = sample(first + i, images.width, width, align_corners);
      }
      for (std::size_t row = first_row; row < first_row + rows; ++row) {
        const std::size_t image = row / height;
        const Between v = sample(row % height, images.height, height, align_corners);
        float* output = operands.output + (row * width + first) * channels;
        for (std::size_t i = 0; i < columns; ++i, output += channels) {
          const Between& u = across[i];
          blend({images.pixel(image, v.first, u.first).data(),
                 images.pixel(image, v.first, u.second).data(),
                 images.pixel(image, v.second, u.first).data(),
                 images.pixel(image, v.second, u.second).data()},
                v.weight, u.weight, output, channels);
        }
      }
    }
  };
  share_out(operands, batch * height, cost_of(operands.count(), 0.5), run_rows);
}

}  // namespace octet
