// The dotprod table.
#include "kernels/arm/kernels.h"
#include "kernels/arm_dotprod/kernels.h"
#include "kernels/reference/reference.h"

namespace octet::kernels::dotprod {
namespace {

constinit const ConvKernel* const convolutions[] = {&depthwise, &gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = arm::make_table(Isa::dotprod, "dotprod", convolutions, peak);

}  // namespace octet::kernels::dotprod
