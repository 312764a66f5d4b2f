// Pooling.
#include "kernels/shared/pool.h"

#include "kernels/x86/kernels.h"
#include "kernels/x86/simd256.h"

namespace octet::kernels::x86 {

void max_pool(const PoolParams& params, const uint8_t* input, uint8_t* output, Range rows) {
  Pool<Simd256>::max_pool(params, input, output, rows);
}

void average_pool(const PoolParams& params, const uint8_t* input, uint8_t* output, Range rows) {
  Pool<Simd256>::average_pool(params, input, output, rows);
}

}  // namespace octet::kernels::x86
