// The AMX table: a CPU with AMX has AVX512-VNNI too, whose kernels run everything but dense layers.
#include "kernels/kernel_set.h"
#include "kernels/reference/reference.h"
#include "kernels/x86_amx/kernels.h"
#include "kernels/x86_avx512vnni/kernels.h"
#include "kernels/x86_avx512vnni/width.h"

namespace octet::kernels::amx {
namespace {

constinit const ConvKernel* const convolutions[] = {&avx512vnni::depthwise, &gemm,
                                                    &avx512vnni::gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = make_table<Width512>(Isa::amx, convolutions, peak);

}  // namespace octet::kernels::amx
