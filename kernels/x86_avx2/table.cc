// The AVX2 table.
#include "kernels/kernel_set.h"
#include "kernels/reference/reference.h"
#include "kernels/x86_256/width.h"
#include "kernels/x86_avx2/kernels.h"

namespace octet::kernels::avx2 {
namespace {

constinit const ConvKernel* const convolutions[] = {&depthwise, &winograd, &gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = make_table<Width256>(Isa::avx2, convolutions, peak);

}  // namespace octet::kernels::avx2
