// Scales of activations without a framework: the float model runs on typical inputs, every
// activation is observed, and a calibrator chooses what its u8 values mean.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/calibration/calibrators.h"

namespace octet::graph {

class Calibration {
 public:
  /// Of a float graph as a loader gives it. Errors: what build_model says of it in float.
  static Expected<Calibration> create(const Graph& graph, int threads);

  /// One run: float32 values for each of the graph's inputs, in its order and layout.
  Expected<void> observe(const std::vector<std::vector<float>>& inputs);

  /// Gives each activation of the graph that `create` was given, and has no scale yet, its scale
  /// and zero point. Outputs, and what only hands values on to them, get the whole range that was
  /// seen; what the last layers read is never clipped by how rare it was. -> what a user should
  /// know of, a sentence a tensor: constant, zero or infinite ones. Error: nothing was observed.
  Expected<std::vector<std::string>> apply(Graph& graph, Calibrator calibrator) const;

 private:
  Calibration(Session session, std::vector<TensorId> tensors);

  std::unique_ptr<Session> session_;
  std::vector<TensorId> tensors_;      ///< Of the graph; the session's outputs, in order.
  std::vector<Histogram> histograms_;  ///< Of each.
};

}  // namespace octet::graph
