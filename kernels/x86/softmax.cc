#include "kernels/softmax_float.h"
#include "kernels/x86/kernels.h"

namespace octet::kernels::x86 {

void softmax_float(const float* input, float* output, std::size_t rows, std::size_t count) {
  softmax_rows(input, output, rows, count);
}

}  // namespace octet::kernels::x86
