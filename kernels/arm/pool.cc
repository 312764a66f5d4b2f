// Pooling.
#include "kernels/shared/pool.h"

#include "kernels/arm/kernels.h"
#include "kernels/arm/simd128.h"

namespace octet::kernels::arm {

void max_pool(const PoolParams& params, const uint8_t* input, uint8_t* output, Range rows) {
  Pool<Simd128>::max_pool(params, input, output, rows);
}

void average_pool(const PoolParams& params, const uint8_t* input, uint8_t* output, Range rows) {
  Pool<Simd128>::average_pool(params, input, output, rows);
}

}  // namespace octet::kernels::arm
