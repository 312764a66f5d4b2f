// Convolutions and linear layers in float, without a copy of the input: each tap of a window is a
// pointer to an input pixel, or to zeros in the padding.
#include <Eigen/Core>
#include <algorithm>
#include <array>

#include "engine/float/operands.h"

namespace octet {
namespace {

// The sums of a tile of 4 pixels by 8 outputs take 8 of the 16 registers of 4 floats that every
// 64-bit CPU has.
constexpr std::size_t tile_pixels = 4;
constexpr std::size_t tile_outputs = 8;
// The pixels that one task of the thread pool computes.
constexpr std::size_t task_pixels = 16;

using Lane = Eigen::Array<float, tile_outputs, 1>;
using Row = Eigen::Map<Eigen::ArrayXf>;
using ConstRow = Eigen::Map<const Eigen::ArrayXf>;

class EigenConv final : public FloatStep {
 public:
  explicit EigenConv(const FloatOperands& operands)
      : attributes_(std::get<ConvAttributes>(operands.attributes)),
        input_(operands.inputs[0]),
        residual_(attributes_.has_residual ? operands.inputs.back() : nullptr),
        output_(operands.output),
        pool_(operands.pool) {
    const Shape& x = operands.input_shapes[0];
    const Shape& y = operands.output_shape;
    outputs_ = static_cast<std::size_t>(y.back());
    pixels_ = operands.count() / outputs_;
    inputs_ = static_cast<std::size_t>(x.back());
    if (operands.op == Op::linear) {  // a linear layer is a 1x1 convolution of one row of pixels
      attributes_.window = {};
      attributes_.groups = 1;
      input_h_ = 1;
      input_w_ = output_w_ = static_cast<int32_t>(pixels_);
      output_h_ = 1;
    } else {
      input_h_ = x[1];
      input_w_ = x[2];
      output_h_ = y[1];
      output_w_ = y[2];
    }
    groups_ = static_cast<std::size_t>(attributes_.groups);
    group_inputs_ = inputs_ / groups_;
    group_outputs_ = outputs_ / groups_;
    depthwise_ = group_inputs_ == 1 && group_outputs_ == 1 && groups_ > 1;
    taps_ = static_cast<std::size_t>(attributes_.window.kernel_h) *
            static_cast<std::size_t>(attributes_.window.kernel_w);
    group_tiles_ = (group_outputs_ + tile_outputs - 1) / tile_outputs;
    zeros_.assign(inputs_, 0.0F);
    pack(operands.inputs[1], attributes_.has_bias ? operands.inputs[2] : nullptr);
  }

  Expected<void> run() override {
    const std::size_t tasks = (pixels_ + task_pixels - 1) / task_pixels;
    pthreadpool_parallelize_2d(
        pool_,
        [](void* self, std::size_t tile, std::size_t task) {
          static_cast<const EigenConv*>(self)->run_task(tile, task);
        },
        this, depthwise_ ? 1 : groups_ * group_tiles_, tasks, 0);
    return {};
  }

  std::size_t memory_bytes() const override {
    return (weights_.size() + bias_.size() + zeros_.size()) * sizeof(float);
  }

 private:
  /// Packs weights [O, taps, I / groups] as [group][tile of outputs][tap][I / groups][output], with
  /// zeros where a tile reaches beyond its group. Depthwise weights become [tap][channel].
  void pack(const float* weights, const float* bias) {
    const std::size_t width = depthwise_ ? groups_ : tile_outputs;
    const std::size_t tiles = depthwise_ ? 1 : groups_ * group_tiles_;
    weights_.assign(tiles * taps_ * group_inputs_ * width, 0.0F);
    bias_.assign(tiles * width, 0.0F);
    for (std::size_t o = 0; o < outputs_; ++o) {
      const std::size_t within = o % group_outputs_;
      const std::size_t tile =
          depthwise_ ? 0 : o / group_outputs_ * group_tiles_ + within / tile_outputs;
      const std::size_t lane = depthwise_ ? o : within % tile_outputs;
      if (bias) bias_[tile * width + lane] = bias[o];
      for (std::size_t k = 0; k < taps_ * group_inputs_; ++k) {
        weights_[(tile * taps_ * group_inputs_ + k) * width + lane] =
            weights[o * taps_ * group_inputs_ + k];
      }
    }
  }

  /// Returns the input pixel that tap (kh, kw) of output pixel `pixel` reads; zeros in the padding.
  const float* tap(std::size_t pixel, int32_t kh, int32_t kw) const {
    const Window& window = attributes_.window;
    const auto column = static_cast<int32_t>(pixel % static_cast<std::size_t>(output_w_));
    const std::size_t row = pixel / static_cast<std::size_t>(output_w_);
    const auto h =
        static_cast<int32_t>(row % static_cast<std::size_t>(output_h_)) * window.stride_h -
        window.pad_top + kh * window.dilation_h;
    const int32_t w = column * window.stride_w - window.pad_left + kw * window.dilation_w;
    if (h < 0 || h >= input_h_ || w < 0 || w >= input_w_) return zeros_.data();
    const std::size_t image = row / static_cast<std::size_t>(output_h_);
    return input_ + ((image * static_cast<std::size_t>(input_h_) + static_cast<std::size_t>(h)) *
                         static_cast<std::size_t>(input_w_) +
                     static_cast<std::size_t>(w)) *
                        inputs_;
  }

