// What the files of this folder give to its table.
#pragma once

#include "kernels/kernels.h"

namespace octet::kernels::avx512vnni {

extern const KernelTable table;
extern const ConvKernel gemm;
extern const ConvKernel depthwise;

}  // namespace octet::kernels::avx512vnni
