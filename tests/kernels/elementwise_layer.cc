#include "tests/kernels/elementwise_layer.h"

#include <limits>
#include <sstream>

#include "tests/kernels/guarded_buffer.h"

namespace octet::test {

using kernels::AddParams;
using kernels::AffineChannelsParams;
using kernels::BinaryRow;
using kernels::DequantizeParams;
using kernels::KernelTable;
using kernels::MulParams;
using kernels::QuantizeParams;
using kernels::Range;
using kernels::RequantizeParams;

namespace {

struct Clamp {
  uint8_t min = 0;
  uint8_t max = 255;
};

Clamp draw_clamp(Draw& draw) {
  Clamp clamp;
  if (draw.chance()) {
    clamp.min = static_cast<uint8_t>(draw.integer(0, 255));
    clamp.max = static_cast<uint8_t>(draw.integer(clamp.min, 255));
  }
  return clamp;
}

float draw_multiplier(Draw& draw) {
  const float usual = draw.real(0.001F, 4.0F);
  return draw.pick({1.0F, 0.5F, usual, usual, usual, usual, 1e-40F, 1e30F});
}

uint8_t* u8(std::byte* bytes) { return reinterpret_cast<uint8_t*>(bytes); }

template <class T>
std::shared_ptr<GuardedBuffer> guarded(const std::vector<T>& values) {
  return std::make_shared<GuardedBuffer>(std::span<const T>(values));
}

std::string counted(const char* kind, std::size_t count) {
  return std::string(kind) + " of " + std::to_string(count) + " values";
}

std::string quantization(int32_t input_zero_point, int32_t output_zero_point, float multiplier) {
  std::ostringstream text;
  text << ", z_x " << input_zero_point << ", z_y " << output_zero_point << ", multiplier "
       << multiplier;
  return text.str();
}

/// A layer of one row. call(table, row) calls its kernel.
template <class Call>
std::unique_ptr<Layer> binary_layer(const std::string& kind, const Operands& x, const Call& call) {
  const auto a = guarded(x.a);
  const auto b = guarded(x.b);
  return std::make_unique<CallLayer>(
      CallLayer::Parts{.description = kind + ": " + x.describe(),
                       .items = x.count,
                       .output_bytes = x.count,
                       .call = [=, a_stride = x.a_stride, b_stride = x.b_stride](
                                   const KernelTable& table, Range items, std::byte* output) {
                         call(table, BinaryRow{.a = a->as<uint8_t>() + items.begin * a_stride,
                                               .b = b->as<uint8_t>() + items.begin * b_stride,
                                               .output = u8(output) + items.begin,
                                               .count = items.end - items.begin,
                                               .a_stride = a_stride,
                                               .b_stride = b_stride});
                       }});
}

/// A layer from bytes to bytes. call(table, input, output, count) calls its kernel for `count`
/// items of `item_bytes` bytes each.
template <class Call>
std::unique_ptr<Layer> byte_layer(const std::string& description, const std::vector<uint8_t>& input,
                                  std::size_t item_bytes, const Call& call) {
  const auto from = guarded(input);
  return std::make_unique<CallLayer>(CallLayer::Parts{
      .description = description,
      .items = input.size() / item_bytes,
      .output_bytes = input.size(),
      .call = [=](const KernelTable& table, Range items, std::byte* output) {
        const std::size_t first = items.begin * item_bytes;
        call(table, from->as<uint8_t>() + first, u8(output) + first, items.end - items.begin);
      }});
}

std::unique_ptr<Layer> draw_requantize_layer(Draw& draw) {
  const RequantizeParams p = draw_requantize(draw);
  const std::vector<uint8_t> input = draw.bytes(draw_count(draw));
  return byte_layer(counted("requantize", input.size()) +
                        quantization(p.input_zero_point, p.output_zero_point, p.multiplier),
                    input, 1, [=](const KernelTable& table, const uint8_t* x, uint8_t* y, auto n) {
                      table.requantize(p, x, y, n);
                    });
}

std::unique_ptr<Layer> draw_lookup_layer(Draw& draw) {
  const auto entries = guarded(draw.bytes(256));
  const std::vector<uint8_t> input = draw.bytes(draw_count(draw));
  return byte_layer(counted("lookup", input.size()), input, 1,
                    [=](const KernelTable& table, const uint8_t* x, uint8_t* y, auto n) {
                      table.lookup(entries->as<uint8_t>(), x, y, n);
                    });
}

std::unique_ptr<Layer> draw_lookup_channels_layer(Draw& draw) {
  const std::size_t channels = 1 + draw.below(7);
  const auto entries = guarded(draw.bytes(channels * 256));
  const std::vector<uint8_t> input = draw.bytes(draw_count(draw) * channels);
  return byte_layer(counted("lookup in the channel's table", input.size()) + ", " +
                        std::to_string(channels) + " channels",
                    input, channels,
                    [=](const KernelTable& table, const uint8_t* x, uint8_t* y, auto n) {
                      table.lookup_channels(entries->as<uint8_t>(), channels, x, y, n);
                    });
}

std::unique_ptr<Layer> draw_affine_layer(Draw& draw) {
  const AffineChannelsParams p = draw_affine_channels(draw);
  const std::vector<uint8_t> input = draw.bytes(draw_count(draw) * p.channels);
  return byte_layer(counted("affine channels", input.size()) + ", " + std::to_string(p.channels) +
                        " channels" + quantization(0, p.zero_point, p.scale[0]),
                    input, p.channels,
                    [=](const KernelTable& table, const uint8_t* x, uint8_t* y, auto n) {
                      table.affine_channels(p, x, y, n);
                    });
}

std::unique_ptr<Layer> draw_quantize_layer(Draw& draw) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const QuantizeParams p = draw_quantize(draw);
  const std::size_t count = draw_count(draw);
  std::vector<float> input = draw_floats_to_quantize(draw, p, count);
  if (draw.chance(0.2)) {
    SeededDraw own(draw.below(256));
    for (float& x : input) {
      if (own.chance(0.2)) x = own.pick({nan, infinity, -infinity, 3e38F, -3e38F, -0.0F, 1e-40F});
    }
  }
  const auto from = guarded(input);
  return std::make_unique<CallLayer>(CallLayer::Parts{
      .description = counted("quantize", count) + quantization(0, p.zero_point, p.inverse_scale),
      .items = count,
      .output_bytes = count,
      .call = [=](const KernelTable& table, Range items, std::byte* output) {
        table.quantize(p, from->as<float>() + items.begin, u8(output) + items.begin,
                       items.end - items.begin);
      }});
}

std::unique_ptr<Layer> draw_dequantize_layer(Draw& draw) {
  const float scale = draw.real(0.001F, 0.1F);
  const DequantizeParams p = {.scale = draw.pick({scale, scale, 1e-40F, 1e38F}),
                              .zero_point = draw.integer(0, 255)};
  const std::vector<uint8_t> input = draw.bytes(draw_count(draw));
  const auto from = guarded(input);
  return std::make_unique<CallLayer>(CallLayer::Parts{
      .description = counted("dequantize", input.size()) + quantization(p.zero_point, 0, p.scale),
      .items = input.size(),
      .output_bytes = input.size() * sizeof(float),
      .output_alignment = sizeof(float),
      .call = [=](const KernelTable& table, Range items, std::byte* output) {
        table.dequantize(p, from->as<uint8_t>() + items.begin,
                         reinterpret_cast<float*>(output) + items.begin, items.end - items.begin);
      }});
}

}  // namespace

