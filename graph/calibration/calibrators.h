// How a range is chosen from what was seen of an activation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/calibration/histogram.h"
#include "graph/graph.h"

namespace octet::graph {

enum class Calibrator {
  min_max,     ///< All that was seen.
  percentile,  ///< All but one value in ten thousand, at each end.
  mse,         ///< The least squared error of the quantized values.
  /// The least information lost: Kullback-Leibler divergence of the quantized values' distribution
  /// (Migacz 2017, "8-bit inference with TensorRT"), for both ends of the range.
  entropy,
};

/// "min-max", "percentile", "mse", "entropy"; nothing for other names.
std::optional<Calibrator> parse_calibrator(const std::string& name);
const std::vector<std::string>& calibrator_names();

/// Of u8 values that cover [low, high] and 0, which is exact. A range of nothing but 0 gets
/// scale 1.
Quantization quantization_of_range(double low, double high);

/// For a histogram that is not empty.
Quantization choose_quantization(const Histogram& histogram, Calibrator calibrator);

}  // namespace octet::graph
