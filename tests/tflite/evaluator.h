// TFLite operators in plain loops of double, as TensorFlow's reference defines them. octet's
// results are compared with them.
#pragma once

#include <map>
#include <vector>

#include "loaders/tflite/model_file.h"

namespace octet::test {

/// Real values, by the number of the tensor in the file.
using RealValues = std::map<int32_t, std::vector<double>>;

/// real = scale * (q - zero_point), for all values of a constant.
std::vector<double> real_constant(const loaders::tflite::TensorRecord& tensor);

/// Returns the values rounded to those that the tensor can represent: to bytes, half away from
/// zero; floats stay as they are.
std::vector<double> rounded(const loaders::tflite::TensorRecord& tensor,
                            std::vector<double> values);

/// Computes the result `output` of operator `index` before it is rounded. `values` has the
/// operator's inputs. Throws std::runtime_error for an operator that is not written here.
std::vector<double> exact_result(const loaders::tflite::ModelFile& file, std::size_t index,
                                 RealValues& values, std::size_t output = 0);

/// Runs operator `index` and adds its outputs, rounded, to `values`, which has its inputs. Throws
/// std::runtime_error for an operator that is not written here.
void evaluate(const loaders::tflite::ModelFile& file, std::size_t index, RealValues& values);

}  // namespace octet::test