std::size_t draw_count(Draw& draw) { return draw.chance() ? draw.below(10) : 10 + draw.below(291); }

Operands::Operands(Draw& draw)
    : count(draw_count(draw)),
      a_stride(draw.chance(0.2) ? 0 : 1),
      b_stride(draw.chance(0.2) ? 0 : 1),
      a(draw.bytes(a_stride == 0 ? 1 : count)),
      b(draw.bytes(b_stride == 0 ? 1 : count)) {}

BinaryRow Operands::row(uint8_t* output) const {
  return {.a = a.data(),
          .b = b.data(),
          .output = output,
          .count = count,
          .a_stride = a_stride,
          .b_stride = b_stride};
}

std::string Operands::describe() const {
  return std::to_string(count) + " values, steps " + std::to_string(a_stride) + " and " +
         std::to_string(b_stride);
}

AddParams draw_add(Draw& draw) {
  const Clamp clamp = draw_clamp(draw);
  const float sign = draw.pick({1.0F, -1.0F});
  return {.a_zero_point = draw.integer(0, 255),
          .b_zero_point = draw.integer(0, 255),
          .output_zero_point = draw.integer(0, 255),
          .a_multiplier = draw_multiplier(draw),
          .b_multiplier = sign * draw_multiplier(draw),
          .output_min = clamp.min,
          .output_max = clamp.max};
}

