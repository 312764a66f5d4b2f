#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "engine/operator_table.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// The limit for nodes that lead to an output. If a range would have fewer than 255 / 4 levels of
// the scale of a joined range, both are different quantities: scores beside boxes, or an offset
// within a cell beside the position of the cell. These are the model's answers.
constexpr float most_apart_at_ends = 4;

// The limit between layers: a range must have at least 8 levels. Float costs more there, and the
// networks that were measured (DenseNet, GoogLeNet, ShuffleNet, YOLOX) join ranges that differ by a
// factor of up to 20.
constexpr float most_apart_inside = 32;

class Quantities {
 public:
  explicit Quantities(Graph& graph) : graph_(graph), ends_(graph.nodes.size(), false) {
    for (std::size_t i = graph.nodes.size(); i-- > 0;) {
      const Node& node = graph.nodes[i];
      const auto leads = [&](int reader) { return ends_[static_cast<std::size_t>(reader)]; };
      ends_[i] = !is_layer(node) && std::ranges::any_of(node.outputs, [&](TensorId id) {
        return graph.is_output(id) || std::ranges::any_of(graph.readers_of(id), leads);
      });
    }
  }

  /// Whether the node leads to an output without a layer in between. A layer would need bytes of
  /// one scale.
  bool is_at_end(int index) const { return ends_[static_cast<std::size_t>(index)]; }

  float most_apart(int index) const {
    return is_at_end(index) ? most_apart_at_ends : most_apart_inside;
  }

  /// Keeps the node and the readers of its result in float, up to the outputs or to the next
  /// layers.
  void keep_float(int index, const std::string& reason) {
    if (is_at_end(index)) {
      keep_end_float(index, reason);
    } else {
      keep_inside_float(index, reason);
    }
  }

  /// Keeps in float the nodes that cut the tensor into parts, and the node that computes it. Each
  /// part is then quantized where it is read.
  void keep_parts_float(TensorId id, bool at_end, const std::string& reason) {
    const int index = graph_.producer_of(id);
    if (index >= 0 && moves_or_joins(node_at(index))) {
      for (const TensorId input : moved_operands(node_at(index)))
        keep_parts_float(input, at_end, reason);
      return;
    }
    keep_readers_float(id, at_end, reason);
    if (index < 0) return;
    const bool all_float = std::ranges::all_of(graph_.readers_of(id), [&](int reader) {
      return node_at(reader).precision == Precision::float32;
    });
    const Node& source = node_at(index);
    const bool stores_float =
        is_layer(source) && !std::get<ConvAttributes>(source.attributes).has_residual && all_float;
    if (!stores_float) set_float(index, reason);
  }

 private:
  Node& node_at(int index) { return graph_.nodes[static_cast<std::size_t>(index)]; }

  // Returns the nodes that read the node's values. Readers of its indices do not count: indices are
  // exact.
  std::vector<int> readers_of_results(int index) const {
    std::vector<int> readers;
    for (const TensorId id : moved_results(graph_.nodes[static_cast<std::size_t>(index)])) {
      const auto more = graph_.readers_of(id);
      readers.insert(readers.end(), more.begin(), more.end());
    }
    return readers;
  }

  bool set_float(int index, const std::string& reason) {
    Node& node = node_at(index);
    if (node.precision != Precision::undecided) return false;
    node.precision = Precision::float32;
    node.reason = reason;
    return true;
  }

  // Layers that read the results quantize them for themselves.
  void keep_end_float(int index, const std::string& reason) {
    if (!set_float(index, reason)) return;
    for (const int reader : readers_of_results(index)) {
      if (is_at_end(reader)) keep_end_float(reader, reason);
    }
  }

  void keep_inside_float(int index, const std::string& reason) {
    if (!set_float(index, reason) || is_layer(node_at(index))) return;
    for (const int reader : readers_of_results(index)) keep_inside_float(reader, reason);
  }

  void keep_readers_float(TensorId id, bool at_end, const std::string& reason) {
    for (const int reader : graph_.readers_of(id)) {
      if (at_end && is_at_end(reader)) {
        keep_end_float(reader, reason);
      } else if (!at_end && moves_or_joins(node_at(reader)) && set_float(reader, reason)) {
        for (const TensorId result : moved_results(node_at(reader)))
          keep_readers_float(result, at_end, reason);
      }
    }
  }

  Graph& graph_;
  std::vector<bool> ends_;
};

