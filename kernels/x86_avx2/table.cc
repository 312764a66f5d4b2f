// The AVX2 table.
#include "kernels/reference/reference.h"
#include "kernels/x86_avx2/kernels.h"

namespace octet::kernels::avx2 {
namespace {

constinit const ConvKernel* const convolutions[] = {&depthwise, &winograd, &gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = {.isa = Isa::avx2,
                                     .name = "avx2",
                                     .convolutions = convolutions,
                                     .peak = peak,
                                     .max_pool = max_pool,
                                     .average_pool = average_pool,
                                     .add = add,
                                     .mul = mul,
                                     .quantize = quantize,
                                     .dequantize = dequantize,
                                     .requantize = requantize,
                                     .lookup = lookup,
                                     .lookup_channels = reference::lookup_channels,
                                     .affine_channels = affine_channels,
                                     .softmax = reference::softmax,
                                     .softmax_float = softmax_float,
                                     .argmax_u8 = reference::argmax_u8,
                                     .argmax_float = reference::argmax_float,
                                     .copy = reference::copy};

}  // namespace octet::kernels::avx2
