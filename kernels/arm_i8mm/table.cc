// The i8mm table.
#include "kernels/arm_i8mm/kernels.h"
#include "kernels/reference/reference.h"

namespace octet::kernels::i8mm {
namespace {

constinit const ConvKernel* const convolutions[] = {&depthwise, &gemm, &reference::conv};

}  // namespace

constinit const KernelTable table = {.isa = Isa::i8mm,
                                     .name = "i8mm",
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

}  // namespace octet::kernels::i8mm
