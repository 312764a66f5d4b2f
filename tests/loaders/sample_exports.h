// Two float exports to read, convert and run in tests; what is to be wrong with them is changed in
// the JSON.
#pragma once

#include "tests/loaders/float_export_maker.h"

namespace octet::test {

struct SampleExport {
  nlohmann::json graph;
  std::vector<ExportedTensor> tensors;

  std::string file() const { return float_export(graph, tensors); }
};

/// 'image' [1, 8, 8, 3] -> conv -> relu -> mean -> linear -> 'scores' [1, 5]; calibrated, with
/// labels a to e.
SampleExport sample_classifier();

/// 'image' [1, 16, 16, 3] -> 'boxes' [1, 8, 4], 'scores' [1, 8, 2], 'points' [1, 8, 4]: two sizes
/// in 2 x 2 cells.
SampleExport sample_detector();

/// NCHW: 'image' [1, 2, 3, 4] -> conv 'conv' -> [1, 2, 3, 4], no calibration.
SampleExport sample_channels_first();

}  // namespace octet::test
