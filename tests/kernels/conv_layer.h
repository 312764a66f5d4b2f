// Convolutions (also depthwise and grouped ones) and linear layers, made by random choices.
#pragma once

#include <limits>

#include "tests/kernels/layer.h"

namespace octet::test {

/// A layer and the memory that its parameters point to.
struct ConvLayer final : Layer {
  ConvLayer() = default;
  ConvLayer(ConvLayer&&) = default;
  ConvLayer& operator=(ConvLayer&&) = default;

  std::string describe() const override;
  std::vector<Output> run(const kernels::KernelTable& table,
                          std::span<const Cut> cuts) const override;

  std::size_t output_count() const;

  kernels::ConvParams params;
  std::vector<int8_t> weights;
  std::vector<int32_t> bias;
  std::vector<int32_t> zero_points;
  std::vector<float> multiplier;
  std::vector<uint8_t> input;
  std::vector<uint8_t> residual;
  // What only some layers have: see draw_ending.
  std::vector<float> coefficients;
  std::vector<float> slopes;
  std::vector<float> output_factors;
  std::vector<float> output_zero_points;
  std::vector<uint8_t> input_zero_points;
};

/// Sets the output's height and width; the input grows until the window fits.
void set_output_size(kernels::ConvGeometry& geometry);

/// Any shape: every kind of layer that kernels tell apart, sides and channels of all sizes, any
/// padding.
kernels::ConvGeometry draw_conv_geometry(
    Draw& draw, int64_t most_products = std::numeric_limits<int64_t>::max());

/// Draws a layer's values. Mostly its outputs spread over the clamp's range and beyond.
ConvLayer draw_conv_layer(Draw& draw, const kernels::ConvGeometry& geometry);

/// Gives the layer u8 output and a function of one value, or a scale and a zero point for each
/// channel of its output or, where it is depthwise, of its input: at least one of these.
void draw_ending(Draw& draw, ConvLayer& layer);

/// Gives the layer a zero point for each channel that it reads, or a scale and a zero point for
/// each channel of its result, also where a residual is added.
void draw_channels(Draw& draw, ConvLayer& layer);

}  // namespace octet::test
