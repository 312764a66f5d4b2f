// u8 to float32.
#include "kernels/reference/reference.h"

namespace octet::kernels {

template <>
void KernelSet<Reference>::dequantize(const DequantizeParams& params, const uint8_t* input,
                                      float* output, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    output[i] = params.scale * static_cast<float>(input[i] - params.zero_point);
  }
}

}  // namespace octet::kernels
