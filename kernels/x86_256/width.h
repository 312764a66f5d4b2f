// The vectors that kernels/vector/leaves.cc is compiled with here: 256 bits.
#pragma once

#include "kernels/x86_256/simd256.h"

namespace octet::kernels {

struct Width256;

namespace {

using Width = Width256;
using WidthSimd = Simd256;

}  // namespace
}  // namespace octet::kernels
