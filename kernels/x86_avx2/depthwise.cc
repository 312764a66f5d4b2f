// Depthwise convolutions, 32 values at a time.
#include "kernels/vector/depthwise.h"

#include "kernels/x86_avx2/kernels.h"
#include "kernels/x86_avx2/simd.h"

namespace octet::kernels::avx2 {

constinit const ConvKernel depthwise = Depthwise<Simd>::kernel;

}  // namespace octet::kernels::avx2
