// float32 to u8.
#include "kernels/reference/reference.h"
#include "kernels/scalar/requantize.h"

namespace octet::kernels {

template <>
void KernelSet<Reference>::quantize(const QuantizeParams& params, const float* input,
                                    uint8_t* output, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    output[i] = quantize_one(input[i], params.inverse_scale, params.zero_point);
  }
}

}  // namespace octet::kernels
