// Dense convolutions and linear layers: 4x16, 5x12, 6x8 and 7x4 tiles.
#include "kernels/arm/gemm.h"

#include "kernels/arm_neon/kernels.h"
#include "kernels/arm_neon/simd.h"
#include "kernels/arm_neon/tile_loop.h"

namespace octet::kernels::neon {

constinit const ConvKernel gemm = Gemm<Simd>::kernel;

}  // namespace octet::kernels::neon
