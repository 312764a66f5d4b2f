// Pooling.
#include "kernels/shared/pool.h"

#include "kernels/arm_neon/kernels.h"
#include "kernels/arm_neon/simd.h"

namespace octet::kernels::neon {

void max_pool(const PoolParams& params, const uint8_t* input, uint8_t* output, Range rows) {
  Pool<Simd>::max_pool(params, input, output, rows);
}

void average_pool(const PoolParams& params, const uint8_t* input, uint8_t* output, Range rows) {
  Pool<Simd>::average_pool(params, input, output, rows);
}

}  // namespace octet::kernels::neon
