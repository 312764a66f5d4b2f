// Dense convolutions and linear layers: 4x24, 6x16 and 10x8 tiles; shallow ones 3x24, 4x16 and 8x8.
#include "kernels/x86/gemm.h"

#include "kernels/x86_avxvnni/kernels.h"
#include "kernels/x86_avxvnni/shallow_tile.h"
#include "kernels/x86_avxvnni/simd.h"

namespace octet::kernels::avxvnni {

constinit const ConvKernel gemm = Gemm<Simd>::kernel;

}  // namespace octet::kernels::avxvnni
