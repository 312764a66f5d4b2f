// Softmax and functions of float32, for one vector width: plain loops that the compiler vectorises
// with the width's flags. Compiled as leaves.cc is.
#include OCTET_WIDTH

#include "kernels/kernel_set.h"
#include "kernels/scalar/function_float.h"
#include "kernels/scalar/softmax_float.h"

namespace octet::kernels {

template <>
void KernelSet<Width>::softmax_float(const float* input, float* output, std::size_t rows,
                                     std::size_t count) {
  softmax_rows(input, output, rows, count);
}

template <>
void KernelSet<Width>::function_float(const FloatFunctionParams& params, const float* input,
                                      float* output, std::size_t count) {
  apply_float_function(params, input, output, count);
}

}  // namespace octet::kernels
