// Depthwise convolutions, 32 values at a time.
#include "kernels/vector/depthwise.h"

#include "kernels/x86_avxvnni/kernels.h"
#include "kernels/x86_avxvnni/simd.h"

namespace octet::kernels::avxvnni {

constinit const ConvKernel depthwise = Depthwise<Simd>::kernel;

}  // namespace octet::kernels::avxvnni
