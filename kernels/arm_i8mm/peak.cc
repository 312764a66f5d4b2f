// The roof that this folder's kernels are measured against.
#include "kernels/vector/peak.h"

#include "kernels/arm_i8mm/kernels.h"
#include "kernels/arm_i8mm/simd.h"

namespace octet::kernels::i8mm {

std::size_t peak(std::size_t rounds) { return run_dot_products<Simd>(rounds); }

}  // namespace octet::kernels::i8mm
