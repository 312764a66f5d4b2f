// Depthwise convolutions, 16 values at a time.
#include "kernels/vector/depthwise.h"

#include "kernels/arm/depthwise_columns.h"
#include "kernels/arm_i8mm/kernels.h"
#include "kernels/arm_i8mm/simd.h"

namespace octet::kernels::i8mm {

constinit const ConvKernel depthwise = Depthwise<Simd, DepthwiseColumns<Simd>>::kernel;

}  // namespace octet::kernels::i8mm
