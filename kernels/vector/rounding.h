// How the results of a convolution are rounded to bytes. rounding_of (gemm_plan.h) chooses it once
// for each layer, and the epilogues follow it.
#pragma once

#include <cstdint>

namespace octet::kernels::vector {

enum class Rounding : int32_t {
  general,
  // Results provably fit s16: rounding is one float addition, which adds the zero point as well.
  s16_even,  ///< The zero point is even.
  s16_odd,
};

}  // namespace octet::kernels::vector
