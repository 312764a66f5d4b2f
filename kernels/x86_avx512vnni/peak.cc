// The roof that this folder's kernels are measured against.
#include "kernels/vector/peak.h"

#include "kernels/x86_avx512vnni/kernels.h"
#include "kernels/x86_avx512vnni/simd.h"

namespace octet::kernels::avx512vnni {

std::size_t peak(std::size_t rounds) { return run_dot_products<Simd>(rounds); }

}  // namespace octet::kernels::avx512vnni
