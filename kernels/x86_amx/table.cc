// The AMX table: a CPU with AMX has AVX512-VNNI too, whose kernels run what is no dense layer.
#include "kernels/reference/reference.h"
#include "kernels/x86_amx/kernels.h"
#include "kernels/x86_avx512vnni/kernels.h"

namespace octet::kernels::amx {
namespace {

constinit const ConvKernel* const convolutions[] = {&avx512vnni::depthwise, &gemm,
                                                    &avx512vnni::gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = {.isa = Isa::amx,
                                     .name = "amx",
                                     .convolutions = convolutions,
                                     .peak = peak,
                                     .max_pool = avx512vnni::max_pool,
                                     .average_pool = avx512vnni::average_pool,
                                     .add = avx512vnni::add,
                                     .mul = avx512vnni::mul,
                                     .quantize = avx512vnni::quantize,
                                     .dequantize = avx512vnni::dequantize,
                                     .requantize = avx512vnni::requantize,
                                     .lookup = avx512vnni::lookup,
                                     .lookup_channels = reference::lookup_channels,
                                     .affine_channels = avx512vnni::affine_channels,
                                     .softmax = reference::softmax,
                                     .softmax_float = avx512vnni::softmax_float,
                                     .argmax_u8 = reference::argmax_u8,
                                     .argmax_float = reference::argmax_float,
                                     .copy = reference::copy};

}  // namespace octet::kernels::amx
