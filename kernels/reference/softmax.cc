// Softmax of one row. Exponentials are float32 values and their sum a double, in index order, so
// that the bytes do not depend on the machine.
#include <algorithm>

#include "kernels/reference/reference.h"
#include "kernels/scalar/exact_math.h"
#include "kernels/scalar/requantize.h"

namespace octet::kernels {

template <>
void KernelSet<Reference>::softmax(const SoftmaxParams& params, const uint8_t* input, void* output,
                                   std::size_t count) {
  const uint8_t largest = *std::max_element(input, input + count);
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += params.table[largest - input[i]];
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<float>(params.table[largest - input[i]] / sum);
    if (params.quantized) {
      static_cast<uint8_t*>(output)[i] =
          quantize_one(value, params.output.inverse_scale, params.output.zero_point);
    } else {
      static_cast<float*>(output)[i] = value;
    }
  }
}

template <>
void KernelSet<Reference>::softmax_float(const float* input, float* output, std::size_t rows,
                                         std::size_t count) {
  for (std::size_t row = 0; row < rows; ++row, input += count, output += count) {
    const double largest = *std::max_element(input, input + count);
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
      output[i] = static_cast<float>(exp_float64(input[i] - largest));
      sum += output[i];
    }
    for (std::size_t i = 0; i < count; ++i) output[i] = static_cast<float>(output[i] / sum);
  }
}

}  // namespace octet::kernels
