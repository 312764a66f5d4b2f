// The AVX-VNNI table.
#include "kernels/reference/reference.h"
#include "kernels/x86/kernels.h"
#include "kernels/x86_avxvnni/kernels.h"

namespace octet::kernels::avxvnni {
namespace {

constinit const ConvKernel* const convolutions[] = {&depthwise, &gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = x86::make_table(Isa::avxvnni, "avxvnni", convolutions, peak);

}  // namespace octet::kernels::avxvnni
