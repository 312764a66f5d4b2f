// Dense convolutions and linear layers: 4x24, 6x16 and 10x8 tiles.
#include "kernels/x86/gemm.h"

#include "kernels/x86_avx2/kernels.h"
#include "kernels/x86_avx2/simd.h"

namespace octet::kernels::avx2 {

constinit const ConvKernel gemm = Gemm<Simd>::kernel;

}  // namespace octet::kernels::avx2
