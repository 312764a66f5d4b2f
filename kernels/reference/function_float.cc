// Functions of one float32 value. All tables share the loops, so it is the plain evaluation in
// tests/kernels that says what is right.
#include "kernels/scalar/function_float.h"

#include "kernels/reference/reference.h"

namespace octet::kernels {

template <>
void KernelSet<Reference>::function_float(const FloatFunctionParams& params, const float* input,
                                          float* output, std::size_t count) {
  apply_float_function(params, input, output, count);
}

}  // namespace octet::kernels
