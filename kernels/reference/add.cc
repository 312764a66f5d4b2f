// Elementwise sum and difference.
#include "kernels/reference/reference.h"
#include "kernels/scalar/requantize.h"

namespace octet::kernels {

template <>
void KernelSet<Reference>::add(const AddParams& params, const BinaryRow& row) {
  for (std::size_t i = 0; i < row.count; ++i) {
    const float a = static_cast<float>(row.a[i * row.a_stride] - params.a_zero_point);
    const float b = static_cast<float>(row.b[i * row.b_stride] - params.b_zero_point);
    row.output[i] = round_to_u8(a * params.a_multiplier + b * params.b_multiplier,
                                params.output_zero_point, params.output_min, params.output_max);
  }
}

}  // namespace octet::kernels
