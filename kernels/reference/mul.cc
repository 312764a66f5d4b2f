// Elementwise product.
#include "kernels/reference/reference.h"
#include "kernels/scalar/requantize.h"

namespace octet::kernels {

template <>
void KernelSet<Reference>::mul(const MulParams& params, const BinaryRow& row) {
  for (std::size_t i = 0; i < row.count; ++i) {
    const int32_t a = row.a[i * row.a_stride] - params.a_zero_point;
    const int32_t b = row.b[i * row.b_stride] - params.b_zero_point;
    row.output[i] = round_to_u8(static_cast<float>(a * b) * params.multiplier,
                                params.output_zero_point, params.output_min, params.output_max);
  }
}

}  // namespace octet::kernels
