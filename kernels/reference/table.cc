// The reference table.
#include "kernels/reference/reference.h"

namespace octet::kernels::reference {

namespace {

constinit const ConvKernel* const convolutions[] = {&conv};

}  // namespace

constinit const KernelTable table = {.isa = Isa::reference,
                                     .name = "reference",
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
                                     .lookup_channels = lookup_channels,
                                     .affine_channels = affine_channels,
                                     .softmax = softmax,
                                     .softmax_float = softmax_float,
                                     .function_float = function_float,
                                     .argmax_u8 = argmax_u8,
                                     .argmax_float = argmax_float,
                                     .copy = copy};

}  // namespace octet::kernels::reference
