// Dense convolutions and linear layers: 6x64, 8x48, 10x32 and 10x16 tiles; shallow ones 3x64, 4x48,
// 6x32, 8x16, and pairs of pixels of 24 channels.
#include "kernels/x86/gemm.h"

#include "kernels/x86_avx512vnni/kernels.h"
#include "kernels/x86_avx512vnni/shallow_tile.h"
#include "kernels/x86_avx512vnni/simd.h"

namespace octet::kernels::avx512vnni {

constinit const ConvKernel gemm = Gemm<Simd>::kernel;

}  // namespace octet::kernels::avx512vnni
