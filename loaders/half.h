// 16-bit floats -> float32, for the formats that store weights in them.
#pragma once

#include <cstdint>

namespace octet::loaders {

/// IEEE 754 binary16, from its bits.
float half_to_float(uint16_t bits);

/// bfloat16: the upper half of a float32.
float bfloat_to_float(uint16_t bits);

}  // namespace octet::loaders
