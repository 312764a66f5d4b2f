// The AVX2 table.
#include "kernels/reference/reference.h"
#include "kernels/x86/kernels.h"
#include "kernels/x86_avx2/kernels.h"

namespace octet::kernels::avx2 {
namespace {

constinit const ConvKernel* const convolutions[] = {&depthwise, &winograd, &gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = x86::make_table(Isa::avx2, "avx2", convolutions, peak);

}  // namespace octet::kernels::avx2
