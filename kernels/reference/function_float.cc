// Functions of one float32 value. The loops are every table's: what is right is what the plain
// evaluation of tests/kernels says.
#include "kernels/scalar/function_float.h"

#include "kernels/reference/reference.h"

namespace octet::kernels {

template <>
void KernelSet<Reference>::function_float(const FloatFunctionParams& params, const float* input,
                                          float* output, std::size_t count) {
  apply_float_function(params, input, output, count);
}

}  // namespace octet::kernels
