// Softmax and functions of float32.
#include "kernels/arm/kernels.h"
#include "kernels/function_float.h"
#include "kernels/softmax_float.h"

namespace octet::kernels::arm {

void softmax_float(const float* input, float* output, std::size_t rows, std::size_t count) {
  softmax_rows(input, output, rows, count);
}

void function_float(const FloatFunctionParams& params, const float* input, float* output,
                    std::size_t count) {
  apply_float_function(params, input, output, count);
}

}  // namespace octet::kernels::arm
