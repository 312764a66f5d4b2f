// Dense convolutions and linear layers: 6x16, 6x12, 8x8 and 8x4 tiles.
#include "kernels/arm/gemm.h"

#include "kernels/arm_i8mm/kernels.h"
#include "kernels/arm_i8mm/simd.h"
#include "kernels/arm_i8mm/tile_loop.h"

namespace octet::kernels::i8mm {

constinit const ConvKernel gemm = Gemm<Simd>::kernel;

}  // namespace octet::kernels::i8mm
