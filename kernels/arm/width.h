// The vectors that kernels/vector/leaves.cc is compiled with here: 128 bits.
#pragma once

#include "kernels/arm/simd128.h"

namespace octet::kernels {

struct Width128;

namespace {

using Width = Width128;
using WidthSimd = Simd128;

}  // namespace
}  // namespace octet::kernels
