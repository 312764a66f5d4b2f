// Small TFLite models that together have every operator that octet reads, for tests of damage and
// for fuzzing.
#pragma once

#include <string>
#include <vector>

namespace octet::test {

std::vector<std::string> sample_tflite_models();

}  // namespace octet::test
