// The vectors that kernels/vector/leaves.cc is compiled with here: 512 bits.
#pragma once

#include "kernels/x86_avx512vnni/simd.h"

namespace octet::kernels {

struct Width512;

namespace {

using Width = Width512;
using WidthSimd = Simd;

}  // namespace
}  // namespace octet::kernels
