// Small float graphs, written down in a test as a network is: one call for each layer.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace octet::test {

using graph::Graph;
using graph::Node;
using graph::Quantization;
using graph::TensorId;

struct ConvSettings {
  int32_t channels = 4;
  int32_t kernel = 1;
  int32_t stride = 1;
  int32_t padding = 0;
  int32_t groups = 1;
  bool bias = true;
  std::vector<float> weights = {};      ///< Row-major [O, kh, kw, I / groups]; random if empty.
  std::vector<float> bias_values = {};  ///< Random if empty.
};

struct PoolSettings {
  int32_t kernel = 2;
  int32_t stride = 2;
  int32_t padding = 0;
};

/// Every call adds one node, whose output is named after it; shapes are inferred. Random weights
/// have a size that keeps activations near 1.
class GraphMaker {
 public:
  explicit GraphMaker(uint32_t seed = 1) : random_(seed) { graph_.name = "test graph"; }

  TensorId input(Shape shape, std::optional<Quantization> quantization = std::nullopt);
  TensorId constant(const std::string& name, Shape shape, const std::vector<float>& values);
  TensorId whole_constant(const std::string& name, Shape shape, const std::vector<int32_t>& values);
  /// Random values with a standard normal distribution, times `deviation`.
  TensorId random_constant(const std::string& name, Shape shape, float deviation = 1);

  TensorId conv(const std::string& name, TensorId x, const ConvSettings& settings = {});
  TensorId linear(const std::string& name, TensorId x, const ConvSettings& settings = {});
  /// A batch norm with random parameters or, without `shifts`, with a random gamma only, and mean
  /// and beta 0.
  TensorId batch_norm(const std::string& name, TensorId x, bool shifts = true);
  TensorId clip(const std::string& name, TensorId x, Bounds bounds);
  TensorId relu(const std::string& name, TensorId x) { return clip(name, x, {.min = 0}); }
  TensorId relu6(const std::string& name, TensorId x) {
    return clip(name, x, {.min = 0, .max = 6});
  }
  TensorId add(const std::string& name, TensorId a, TensorId b);
  TensorId mul(const std::string& name, TensorId a, TensorId b);
  TensorId concat(const std::string& name, std::vector<TensorId> inputs, int32_t axis);
  TensorId max_pool(const std::string& name, TensorId x, const PoolSettings& settings = {});
  TensorId average_pool(const std::string& name, TensorId x, const PoolSettings& settings = {});
  TensorId mean(const std::string& name, TensorId x, std::vector<int32_t> axes,
                bool keepdims = false);
  TensorId reshape(const std::string& name, TensorId x, Shape shape);
  TensorId transpose(const std::string& name, TensorId x, std::vector<int32_t> permutation);
  TensorId softmax(const std::string& name, TensorId x);
  TensorId argmax(const std::string& name, TensorId x);
  /// -> its values, called after it, and their places.
  std::vector<TensorId> top_k(const std::string& name, TensorId x, AxisAttributes attributes);
  TensorId quantize(const std::string& name, TensorId x, Quantization quantization);
  TensorId dequantize(const std::string& name, TensorId x) {
    return simple(name, Op::dequantize, x);
  }
  /// An operator without attributes, or with its default attributes.
  TensorId simple(const std::string& name, Op op, TensorId x);
  TensorId node(const std::string& name, Op op, Attributes attributes,
                std::vector<TensorId> inputs);
  /// The same for an operator that has several results. Those behind the first are called "name.2",
  /// "name.3" and so on.
  std::vector<TensorId> node_of_several(const std::string& name, Op op, Attributes attributes,
                                        std::vector<TensorId> inputs);
  /// The same as node(), but the result has whole numbers.
  TensorId whole(const std::string& name, Op op, Attributes attributes,
                 std::vector<TensorId> inputs);
  TensorId to_whole(const std::string& name, TensorId x) {
    return whole(name, Op::cast, NoAttributes{}, {x});
  }

  /// Sets what calibration would have found for `id`.
  GraphMaker& scale(TensorId id, float scale, int32_t zero_point = 0);
  graph::Node& last() { return graph_.nodes.back(); }
  Graph& graph() { return graph_; }
  /// Returns the graph with these outputs. REQUIREs that check() accepts it.
  Graph finish(std::vector<TensorId> outputs);

 private:
  std::vector<float> random_values(std::size_t count, float deviation);
  TensorId layer(const std::string& name, Op op, TensorId x, Shape weight_shape, Window window,
                 const ConvSettings& settings);

  Graph graph_;
  std::mt19937 random_;
};

/// Returns the node with this name, or null.
const graph::Node* find_node(const Graph& graph, const std::string& name);
/// Returns the node with this name; REQUIREs that it is there.
const graph::Node& node_named(const Graph& graph, const std::string& name);
/// Returns the names of the operators in order, such as "conv2d add clip".
std::string ops_of(const Graph& graph);
/// Returns the tensor with this name; REQUIREs that it is there.
const graph::Tensor& tensor_named(const Graph& graph, const std::string& name);

}  // namespace octet::test
