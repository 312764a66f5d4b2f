// How a range is chosen from the values that were observed of an activation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/calibration/histogram.h"
#include "graph/graph.h"

namespace octet::graph {

enum class Calibrator {
  min_max,     ///< The whole range that was seen.
  percentile,  ///< The range without one value in ten thousand at each end.
  mse,         ///< The range with the least squared error of the quantized values.
  /// The range with the least loss of information: the Kullback-Leibler divergence of the quantized
  /// values' distribution (Migacz 2017, "8-bit inference with TensorRT"), for both ends of the
  /// range.
  entropy,
};

/// Takes "min-max", "percentile", "mse" or "entropy"; returns nothing for other names.
std::optional<Calibrator> parse_calibrator(const std::string& name);
const std::vector<std::string>& calibrator_names();

/// Returns the quantization whose u8 values cover [low, high] and 0; 0 is exact. If the range is
/// nothing but 0, the scale is 1.
Quantization quantization_of_range(double low, double high);

/// Chooses a range for a histogram that is not empty.
Quantization choose_quantization(const Histogram& histogram, Calibrator calibrator);

}  // namespace octet::graph
