// The AVX512-VNNI table.
#include "kernels/reference/reference.h"
#include "kernels/x86_avx512vnni/kernels.h"

namespace octet::kernels::avx512vnni {
namespace {

constinit const ConvKernel* const convolutions[] = {&depthwise, &gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = make_table(Isa::avx512vnni, "avx512vnni", convolutions, peak);

}  // namespace octet::kernels::avx512vnni
