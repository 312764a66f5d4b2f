// Functions of one u8 value, as tables.
#include "kernels/reference/reference.h"
#include "kernels/scalar/requantize.h"

namespace octet::kernels {

template <>
void KernelSet<Reference>::lookup(const uint8_t* table, const uint8_t* input, uint8_t* output,
                                  std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) output[i] = table[input[i]];
}

template <>
void KernelSet<Reference>::lookup_channels(const uint8_t* tables, std::size_t channels,
                                           const uint8_t* input, uint8_t* output,
                                           std::size_t pixels) {
  for (std::size_t p = 0; p < pixels; ++p) {
    for (std::size_t c = 0; c < channels; ++c) {
      output[p * channels + c] = tables[c * 256 + input[p * channels + c]];
    }
  }
}

template <>
void KernelSet<Reference>::affine_channels(const AffineChannelsParams& params, const uint8_t* input,
                                           uint8_t* output, std::size_t pixels) {
  for (std::size_t i = 0; i < pixels * params.channels; ++i) {
    const std::size_t c = i % params.channels;
    const float value = static_cast<float>(input[i]) * params.scale[c] + params.offset[c];
    output[i] = round_to_u8(value, params.zero_point, 0, 255);
  }
}

}  // namespace octet::kernels
