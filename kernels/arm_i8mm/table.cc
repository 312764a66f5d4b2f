// The i8mm table.
#include "kernels/arm/kernels.h"
#include "kernels/arm_i8mm/kernels.h"
#include "kernels/reference/reference.h"

namespace octet::kernels::i8mm {
namespace {

constinit const ConvKernel* const convolutions[] = {&depthwise, &gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = arm::make_table(Isa::i8mm, "i8mm", convolutions, peak);

}  // namespace octet::kernels::i8mm
