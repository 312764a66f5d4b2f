// Depthwise convolutions, 16 values at a time.
#include "kernels/vector/depthwise.h"

#include "kernels/arm/depthwise_columns.h"
#include "kernels/arm_dotprod/kernels.h"
#include "kernels/arm_dotprod/simd.h"

namespace octet::kernels::dotprod {

constinit const ConvKernel depthwise = Depthwise<Simd, DepthwiseColumns<Simd>>::kernel;

}  // namespace octet::kernels::dotprod
