// The kernels of this folder, for its table: dense layers. The rest of the table is taken from
// AVX512-VNNI's. Parameters, shapes and results: kernels/kernels.h.
#pragma once

#include "kernels/kernels.h"

namespace octet::kernels::amx {

extern const KernelTable table;
extern const ConvKernel gemm;

std::size_t peak(std::size_t rounds);

}  // namespace octet::kernels::amx
