// TensorFlow's integer arithmetic for s8 models, as its reference kernels have it (Jacob et al.
// 2018, section 2.2): multipliers of 31 bits and a shift. octet's is float32 by design
// (docs/quantization.md); this says how far that alone takes the results apart.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loaders/tflite/model_file.h"

namespace octet::test {

/// TensorFlow has two rules, chosen when it is built: rounding after the product and once more
/// after the shift (the default), or once (TFLITE_SINGLE_ROUNDING).
enum class FixedPointRounding { twice, once };

/// The u8 scores of a classifier of QUANTIZE, CONV_2D, DEPTHWISE_CONV_2D, ADD, MEAN over height and
/// width, RESHAPE and SOFTMAX (in double) for a u8 image. Throws std::runtime_error for others.
std::vector<uint8_t> run_fixed_point(const loaders::tflite::ModelFile& file,
                                     std::span<const uint8_t> image, FixedPointRounding rounding);

}  // namespace octet::test
