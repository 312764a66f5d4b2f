// The roof that this folder's kernels are measured against.
#include "kernels/vector/peak.h"

#include "kernels/x86_avxvnni/kernels.h"
#include "kernels/x86_avxvnni/simd.h"

namespace octet::kernels::avxvnni {

std::size_t peak(std::size_t rounds) { return run_dot_products<Simd>(rounds); }

}  // namespace octet::kernels::avxvnni
