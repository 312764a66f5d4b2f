// Depthwise convolutions, 16 values at a time.
#include "kernels/vector/depthwise.h"

#include "kernels/arm/depthwise_columns.h"
#include "kernels/arm_neon/kernels.h"
#include "kernels/arm_neon/simd.h"

namespace octet::kernels::neon {

constinit const ConvKernel depthwise = Depthwise<Simd, DepthwiseColumns<Simd>>::kernel;

}  // namespace octet::kernels::neon
