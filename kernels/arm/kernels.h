// What all tables of 64-bit Arm have in common: kernels without dot products. Parameters, shapes
// and results: kernels/kernels.h.
#pragma once

#include "kernels/kernels.h"
#include "kernels/reference/reference.h"

namespace octet::kernels::arm {

void max_pool(const PoolParams& params, const uint8_t* input, uint8_t* output, Range rows);
void average_pool(const PoolParams& params, const uint8_t* input, uint8_t* output, Range rows);
void add(const AddParams& params, const BinaryRow& row);
void mul(const MulParams& params, const BinaryRow& row);
void quantize(const QuantizeParams& params, const float* input, uint8_t* output, std::size_t count);
void dequantize(const DequantizeParams& params, const uint8_t* input, float* output,
                std::size_t count);
void requantize(const RequantizeParams& params, const uint8_t* input, uint8_t* output,
                std::size_t count);
void lookup(const uint8_t* table, const uint8_t* input, uint8_t* output, std::size_t count);
void affine_channels(const AffineChannelsParams& params, const uint8_t* input, uint8_t* output,
                     std::size_t pixels);
void softmax_float(const float* input, float* output, std::size_t rows, std::size_t count);
void function_float(const FloatFunctionParams& params, const float* input, float* output,
                    std::size_t count);

/// A table of an instruction set that has its own convolutions.
constexpr KernelTable make_table(Isa isa, const char* name,
                                 std::span<const ConvKernel* const> convolutions,
                                 std::size_t (*peak)(std::size_t rounds)) {
  return {.isa = isa,
          .name = name,
          .convolutions = convolutions,
          .peak = peak,
          .max_pool = max_pool,
          .average_pool = average_pool,
          .add = add,
          .mul = mul,
          .quantize = quantize,
          .dequantize = dequantize,
          .requantize = requantize,
          .lookup = lookup,
          .lookup_channels = reference::lookup_channels,
          .affine_channels = affine_channels,
          .softmax = reference::softmax,
          .softmax_float = softmax_float,
          .function_float = function_float,
          .argmax_u8 = reference::argmax_u8,
          .argmax_float = reference::argmax_float,
          .copy = reference::copy};
}

}  // namespace octet::kernels::arm
