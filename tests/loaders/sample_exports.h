// Float exports to read, convert and run in tests. Tests change the JSON to make them wrong.
#pragma once

#include "tests/loaders/float_export_maker.h"

namespace octet::test {

struct SampleExport {
  nlohmann::json graph;
  std::vector<ExportedTensor> tensors;

  std::string file() const { return float_export(graph, tensors); }
};

/// 'image' [1, 8, 8, 3], then a convolution, ReLU, mean and linear layer, which gives 'scores' [1,
/// 5]. It is calibrated and has labels a to e.
SampleExport sample_classifier();

/// 'image' [1, 16, 16, 3] gives 'boxes' [1, 8, 4], 'scores' [1, 8, 2] and 'points' [1, 8, 4]: two
/// sizes in 2 x 2 cells.
SampleExport sample_detector();

/// NCHW: 'image' [1, 2, 3, 4] and a convolution 'conv', which gives [1, 2, 3, 4], without
/// calibration.
SampleExport sample_channels_first();

}  // namespace octet::test
