// u8 to u8 with another scale and zero point.
#include "kernels/scalar/requantize.h"

#include "kernels/reference/reference.h"

namespace octet::kernels {

template <>
void KernelSet<Reference>::requantize(const RequantizeParams& params, const uint8_t* input,
                                      uint8_t* output, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const float value = static_cast<float>(input[i] - params.input_zero_point);
    output[i] = round_to_u8(value * params.multiplier, params.output_zero_point, params.output_min,
                            params.output_max);
  }
}

}  // namespace octet::kernels
