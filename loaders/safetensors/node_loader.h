// Makes nodes of the graph from the nodes of a float export.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "loaders/layout.h"
#include "loaders/phases.h"
#include "loaders/safetensors/json_reader.h"
#include "loaders/safetensors/safetensors_file.h"

namespace octet::loaders {

/// What the file says about an activation.
struct DeclaredTensor {
  Shape shape;  ///< The logical shape, in the file's layout.
  std::optional<graph::Quantization> quantization;
};

class NodeLoader {
 public:
  NodeLoader(graph::Graph& graph, const SafetensorsFile& file,
             std::map<std::string, DeclaredTensor> declared, bool channels_last);

  /// Counts which names `nodes` and the file's outputs read. A tensor with several readers must not
  /// be changed.
  void count_readers(const nlohmann::json& nodes, const std::vector<std::string>& outputs);
  void add_input(const std::string& name);
  void add_node(const nlohmann::json& json);
  void add_output(const std::string& name);

 private:
  struct Context;  // a node that is being loaded

  using Handler = void (NodeLoader::*)(const Context&);
  static const std::map<std::string, Handler>& handlers();

  void conv2d(const Context& node);
  void conv_transpose2d(const Context& node);
  void linear(const Context& node);
  void batch_norm(const Context& node);
  void unary(const Context& node, Op op);
  void clip(const Context& node);
  void scaled_unary(const Context& node);
  void prelu(const Context& node);
  void binary(const Context& node);
  void pool(const Context& node);
  void mean(const Context& node);
  void softmax(const Context& node);
  void argmax(const Context& node);
  void top_k(const Context& node);
  void concat(const Context& node);
  void slice(const Context& node);
  void pad(const Context& node);
  void reshape(const Context& node);
  void transpose(const Context& node);
  void resize(const Context& node);
  void same(const Context& node);

  /// The order in which an image of this rank is stored for convolutions and pools.
  AxisOrder image_order(std::size_t rank) const;
  /// Returns an operand as a value: an activation, or a parameter in its logical order.
  Value operand(const Context& node, std::size_t index);
  Value image(const Context& node, std::size_t index);
  /// Returns the parameter's own tensor, which is made once. Throws if `name` is no parameter.
  graph::TensorId parameter(const Context& node, const std::string& name);
  graph::TensorId vector_parameter(const Context& node, std::size_t index, const char* what);
  int32_t axis(const Context& node, const Value& x, int32_t given) const;
  /// Returns what the file says of one of the node's outputs. Throws unless that has this shape.
  const DeclaredTensor& declaration(const Context& node, const std::string& output,
                                    const Shape& shape) const;
  /// Adds the node. Its outputs have the inferred shape and are stored in `order`. Throws unless
  /// the file declares them so.
  void emit(const Context& node, Op op, Attributes attributes, std::vector<graph::TensorId> inputs,
            const AxisOrder& order);

  /// Returns the transposed convolution that computes operand 0, if nobody else reads that;
  /// otherwise null.
  const PhasedLayer* find_phased(const Context& node) const;
  /// Returns the plans of a transposed convolution's window and phases: for rows, then for columns.
  std::array<AxisPlan, 2> transposed_window(const Context& node, const Shape& input,
                                            const Shape& weight) const;
  /// Repeats a parameter, which has one value for each output channel, for the channels of the
  /// convolution that computes the phases.
  graph::TensorId add_for_phases(graph::TensorId values, int32_t phases, int32_t groups);
  /// Adds one of several nodes for a node of the file. Returns its output.
  graph::TensorId add_part(const Context& node, Op op, Attributes attributes,
                           std::vector<graph::TensorId> inputs, const std::string& suffix);
  /// Puts the node right behind the convolution that computes its operand. The node's output is
  /// then laid out in space as its operand was.
  void insert_behind_phases(const Context& node, Op op, Attributes attributes,
                            const std::vector<graph::TensorId>& parameters);

  graph::Graph& graph_;
  const SafetensorsFile& file_;
  std::map<std::string, DeclaredTensor> declared_;
  bool channels_last_;
  // Transposed convolutions, by the name of their result.
  std::map<std::string, PhasedLayer> phased_;
  std::map<std::string, int> readers_;                 // how many nodes and outputs read a name
  std::map<std::string, Value> values_;                // the activations that were made so far
  std::map<std::string, graph::TensorId> parameters_;  // the parameters that were made so far
};

}  // namespace octet::loaders
