// The reference kernels: plain loops that say what is right, and what every other table is tested
// against. Other instruction sets' tables point here for what they have no faster form of.
// Parameters, shapes and results: kernels/kernels.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace octet::kernels::reference {

extern const KernelTable table;
extern const ConvKernel conv;

std::size_t peak(std::size_t rounds);
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
void lookup_channels(const uint8_t* tables, std::size_t channels, const uint8_t* input,
                     uint8_t* output, std::size_t pixels);
void softmax(const SoftmaxParams& params, const uint8_t* input, void* output, std::size_t count);
void softmax_float(const float* input, float* output, std::size_t rows, std::size_t count);
void function_float(const FloatFunctionParams& params, const float* input, float* output,
                    std::size_t count);
void affine_channels(const AffineChannelsParams& params, const uint8_t* input, uint8_t* output,
                     std::size_t pixels);
int32_t argmax_u8(const uint8_t* input, std::size_t count, std::size_t stride);
int32_t argmax_float(const float* input, std::size_t count, std::size_t stride);
void copy(const CopyParams& params, const void* source, void* target, Range items);

}  // namespace octet::kernels::reference
