// Softmax and functions of float32.
#include "kernels/function_float.h"
#include "kernels/softmax_float.h"
#include "kernels/x86_avx512vnni/kernels.h"

namespace octet::kernels::avx512vnni {

void softmax_float(const float* input, float* output, std::size_t rows, std::size_t count) {
  softmax_rows(input, output, rows, count);
}

void function_float(const FloatFunctionParams& params, const float* input, float* output,
                    std::size_t count) {
  apply_float_function(params, input, output, count);
}

}  // namespace octet::kernels::avx512vnni
