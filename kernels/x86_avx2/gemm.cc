// Dense convolutions and linear layers: 3x24, 4x16 and 8x8 tiles of values widened to s16.
#include "kernels/x86/gemm.h"

#include "kernels/x86_avx2/kernels.h"
#include "kernels/x86_avx2/shallow_tile.h"
#include "kernels/x86_avx2/simd.h"

namespace octet::kernels::avx2 {

constinit const ConvKernel gemm = Gemm<Simd>::kernel;

}  // namespace octet::kernels::avx2
