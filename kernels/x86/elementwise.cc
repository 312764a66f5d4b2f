// Operators on runs of values.
#include "kernels/shared/elementwise.h"

#include "kernels/x86/kernels.h"
#include "kernels/x86/simd256.h"

namespace octet::kernels::x86 {

void add(const AddParams& params, const BinaryRow& row) { Elementwise<Simd256>::add(params, row); }

void mul(const MulParams& params, const BinaryRow& row) { Elementwise<Simd256>::mul(params, row); }

void quantize(const QuantizeParams& params, const float* input, uint8_t* output,
              std::size_t count) {
  Elementwise<Simd256>::quantize(params, input, output, count);
}

void dequantize(const DequantizeParams& params, const uint8_t* input, float* output,
                std::size_t count) {
  Elementwise<Simd256>::dequantize(params, input, output, count);
}

void requantize(const RequantizeParams& params, const uint8_t* input, uint8_t* output,
                std::size_t count) {
  Elementwise<Simd256>::requantize(params, input, output, count);
}

void lookup(const uint8_t* table, const uint8_t* input, uint8_t* output, std::size_t count) {
  Elementwise<Simd256>::lookup(table, input, output, count);
}

void affine_channels(const AffineChannelsParams& params, const uint8_t* input, uint8_t* output,
                     std::size_t pixels) {
  Elementwise<Simd256>::affine_channels(params, input, output, pixels);
}

}  // namespace octet::kernels::x86
