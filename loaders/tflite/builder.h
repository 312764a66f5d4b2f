// The graph on its way from TFLite: which tensors of the file are constants and which are
// activations, and the nodes that operators add. TFLite's axes are octet's already: N, H, W, C.
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
  /// `readers`: how many nodes and outputs of the graph read each tensor. `shapes_hold`: the file's
  /// shapes are those that the model will have; results are checked against them.
  Builder(graph::Graph& graph, const ModelFile& file, std::vector<int> readers, bool shapes_hold)
      : graph_(graph),
        file_(file),
        ranges_(graph),
        readers_(std::move(readers)),
        shapes_hold_(shapes_hold) {}

  graph::Graph& graph() { return graph_; }
  const graph::Graph& graph() const { return graph_; }
  const Shape& shape(graph::TensorId id) const { return graph_.tensor(id).shape; }

  // ---- the file's tensors

  void add_input(int32_t tensor, const Shape& shape);
  void add_output(int32_t tensor);
  void set_constant(int32_t tensor, Constant constant);
  /// The result of `node` is `value`: the tensor takes the file's name and scale. Bytes that were
  /// only moved and have another scale in the file than their operand are requantized.
  void finish(const Node& node, graph::TensorId value, std::size_t output = 0);
  bool is_known(int32_t tensor) const;
  bool is_constant(int32_t tensor) const;
  /// The shape of an input as the model has it, or as the file says where that is firm.
  std::optional<Shape> known_shape(const Node& node, std::size_t index) const;
  /// The file's shape of a node's result, where `what`, input `index`, is computed; throws
  /// MissingOperator where the file leaves it open.
  Shape firm_result_shape(const Node& node, std::size_t index, const char* what) const;
  /// From here on the file's shapes of the node's results are not checked: what makes them is
  /// computed when the model is loaded, and in the file is a placeholder.
  void mark_unsure(const OperatorRecord& record);
  /// Does nobody but one node read the tensor, nor the value under another name?
  bool is_read_once(int32_t tensor, graph::TensorId value) const;

  // ---- a node's inputs

  /// Null where the input is left out or computed.
  const Constant* constant(const Node& node, std::size_t index);
  /// Throws MissingOperator where it is computed: `what` names it ("its weights").
  const Constant& required_constant(const Node& node, std::size_t index, const char* what);
  /// Integers: shapes, axes, positions.
  const std::vector<int64_t>& integers(const Node& node, std::size_t index, const char* what);
  /// The real that a single number is beside input `of`: of bytes without a scale, numbers.
  float real_beside(const Node& node, const Constant& number, std::size_t of) const;
  /// An activation, or a constant; float32. Throws MissingOperator on bytes without a scale.
  graph::TensorId operand(const Node& node, std::size_t index);
  /// The same, or bytes without a scale: for what only moves.
  graph::TensorId moved_operand(const Node& node, std::size_t index);
  /// The same, or indices and other whole numbers.
  graph::TensorId any_operand(const Node& node, std::size_t index);
  /// Whole numbers, as s32. Throws MissingOperator on anything else.
  graph::TensorId whole_operand(const Node& node, std::size_t index);
  /// Are the input's values whole numbers in the file, other than bytes?
  bool is_whole(const Node& node, std::size_t index) const;
  /// Of rank 4: N, H, W, C.
  graph::TensorId image(const Node& node, std::size_t index);
  graph::TensorId moved_image(const Node& node, std::size_t index);

  // ---- new tensors and nodes

  /// Begins an operator of the file: what is emitted from here on is its.
  void begin() { first_tensor_ = graph_.tensors.size(); }
  graph::TensorId add_floats(const Node& node, const std::string& suffix, Shape shape,
                             std::span<const float> values);
  /// Adds a node, named after the operator with the suffix.
  graph::TensorId emit(const Node& node, Op op, Attributes attributes,
                       std::vector<graph::TensorId> inputs, const std::string& suffix = "");
  /// The same of an operator that has several results.
  std::vector<graph::TensorId> emit_all(const Node& node, Op op, Attributes attributes,
                                        std::vector<graph::TensorId> inputs,
                                        const std::string& suffix = "");
  /// As emit, for what only moves: the operand's type and scale stay. A pad with what the bytes
  /// cannot say runs in float.
  graph::TensorId emit_moved(const Node& node, Op op, Attributes attributes, graph::TensorId x,
                             const std::string& suffix = "");
  /// Arithmetic of whole numbers. Throws MissingOperator where the file computes it in 64 bits, and
  /// could leave 32.
  graph::TensorId emit_whole(const Node& node, Op op, std::vector<graph::TensorId> operands,
                             const std::string& suffix = "");
  /// The parts of `x` at `places`; its type and scale stay.
  graph::TensorId emit_gather(const Node& node, graph::TensorId x, graph::TensorId places,
                              const std::string& suffix = "");
  /// The operand itself where it has that shape.
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
  /// Few bytes of a file may stand for many tensors; memory is not unlimited.
  void count_constant(std::size_t elements);

  graph::Graph& graph_;
  const ModelFile& file_;
  IntegerRanges ranges_;
  std::vector<int> readers_;
  bool shapes_hold_;
  std::map<int32_t, Constant> constants_;
  std::map<int32_t, graph::TensorId> values_;  ///< Activations, and constants that became tensors.
  std::set<std::string> node_names_;
  std::set<int32_t> unsure_;          ///< Tensors whose shape in the file is a placeholder.
  std::set<graph::TensorId> shared_;  ///< Values that several tensors of the file stand for.
  std::size_t first_tensor_ = 0;      ///< Of the operator that was begun.
  std::size_t constant_elements_ = 0;
};

}  // namespace octet::loaders::tflite
