// The roof that this folder's kernels are measured against.
#include "kernels/vector/peak.h"

#include "kernels/arm_dotprod/kernels.h"
#include "kernels/arm_dotprod/simd.h"

namespace octet::kernels::dotprod {

std::size_t peak(std::size_t rounds) { return run_dot_products<Simd>(rounds); }

}  // namespace octet::kernels::dotprod
