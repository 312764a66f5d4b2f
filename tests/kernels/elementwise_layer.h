// Operators on rows of values, made by random choices.
#pragma once

#include "tests/kernels/layer.h"

namespace octet::test {

/// A length near a vector width, or 0.
std::size_t draw_count(Draw& draw);

/// A row of a binary operator whose operands may each be one repeated value.
struct Operands {
  explicit Operands(Draw& draw);

  /// `output` has room for `count` bytes.
  kernels::BinaryRow row(uint8_t* output) const;
  std::string describe() const;

  std::size_t count;
  std::size_t a_stride;
  std::size_t b_stride;
  std::vector<uint8_t> a;
  std::vector<uint8_t> b;
};

kernels::AddParams draw_add(Draw& draw);
kernels::MulParams draw_mul(Draw& draw);
kernels::RequantizeParams draw_requantize(Draw& draw);
kernels::QuantizeParams draw_quantize(Draw& draw);
kernels::AffineChannelsParams draw_affine_channels(Draw& draw);

/// Floats that these parameters scale to integers, to halves, to values between them, and to values
/// far beyond 255.
std::vector<float> draw_floats_to_quantize(Draw& draw, const kernels::QuantizeParams& params,
                                           std::size_t count);

/// A sum, difference or product.
std::unique_ptr<Layer> draw_binary_layer(Draw& draw);
/// A requantize, quantize or dequantize, or a function of bytes: a table, tables or scales for each
/// channel.
std::unique_ptr<Layer> draw_elementwise_layer(Draw& draw);

}  // namespace octet::test
