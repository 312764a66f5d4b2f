// The graph while it is made from TFLite: which tensors of the file are constants, which are
// activations, and the nodes that operators add. TFLite's order of axes is octet's: N, H, W, C.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "loaders/integer_range.h"
#include "loaders/tflite/constant.h"
#include "loaders/tflite/node.h"

namespace octet::loaders::tflite {

class Builder {
 public:
  /// `readers`: how many nodes and outputs of the graph read each tensor. `shapes_hold`: whether
  /// the model will have the shapes in the file; results are then checked against them.
  Builder(graph::Graph& graph, const ModelFile& file, std::vector<int> readers, bool shapes_hold)
      : graph_(graph),
        file_(file),
        ranges_(graph),
        readers_(std::move(readers)),
        shapes_hold_(shapes_hold) {}

  graph::Graph& graph() { return graph_; }
  const graph::Graph& graph() const { return graph_; }
  const Shape& shape(graph::TensorId id) const { return graph_.tensor(id).shape; }

  // The tensors of the file.

  void add_input(int32_t tensor, const Shape& shape);
  void add_output(int32_t tensor);
  void set_constant(int32_t tensor, Constant constant);
  /// Makes `value` the result of `node`. Its tensor gets the name and the scale from the file.
  /// Bytes that were only moved, but have another scale in the file than their operand, are
  /// requantized.
  void finish(const Node& node, graph::TensorId value, std::size_t output = 0);
  bool is_known(int32_t tensor) const;
  bool is_constant(int32_t tensor) const;
  /// The shape of an input: as the model has it, or as in the file if the file gives all extents.
  std::optional<Shape> known_shape(const Node& node, std::size_t index) const;
  /// The shape in the file of a node's result, for nodes whose input `index` gives it but is
  /// computed. `what` names that input. Throws MissingOperator if the file does not give all
  /// extents.
  Shape firm_result_shape(const Node& node, std::size_t index, const char* what) const;
  /// From here on, the node's results are not checked against the file's shapes, which are
  /// placeholders: the input that gives the shape is computed when the model is loaded.
  void mark_unsure(const OperatorRecord& record);
  /// Whether only one node reads the tensor, and nobody reads the value under another name.
  bool is_read_once(int32_t tensor, graph::TensorId value) const;

  // The inputs of a node.

  /// Null if the input is left out or computed.
  const Constant* constant(const Node& node, std::size_t index);
  /// Throws MissingOperator if the input is computed; `what` names it in the message ("its
  /// weights").
  const Constant& required_constant(const Node& node, std::size_t index, const char* what);
  /// The integers of a constant input: a shape, axes or positions.
  const std::vector<int64_t>& integers(const Node& node, std::size_t index, const char* what);
  /// The real value of a single number beside input `of`. If that has bytes without a scale, it is
  /// the number itself.
  float real_beside(const Node& node, const Constant& number, std::size_t of) const;
  /// An activation or a constant; float32. Throws MissingOperator on bytes without a scale.
  graph::TensorId operand(const Node& node, std::size_t index);
  /// The same, but allows bytes without a scale: for operators that only move values.
  graph::TensorId moved_operand(const Node& node, std::size_t index);
  /// The same, but also allows indices and other whole numbers.
  graph::TensorId any_operand(const Node& node, std::size_t index);
  /// Whole numbers, as s32. Throws MissingOperator on anything else.
  graph::TensorId whole_operand(const Node& node, std::size_t index);
  /// Whether the input has whole numbers in the file, other than bytes.
  bool is_whole(const Node& node, std::size_t index) const;
  /// An operand of rank 4: N, H, W, C.
  graph::TensorId image(const Node& node, std::size_t index);
  graph::TensorId moved_image(const Node& node, std::size_t index);

  // New tensors and nodes.

  /// Begins an operator of the file. Nodes that are emitted from here on belong to it.
  void begin() { first_tensor_ = graph_.tensors.size(); }
  graph::TensorId add_floats(const Node& node, const std::string& suffix, Shape shape,
                             std::span<const float> values);
  /// Adds a node, named after the operator with the suffix.
  graph::TensorId emit(const Node& node, Op op, Attributes attributes,
                       std::vector<graph::TensorId> inputs, const std::string& suffix = "");
  /// Does the same for an operator that has several results.
  std::vector<graph::TensorId> emit_all(const Node& node, Op op, Attributes attributes,
                                        std::vector<graph::TensorId> inputs,
                                        const std::string& suffix = "");
  /// Does the same as emit() for an operator that only moves values: the result has the type and
  /// scale of the operand. A pad runs in float if bytes cannot represent its value.
  graph::TensorId emit_moved(const Node& node, Op op, Attributes attributes, graph::TensorId x,
                             const std::string& suffix = "");
  /// Adds arithmetic of whole numbers. Throws MissingOperator if the file computes it in 64 bits
  /// and it could leave 32.
  graph::TensorId emit_whole(const Node& node, Op op, std::vector<graph::TensorId> operands,
                             const std::string& suffix = "");
  /// Takes the slices of `x` at `places`. The result has the type and scale of `x`.
  graph::TensorId emit_gather(const Node& node, graph::TensorId x, graph::TensorId places,
                              const std::string& suffix = "");
  /// Returns the operand itself if it has that shape already.
  graph::TensorId reshaped(const Node& node, graph::TensorId x, const Shape& shape,
                           const std::string& suffix = "");
  /// The node that was emitted last.
  graph::Node& last_node() { return graph_.nodes.back(); }

 private:
  const TensorRecord& record(int32_t tensor) const {
    return file_.tensors[static_cast<std::size_t>(tensor)];
  }
  const Constant* find_constant(int32_t tensor);
  graph::TensorId whole_constant(const Node& node, int32_t tensor, const Constant& from);
  void check_result(const Node& node, graph::TensorId value, int32_t result) const;
  void check_bytes(const Node& node, const TensorRecord& result) const;
  graph::TensorId with_scale(const Node& node, graph::TensorId value,
                             const graph::Quantization& wanted);
  /// Counts elements of constants and throws if there are too many: few bytes of a file may stand
  /// for many tensors.
  void count_constant(std::size_t elements);

  graph::Graph& graph_;
  const ModelFile& file_;
  IntegerRanges ranges_;
  std::vector<int> readers_;
  bool shapes_hold_;
  std::map<int32_t, Constant> constants_;
  /// Activations, and constants that became tensors.
  std::map<int32_t, graph::TensorId> values_;
  std::set<std::string> node_names_;
  std::set<int32_t> unsure_;          ///< Tensors whose shape in the file is a placeholder.
  std::set<graph::TensorId> shared_;  ///< Values that several tensors of the file stand for.
  std::size_t first_tensor_ = 0;      ///< The first tensor of the operator that was begun.
  std::size_t constant_elements_ = 0;
};

}  // namespace octet::loaders::tflite
