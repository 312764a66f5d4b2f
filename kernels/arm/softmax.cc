#include "kernels/arm/kernels.h"
#include "kernels/softmax_float.h"

namespace octet::kernels::arm {

void softmax_float(const float* input, float* output, std::size_t rows, std::size_t count) {
  softmax_rows(input, output, rows, count);
}

}  // namespace octet::kernels::arm
