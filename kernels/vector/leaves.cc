// The kernels of one vector width. This file is compiled once for each width (octet_width in
// kernels/CMakeLists.txt), with the width's flags. OCTET_WIDTH is the width's header, which says
// what Width and its Simd are.
#include OCTET_WIDTH

#include "kernels/vector/elementwise.h"
#include "kernels/vector/pool.h"

namespace octet::kernels {

template <>
void KernelSet<Width>::max_pool(const PoolParams& params, const uint8_t* input, uint8_t* output,
                                Range rows) {
  Pool<WidthSimd>::max_pool(params, input, output, rows);
}

template <>
void KernelSet<Width>::average_pool(const PoolParams& params, const uint8_t* input, uint8_t* output,
                                    Range rows) {
  Pool<WidthSimd>::average_pool(params, input, output, rows);
}

template <>
void KernelSet<Width>::add(const AddParams& params, const BinaryRow& row) {
  Elementwise<WidthSimd>::add(params, row);
}

template <>
void KernelSet<Width>::mul(const MulParams& params, const BinaryRow& row) {
  Elementwise<WidthSimd>::mul(params, row);
}

template <>
void KernelSet<Width>::quantize(const QuantizeParams& params, const float* input, uint8_t* output,
                                std::size_t count) {
  Elementwise<WidthSimd>::quantize(params, input, output, count);
}

template <>
void KernelSet<Width>::dequantize(const DequantizeParams& params, const uint8_t* input,
                                  float* output, std::size_t count) {
  Elementwise<WidthSimd>::dequantize(params, input, output, count);
}

template <>
void KernelSet<Width>::requantize(const RequantizeParams& params, const uint8_t* input,
                                  uint8_t* output, std::size_t count) {
  Elementwise<WidthSimd>::requantize(params, input, output, count);
}

template <>
void KernelSet<Width>::lookup(const uint8_t* table, const uint8_t* input, uint8_t* output,
                              std::size_t count) {
  Elementwise<WidthSimd>::lookup(table, input, output, count);
}

template <>
void KernelSet<Width>::affine_channels(const AffineChannelsParams& params, const uint8_t* input,
                                       uint8_t* output, std::size_t pixels) {
  Elementwise<WidthSimd>::affine_channels(params, input, output, pixels);
}

}  // namespace octet::kernels
