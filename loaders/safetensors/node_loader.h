// One node of a float export -> nodes of the graph.
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
  Shape shape;  ///< logical, in the file's layout
  std::optional<graph::Quantization> quantization;
};

class NodeLoader {
 public:
  NodeLoader(graph::Graph& graph, const SafetensorsFile& file,
             std::map<std::string, DeclaredTensor> declared, bool channels_last);

  /// Says which names `nodes` and the file's outputs read: what more than one reads stays.
  void count_readers(const nlohmann::json& nodes, const std::vector<std::string>& outputs);
  void add_input(const std::string& name);
  void add_node(const nlohmann::json& json);
  void add_output(const std::string& name);

 private:
  struct Context;  // a node on its way

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

  /// Stored order of an image that convolutions and pools read.
  AxisOrder image_order(std::size_t rank) const;
  /// An operand as a value: an activation, or a parameter in its logical order.
  Value operand(const Context& node, std::size_t index);
  Value image(const Context& node, std::size_t index);
  /// A parameter's own tensor, made once. Throws when `name` is no parameter.
  graph::TensorId parameter(const Context& node, const std::string& name);
  graph::TensorId vector_parameter(const Context& node, std::size_t index, const char* what);
  int32_t axis(const Context& node, const Value& x, int32_t given) const;
  /// What the file says of one of the node's outputs, which must have this shape.
  const DeclaredTensor& declaration(const Context& node, const std::string& output,
                                    const Shape& shape) const;
  /// Adds the node; its outputs have the inferred shape, stored in `order`, and must be what the
  /// file declares.
  void emit(const Context& node, Op op, Attributes attributes, std::vector<graph::TensorId> inputs,
            AxisOrder order);

  /// The transposed convolution behind operand 0, where nobody else reads it; or null.
  const PhasedLayer* find_phased(const Context& node) const;
  /// Window and phases of a transposed convolution: rows, then columns.
  std::array<AxisPlan, 2> transposed_window(const Context& node, const Shape& input,
                                            const Shape& weight) const;
  /// A parameter of one value an output channel, for each channel of the phases' convolution.
  graph::TensorId add_for_phases(graph::TensorId values, int32_t phases, int32_t groups);
  /// Adds one of several nodes that a node of the file becomes. -> its output
  graph::TensorId add_part(const Context& node, Op op, Attributes attributes,
                           std::vector<graph::TensorId> inputs, const std::string& suffix);
  /// Puts the node right behind the convolution of its operand. Its output is then what the operand
  /// was: the phases of the result, laid out in space.
  void insert_behind_phases(const Context& node, Op op, Attributes attributes,
                            const std::vector<graph::TensorId>& parameters);

  graph::Graph& graph_;
  const SafetensorsFile& file_;
  std::map<std::string, DeclaredTensor> declared_;
  bool channels_last_;
  std::map<std::string, PhasedLayer> phased_;          // layers by their result's name
  std::map<std::string, int> readers_;                 // nodes and outputs that read a name
  std::map<std::string, Value> values_;                // activations made so far
  std::map<std::string, graph::TensorId> parameters_;  // parameters made so far
};

}  // namespace octet::loaders
