// Finds scales of activations without a framework: the float model runs on typical inputs, every
// activation is observed, and a calibrator chooses its range.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/threads.h"
#include "graph/calibration/calibrators.h"
#include "graph/calibration/channel_ranges.h"
#include "graph/calibration/input_variety.h"

namespace octet::graph {

class Calibration {
 public:
  /// `graph` is a float graph, as a loader makes it. Errors: those of build_model for a float
  /// model. `threads` run the model and count its values; the scales do not depend on them.
  static Expected<Calibration> create(const Graph& graph, int threads);

  /// Runs the model once. `inputs` has float32 values for each of the graph's inputs, in the
  /// graph's order and layout.
  Expected<void> observe(const std::vector<std::vector<float>>& inputs);

  /// Gives a scale and zero point to each activation of `graph` that has none. `graph` has to be
  /// the one that `create` was given. Outputs, and tensors whose values are only handed on to them,
  /// get the whole range that was seen; in what the last layers read, values are not clipped
  /// because they are rare. What depthwise layers read gets the range of each channel as well
  /// (Tensor::channel_low). Returns a sentence for each tensor that the user should know about:
  /// constant ones, zero ones, and those with infinities or NaNs. Error: nothing was observed.
  Expected<std::vector<std::string>> apply(Graph& graph, Calibrator calibrator) const;

  /// What makes the scales doubtful, a sentence with the remedy each: fewer than 10 inputs; inputs
  /// that are all alike; an activation whose range is a hundred times what 999 of 1,000 of its
  /// values stay within; a layer whose input has channels of which one is a thousand times as large
  /// as a quarter of the others. `graph` has to be the one that `create` was given.
  std::vector<std::string> warnings(const Graph& graph) const;

 private:
  Calibration(Session session, std::vector<TensorId> tensors, int threads);

  std::unique_ptr<Session> session_;
  std::unique_ptr<ThreadPool> pool_;
  /// Numbers in the graph. They are the session's outputs, in this order.
  std::vector<TensorId> tensors_;
  std::vector<Histogram> histograms_;  ///< One for each of `tensors_`.
  /// For each of `tensors_` that a layer reads. Empty for the others.
  std::vector<ChannelRanges> channels_;
  InputVariety variety_;
};

}  // namespace octet::graph
