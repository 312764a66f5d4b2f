// The kernels of this folder, for its table.
#pragma once

#include "kernels/kernels.h"

namespace octet::kernels::avx2 {

extern const KernelTable table;
extern const ConvKernel winograd;
extern const ConvKernel gemm;
extern const ConvKernel depthwise;

std::size_t peak(std::size_t rounds);

}  // namespace octet::kernels::avx2