/// The factor by which a constant in a product or quotient drives the values of one tensor apart:
/// its largest magnitude over the smallest that is not 0. 1 if no operand is a constant.
float spread_of_factors(const Graph& graph, const Node& node) {
  if (node.op != Op::mul && node.op != Op::div) return 1;
  for (const TensorId id : node.inputs) {
    const Tensor& tensor = graph.tensor(id);
    if (!tensor.is_constant() || tensor.type != Type::f32) continue;
    float least = std::numeric_limits<float>::infinity();
    float most = 0;
    for (const float value : float_values(tensor)) {
      const float factor = std::abs(value);
      if (factor == 0 || !std::isfinite(factor)) continue;
      least = std::min(least, factor);
      most = std::max(most, factor);
    }
    if (most > 0) return most / least;
  }
  return 1;
}

/// The factor by which the channels of a layer's result may differ, judged from weights and biases:
/// the largest sum of magnitudes in a row of weights over the smallest that is not 0. 1 for nodes
/// that are no layers.
float spread_of_channels(const Graph& graph, int index) {
  if (index < 0) return 1;
  const Node& layer = graph.nodes[static_cast<std::size_t>(index)];
  if (!is_layer(layer)) return 1;
  const Tensor& weight = graph.tensor(layer.inputs[1]);
  if (!weight.is_constant() || weight.type != Type::f32) return 1;
  const auto values = float_values(weight);
  const auto channels = static_cast<std::size_t>(weight.shape[0]);
  const bool has_bias = std::get<ConvAttributes>(layer.attributes).has_bias;
  float least = std::numeric_limits<float>::infinity();
  float most = 0;
  for (std::size_t c = 0; c < channels; ++c) {
    float sum = has_bias ? std::abs(float_values(graph.tensor(layer.inputs[2]))[c]) : 0;
    for (std::size_t i = 0; i < values.size() / channels; ++i)
      sum += std::abs(values[c * (values.size() / channels) + i]);
    if (sum == 0 || !std::isfinite(sum)) continue;
    least = std::min(least, sum);
    most = std::max(most, sum);
  }
  return most > 0 ? most / least : 1;
}

std::string reason_of(float fine, float coarse, const char* how_far) {
  char text[200];
  std::snprintf(text, sizeof(text),
                "different quantities, with steps of %.2g and %.2g, which one scale cannot hold: "
                "in float %s",
                static_cast<double>(fine), static_cast<double>(coarse), how_far);
  return text;
}

}  // namespace

Status keep_quantities_apart(Graph& graph) {
  Quantities quantities(graph);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto index = static_cast<int>(i);
    const Node node = graph.nodes[i];
    const bool at_end = quantities.is_at_end(index);
    if (node.precision != Precision::undecided) continue;
    const auto& result = graph.tensor(node.outputs[0]).quantization;
    if (!result) continue;
    // A sum between layers is one quantity: a small part of it has little influence.
    const bool joins =
        node.op == Op::concat || (at_end && (node.op == Op::add || node.op == Op::sub));
    if (joins) {
      for (const TensorId id : node.inputs) {
        const auto& operand = graph.tensor(id).quantization;
        if (!operand || graph.tensor(id).is_constant()) continue;
        if (result->scale > quantities.most_apart(index) * operand->scale)
          quantities.keep_float(
              index,
              reason_of(operand->scale, result->scale,
                        at_end ? "up to the output" : "with the layers that read them together"));
      }
    }
    if (const float spread = spread_of_factors(graph, node);
        at_end && spread > quantities.most_apart(index)) {
      quantities.keep_float(index,
                            reason_of(result->scale / spread, result->scale, "up to the output"));
    }
    // The results of a function without bounds differ as much as its operands.
    if (kind_of(node.op) == Kind::function && at_end && !row_of(node.op).range.bounded()) {
      const float spread = spread_of_channels(graph, graph.producer_of(node.inputs[0]));
      if (spread > most_apart_inside) {
        quantities.keep_float(index,
                              reason_of(result->scale / spread, result->scale, "up to the output"));
      }
    }
    if (node.op == Op::slice) {
      const auto& whole = graph.tensor(node.inputs[0]).quantization;
      if (whole && whole->scale > quantities.most_apart(index) * result->scale)
        quantities.keep_parts_float(
            node.inputs[0], at_end,
            reason_of(result->scale, whole->scale,
                      at_end ? "up to the output" : "until they are apart"));
    }
  }
  return {};
}

}  // namespace octet::graph
