// The kernels of this folder, for its table. Parameters, shapes and results:
// kernels/kernels.h.
#pragma once

#include "kernels/kernels.h"

namespace octet::kernels::dotprod {

extern const KernelTable table;
extern const ConvKernel gemm;
extern const ConvKernel depthwise;

std::size_t peak(std::size_t rounds);

}  // namespace octet::kernels::dotprod
