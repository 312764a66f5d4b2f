// Dense convolutions and linear layers: 6x16, 7x12, 8x8 and 8x4 tiles.
#include "kernels/arm/gemm.h"

#include "kernels/arm_dotprod/kernels.h"
#include "kernels/arm_dotprod/simd.h"
#include "kernels/arm_dotprod/tile_loop.h"

namespace octet::kernels::dotprod {

constinit const ConvKernel gemm = Gemm<Simd>::kernel;

}  // namespace octet::kernels::dotprod
