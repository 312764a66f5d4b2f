// Rounds the weights of a model with regard to what its layers read.
#pragma once

#include <memory>
#include <vector>

#include "engine/threads.h"
#include "graph/graph.h"
#include "graph/rounding/input_moments.h"

namespace octet::graph {

/// Runs a model that `lower` made, with weights rounded to the nearest, on typical inputs, and
/// rounds the weights of its int8 layers again by least squares on what the layers read.
///
/// The sums over a layer's inputs grow with the square of its filters' size. So layers are taken in
/// several passes over the inputs, if not all of them fit the memory at once.
///
///     while (!rounding->done()) {
///       for (const auto& input : inputs) rounding->observe(input);
///       rounding->finish_pass(graph);
///     }
class WeightRounding {
 public:
  /// `inputs` is about how many will be observed in each pass. Layers with filters of more than
  /// 4,608 weights are left out, and so are weights that came quantized or with a wish how to
  /// quantize them. Errors: those of build_model.
  static Expected<WeightRounding> create(const Graph& lowered, std::size_t inputs, int threads);

  /// Whether all layers are rounded.
  bool done() const { return next_ == layers_.size(); }
  /// How many passes there are.
  std::size_t passes() const;

  /// Runs the model once: float32 values for each of the graph's inputs, in order.
  Expected<void> observe(const std::vector<std::vector<float>>& inputs);

  /// Rounds the layers of this pass in `lowered`, which has to be the graph that `create` was
  /// given. If the pass observed fewer than 8 inputs, weights stay as they are: so few tell nothing
  /// about others.
  void finish_pass(Graph& lowered);

 private:
  struct Layer {
    std::size_t node = 0;
    std::size_t output = 0;  ///< The probe's output that the layer reads.
    LayerWindows windows;
  };
  WeightRounding(Session session, std::vector<Layer> layers, std::size_t inputs, int threads);

  std::size_t end_of_pass(std::size_t first) const;
  void begin_pass();
  void round_layer(Graph& lowered, const Layer& layer, const InputMoments& moments) const;

  std::unique_ptr<Session> session_;
  std::unique_ptr<ThreadPool> pool_;
  std::vector<Layer> layers_;
  std::size_t inputs_ = 0;             ///< To come, about.
  std::size_t observed_ = 0;           ///< In this pass.
  std::size_t next_ = 0;               ///< The first layer of this pass.
  std::vector<InputMoments> moments_;  ///< Of the layers of this pass.
};

}  // namespace octet::graph