  void run_task(std::size_t tile, std::size_t task) const {
    const std::size_t end = std::min(pixels_, (task + 1) * task_pixels);
    if (depthwise_) {
      for (std::size_t pixel = task * task_pixels; pixel < end; ++pixel) run_depthwise(pixel);
      return;
    }
    for (std::size_t pixel = task * task_pixels; pixel < end; pixel += tile_pixels) {
      run_tile(tile, pixel, std::min(tile_pixels, end - pixel));
    }
  }

  void run_depthwise(std::size_t pixel) const {
    const auto channels = static_cast<Eigen::Index>(outputs_);
    Row y(output_ + pixel * outputs_, channels);
    y = ConstRow(bias_.data(), channels);
    const float* weights = weights_.data();
    for (int32_t kh = 0; kh < attributes_.window.kernel_h; ++kh) {
      for (int32_t kw = 0; kw < attributes_.window.kernel_w; ++kw) {
        const float* x = tap(pixel, kh, kw);
        if (x != zeros_.data()) y += ConstRow(x, channels) * ConstRow(weights, channels);
        weights += outputs_;
      }
    }
    finish(pixel * outputs_, outputs_);
  }

  /// Computes one tile of outputs for `count` pixels, from `pixel` on. The tile's remaining pixels
  /// compute the last one again and are not stored.
  void run_tile(std::size_t tile, std::size_t pixel, std::size_t count) const {
    const std::size_t group = tile / group_tiles_;
    const float* weights = weights_.data() + tile * taps_ * group_inputs_ * tile_outputs;
    std::array<Lane, tile_pixels> sums;
    sums.fill(Eigen::Map<const Lane>(bias_.data() + tile * tile_outputs));
    for (int32_t kh = 0; kh < attributes_.window.kernel_h; ++kh) {
      for (int32_t kw = 0; kw < attributes_.window.kernel_w; ++kw) {
        std::array<const float*, tile_pixels> x;
        for (std::size_t p = 0; p < tile_pixels; ++p) {
          x[p] = tap(pixel + std::min(p, count - 1), kh, kw) + group * group_inputs_;
        }
        weights = add_tap(x, weights, sums);
      }
    }
    const std::size_t first = tile % group_tiles_ * tile_outputs;
    const std::size_t width = std::min(tile_outputs, group_outputs_ - first);
    for (std::size_t p = 0; p < count; ++p) {
      const std::size_t index = (pixel + p) * outputs_ + group * group_outputs_ + first;
      std::copy_n(sums[p].data(), width, output_ + index);
      finish(index, width);
    }
  }

  /// Adds one tap to the sums. Returns the weights of the next tap.
  const float* add_tap(const std::array<const float*, tile_pixels>& x, const float* weights,
                       std::array<Lane, tile_pixels>& sums) const {
    Lane s0 = sums[0];
    Lane s1 = sums[1];
    Lane s2 = sums[2];
    Lane s3 = sums[3];
    for (std::size_t i = 0; i < group_inputs_; ++i) {
      const Lane w = Eigen::Map<const Lane>(weights + i * tile_outputs);
      s0 += x[0][i] * w;
      s1 += x[1][i] * w;
      s2 += x[2][i] * w;
      s3 += x[3][i] * w;
    }
    sums = {s0, s1, s2, s3};
    return weights + group_inputs_ * tile_outputs;
  }

  /// Applies the inner bounds, adds the residual, then applies the bounds.
  void finish(std::size_t index, std::size_t count) const {
    Row y(output_ + index, static_cast<Eigen::Index>(count));
    if (residual_ && attributes_.inner_bounds.bounded()) {
      y = y.max(attributes_.inner_bounds.min).min(attributes_.inner_bounds.max);
    }
    if (residual_) y += ConstRow(residual_ + index, static_cast<Eigen::Index>(count));
    if (attributes_.bounds.bounded()) {
      y = y.max(attributes_.bounds.min).min(attributes_.bounds.max);
    }
  }

  ConvAttributes attributes_;
  const float* input_;
  const float* residual_;
  float* output_;
  pthreadpool_t pool_;
  std::size_t pixels_ = 0;  ///< Pixels of the output, in all images together.
  std::size_t inputs_ = 0;
  std::size_t outputs_ = 0;
  std::size_t groups_ = 1;
  std::size_t group_inputs_ = 0;
  std::size_t group_outputs_ = 0;
  std::size_t group_tiles_ = 0;
  std::size_t taps_ = 1;
  int32_t input_h_ = 1;
  int32_t input_w_ = 1;
  int32_t output_h_ = 1;
  int32_t output_w_ = 1;
  bool depthwise_ = false;
  std::vector<float> weights_;
  std::vector<float> bias_;
  std::vector<float> zeros_;  ///< A pixel of zeros, for the padding.
};

}  // namespace

std::unique_ptr<FloatStep> make_float_conv(const FloatOperands& operands) {
  return std::make_unique<EigenConv>(operands);
}

}  // namespace octet
