// The neon table.
#include "kernels/arm/width.h"
#include "kernels/arm_neon/kernels.h"
#include "kernels/kernel_set.h"
#include "kernels/reference/reference.h"

namespace octet::kernels::neon {
namespace {

constinit const ConvKernel* const convolutions[] = {&depthwise, &gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = make_table<Width128>(Isa::neon, convolutions, peak);

}  // namespace octet::kernels::neon
