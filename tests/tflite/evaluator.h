// TFLite operators in plain loops of double, as TensorFlow's reference says what they mean: what
// octet's results are compared with.
#pragma once

#include <map>
#include <vector>

#include "loaders/tflite/model_file.h"

namespace octet::test {

/// Real values by tensor of the file.
using RealValues = std::map<int32_t, std::vector<double>>;

/// real = scale * (q - zero_point), for all values of a constant.
std::vector<double> real_constant(const loaders::tflite::TensorRecord& tensor);

/// The values rounded to what the tensor can hold: to its bytes, half away from zero, or as they
/// are. Also where TFLite rounds.
std::vector<double> rounded(const loaders::tflite::TensorRecord& tensor,
                            std::vector<double> values);

/// What operator `index` makes of `values`, which have its inputs, as its result `output`, before
/// it is rounded. Throws std::runtime_error for an operator that is not written here.
std::vector<double> exact_result(const loaders::tflite::ModelFile& file, std::size_t index,
                                 RealValues& values, std::size_t output = 0);

/// Runs operator `index` on `values`, which have its inputs, and adds its outputs, rounded. Throws
/// std::runtime_error for an operator that is not written here.
void evaluate(const loaders::tflite::ModelFile& file, std::size_t index, RealValues& values);

}  // namespace octet::test
