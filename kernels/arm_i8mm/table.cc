// The i8mm table.
#include "kernels/arm/width.h"
#include "kernels/arm_i8mm/kernels.h"
#include "kernels/kernel_set.h"
#include "kernels/reference/reference.h"

namespace octet::kernels::i8mm {
namespace {

constinit const ConvKernel* const convolutions[] = {&depthwise, &gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = make_table<Width128>(Isa::i8mm, convolutions, peak);

}  // namespace octet::kernels::i8mm
