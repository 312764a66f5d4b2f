// Depthwise convolutions, 64 values at a time.
#include "kernels/vector/depthwise.h"

#include "kernels/x86_avx512vnni/kernels.h"
#include "kernels/x86_avx512vnni/simd.h"

namespace octet::kernels::avx512vnni {

constinit const ConvKernel depthwise = Depthwise<Simd>::kernel;

}  // namespace octet::kernels::avx512vnni
