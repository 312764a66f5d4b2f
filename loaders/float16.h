// Converts 16-bit floats to float32, for formats that store weights in them.
#pragma once

#include <cstdint>

namespace octet::loaders {

/// Converts the bits of an IEEE 754 binary16.
float float16_to_float(uint16_t bits);

/// Converts a bfloat16, which is the upper half of a float32.
float bfloat16_to_float(uint16_t bits);

}  // namespace octet::loaders
