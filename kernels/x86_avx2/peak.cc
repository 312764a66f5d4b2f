// The roof that this folder's kernels are measured against.
#include "kernels/vector/peak.h"

#include "kernels/x86_avx2/kernels.h"
#include "kernels/x86_avx2/simd.h"

namespace octet::kernels::avx2 {

std::size_t peak(std::size_t rounds) { return run_dot_products<Simd>(rounds); }

}  // namespace octet::kernels::avx2
