// Dense convolutions and linear layers: 6x64, 8x48, 10x32 and 10x16 tiles.
#include "kernels/x86/gemm.h"

#include "kernels/x86_avx512vnni/kernels.h"
#include "kernels/x86_avx512vnni/simd.h"

namespace octet::kernels::avx512vnni {

constinit const ConvKernel gemm = Gemm<Simd>::kernel;

}  // namespace octet::kernels::avx512vnni
