// Operators on rows of values, made by random choices.
#pragma once

#include "tests/kernels/layer.h"

namespace octet::test {

/// Lengths around every vector width, and 0.
std::size_t draw_count(Draw& draw);

/// A row of a binary operator whose operands may each be one repeated value.
struct Operands {
  explicit Operands(Draw& draw);

  /// `output` has room for `count` bytes.
  kernels::BinaryRow row(uint8_t* output) const;
  std::string describe() const;

  std::size_t count;
  std::size_t a_step;
  std::size_t b_step;
  std::vector<uint8_t> a;
  std::vector<uint8_t> b;
};

kernels::AddParams draw_add(Draw& draw);
kernels::MulParams draw_mul(Draw& draw);
kernels::RequantizeParams draw_requantize(Draw& draw);
kernels::QuantizeParams draw_quantize(Draw& draw);
kernels::AffineChannelsParams draw_affine_channels(Draw& draw);

/// Floats that such parameters take to integers, to halves, between them, and far beyond 255.
std::vector<float> draw_floats_to_quantize(Draw& draw, const kernels::QuantizeParams& params,
                                           std::size_t count);

/// A sum, difference or product.
std::unique_ptr<Layer> draw_binary_layer(Draw& draw);
/// Requantize, quantize, dequantize, or one of the tables and functions of bytes.
std::unique_ptr<Layer> draw_elementwise_layer(Draw& draw);

}  // namespace octet::test
