// What the files of this folder give to its table. Parameters, shapes and results:
// kernels/kernels.h.
#pragma once

#include "kernels/kernels.h"

namespace octet::kernels::neon {

extern const KernelTable table;
extern const ConvKernel gemm;
extern const ConvKernel depthwise;

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
void affine_channels(const AffineChannelsParams& params, const uint8_t* input, uint8_t* output,
                     std::size_t pixels);
void softmax_float(const float* input, float* output, std::size_t rows, std::size_t count);

}  // namespace octet::kernels::neon