MulParams draw_mul(Draw& draw) {
  const Clamp clamp = draw_clamp(draw);
  const float usual = draw.real(0.0001F, 0.1F);
  return {.a_zero_point = draw.integer(0, 255),
          .b_zero_point = draw.integer(0, 255),
          .output_zero_point = draw.integer(0, 255),
          .multiplier = draw.pick({0.25F, 0.25F, usual, usual, usual, 1e-40F, 1e30F}),
          .output_min = clamp.min,
          .output_max = clamp.max};
}

RequantizeParams draw_requantize(Draw& draw) {
  const Clamp clamp = draw_clamp(draw);
  return {.input_zero_point = draw.integer(0, 255),
          .output_zero_point = draw.integer(0, 255),
          .multiplier = draw_multiplier(draw),
          .output_min = clamp.min,
          .output_max = clamp.max};
}

QuantizeParams draw_quantize(Draw& draw) {
  const float scale = draw.pick({0.5F, draw.real(0.001F, 0.1F)});
  return {.inverse_scale = 1 / scale, .zero_point = draw.integer(0, 255)};
}

AffineChannelsParams draw_affine_channels(Draw& draw) {
  AffineChannelsParams p = {.channels = 1 + draw.below(AffineChannelsParams::max_channels),
                            .zero_point = draw.integer(0, 255)};
  for (float& scale : p.scale) {
    scale = draw.real(-2, 2);
    scale *= draw.pick({1.0F, 0.1F, 100.0F});
  }
  for (float& offset : p.offset) offset = draw.real(-300, 300);
  return p;
}

std::vector<float> draw_floats_to_quantize(Draw& draw, const QuantizeParams& params,
                                           std::size_t count) {
  const float scale = 1 / params.inverse_scale;
  SeededDraw own(draw.below(1U << 16));
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) {
    const float halves = 0.5F * static_cast<float>(own.integer(-600, 600));
    values.push_back(scale * (own.chance() ? halves : own.real(-300, 300)));
  }
  return values;
}

std::unique_ptr<Layer> draw_binary_layer(Draw& draw) {
  const Operands x(draw);
  if (draw.below(2) == 0) {
    const AddParams p = draw_add(draw);
    std::ostringstream kind;
    kind << "add, multipliers " << p.a_multiplier << " and " << p.b_multiplier << ", z_a "
         << p.a_zero_point << ", z_b " << p.b_zero_point << ", z_y " << p.output_zero_point;
    return binary_layer(kind.str(), x,
                        [=](const KernelTable& table, const BinaryRow& row) { table.add(p, row); });
  }
  const MulParams p = draw_mul(draw);
  std::ostringstream kind;
  kind << "mul, multiplier " << p.multiplier << ", z_a " << p.a_zero_point << ", z_b "
       << p.b_zero_point << ", z_y " << p.output_zero_point;
  return binary_layer(kind.str(), x,
                      [=](const KernelTable& table, const BinaryRow& row) { table.mul(p, row); });
}

std::unique_ptr<Layer> draw_elementwise_layer(Draw& draw) {
  switch (draw.below(6)) {
    case 0:
      return draw_requantize_layer(draw);
    case 1:
      return draw_lookup_layer(draw);
    case 2:
      return draw_lookup_channels_layer(draw);
    case 3:
      return draw_affine_layer(draw);
    case 4:
      return draw_quantize_layer(draw);
    default:
      return draw_dequantize_layer(draw);
  }
}

}  // namespace octet::test
