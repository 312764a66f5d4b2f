// How the results of a convolution are rounded to bytes: chosen once a layer (gemm_plan.h's
// rounding_of), followed by the epilogues.
#pragma once

#include <cstdint>

namespace octet::kernels::vector {

enum class Rounding : int32_t {
  general,
  // Results provably fit s16: rounding is one float addition, which adds the zero point as well.
  s16_even,  ///< An even zero point.
  s16_odd,
};

}  // namespace octet::kernels::vector
