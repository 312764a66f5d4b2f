// The AVX-VNNI table.
#include "kernels/kernel_set.h"
#include "kernels/reference/reference.h"
#include "kernels/x86_256/width.h"
#include "kernels/x86_avxvnni/kernels.h"

namespace octet::kernels::avxvnni {
namespace {

constinit const ConvKernel* const convolutions[] = {&depthwise, &gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = make_table<Width256>(Isa::avxvnni, convolutions, peak);

}  // namespace octet::kernels::avxvnni
