// The neon table.
#include "kernels/arm/kernels.h"
#include "kernels/arm_neon/kernels.h"
#include "kernels/reference/reference.h"

namespace octet::kernels::neon {
namespace {

constinit const ConvKernel* const convolutions[] = {&depthwise, &gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = arm::make_table(Isa::neon, "neon", convolutions, peak);

}  // namespace octet::kernels::neon
