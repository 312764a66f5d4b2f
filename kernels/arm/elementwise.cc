// Operators on runs of values.
#include "kernels/shared/elementwise.h"

#include "kernels/arm/kernels.h"
#include "kernels/arm/lookup.h"
#include "kernels/arm/simd128.h"

namespace octet::kernels::arm {

void add(const AddParams& params, const BinaryRow& row) { Elementwise<Simd128>::add(params, row); }

void mul(const MulParams& params, const BinaryRow& row) { Elementwise<Simd128>::mul(params, row); }

void quantize(const QuantizeParams& params, const float* input, uint8_t* output,
              std::size_t count) {
  Elementwise<Simd128>::quantize(params, input, output, count);
}

void dequantize(const DequantizeParams& params, const uint8_t* input, float* output,
                std::size_t count) {
  Elementwise<Simd128>::dequantize(params, input, output, count);
}

void requantize(const RequantizeParams& params, const uint8_t* input, uint8_t* output,
                std::size_t count) {
  Elementwise<Simd128>::requantize(params, input, output, count);
}

void lookup(const uint8_t* table, const uint8_t* input, uint8_t* output, std::size_t count) {
  look_up(table, input, output, count);
}

void affine_channels(const AffineChannelsParams& params, const uint8_t* input, uint8_t* output,
                     std::size_t pixels) {
  Elementwise<Simd128>::affine_channels(params, input, output, pixels);
}

}  // namespace octet::kernels::arm
