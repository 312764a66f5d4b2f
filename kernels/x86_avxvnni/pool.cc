// Pooling.
#include "kernels/shared/pool.h"

#include "kernels/x86_avxvnni/kernels.h"
#include "kernels/x86_avxvnni/simd.h"

namespace octet::kernels::avxvnni {

void max_pool(const PoolParams& params, const uint8_t* input, uint8_t* output, Range rows) {
  Pool<Simd>::max_pool(params, input, output, rows);
}

void average_pool(const PoolParams& params, const uint8_t* input, uint8_t* output, Range rows) {
  Pool<Simd>::average_pool(params, input, output, rows);
}

}  // namespace octet::kernels::avxvnni
