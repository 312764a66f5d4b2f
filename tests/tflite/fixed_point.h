// TensorFlow's integer arithmetic for s8 models, as in its reference kernels (Jacob et al. 2018,
// section 2.2): multipliers of 31 bits and a shift. octet's arithmetic is float32 by design
// (docs/quantization.md). These functions tell how far this difference alone takes the results
// apart.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loaders/tflite/model_file.h"

namespace octet::test {

/// TensorFlow has two rules, chosen when it is built: it rounds after the product and once more
/// after the shift (the default), or only once (TFLITE_SINGLE_ROUNDING).
enum class FixedPointRounding { twice, once };

/// Computes the u8 scores of a classifier for a u8 image. The classifier may have QUANTIZE,
/// CONV_2D, DEPTHWISE_CONV_2D, ADD, MEAN over height and width, RESHAPE and SOFTMAX (in double).
/// Throws std::runtime_error for others.
std::vector<uint8_t> run_fixed_point(const loaders::tflite::ModelFile& file,
                                     std::span<const uint8_t> image, FixedPointRounding rounding);

}  // namespace octet::test
