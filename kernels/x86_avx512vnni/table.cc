// The AVX512-VNNI table.
#include "kernels/kernel_set.h"
#include "kernels/reference/reference.h"
#include "kernels/x86_avx512vnni/kernels.h"
#include "kernels/x86_avx512vnni/width.h"

namespace octet::kernels::avx512vnni {
namespace {

constinit const ConvKernel* const convolutions[] = {&depthwise, &gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = make_table<Width512>(Isa::avx512vnni, convolutions, peak);

}  // namespace octet::kernels::avx512vnni
