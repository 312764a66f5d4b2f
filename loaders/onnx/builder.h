// The graph while it is made from ONNX: which names are constants, which are activations, and the
// nodes that operators add.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "loaders/integer_range.h"
#include "loaders/layout.h"
#include "loaders/onnx/constant.h"
#include "loaders/onnx/node.h"
#include "loaders/phases.h"

namespace octet::loaders::onnx {

class Builder {
 public:
  /// `readers`: for each name, how many nodes and outputs read it, counting only nodes that an
  /// output depends on. `file_bytes`: the size of the file.
  Builder(graph::Graph& graph, std::map<std::string, int> readers, std::size_t file_bytes)
      : graph_(graph),
        ranges_(graph),
        readers_(std::move(readers)),
        most_constant_bytes_(most_constant_bytes(file_bytes)) {}

  graph::Graph& graph() { return graph_; }

  // Names.

  void set_constant(const std::string& name, Constant constant);
  /// Makes `name` stand for the value. A tensor that `node` made, or that a layout node made for
  /// it, gets the name.
  void finish(const Node& node, const Value& value, std::size_t output = 0);
  void add_input(const std::string& name, const Shape& shape, const AxisOrder& order);
  void add_output(const std::string& name);

  bool is_known(const std::string& name) const;
  /// How many nodes and outputs read the name. Nodes that no output depends on do not count.
  int readers(const std::string& name) const;
  /// Null for activations and unknown names.
  const Constant* find_constant(const std::string& name) const;

  // The inputs of a node.

  /// Null if the input is left out or computed.
  const Constant* constant(const Node& node, std::size_t index) const;
  /// Throws MissingOperator if the input is computed; `what` names it in the message ("its
  /// weights").
  const Constant& required_constant(const Node& node, std::size_t index, const char* what) const;
  /// The constant must be a single number. Throws in the same cases as required_constant.
  float required_number(const Node& node, std::size_t index, const char* what) const;
  /// The real value of the number that is input `index`. If input `of` is bytes, the number has to
  /// be a byte, too, and has the scale of `of`. Throws if only one of the two is bytes.
  float real_number(const Node& node, std::size_t index, const char* what,
                    std::size_t of = 0) const;
  /// The real value of a byte with the scale of input `of`. Throws if `of` has no scale.
  float real_of_byte(const Node& node, int64_t byte, std::size_t of = 0) const;
  /// An activation, or a constant in its logical order; float32. Throws MissingOperator on bytes,
  /// because an operator would compute something else from their numbers than from their reals.
  Value operand(const Node& node, std::size_t index);
  /// The same, but allows bytes: for operators that keep the order of values or only move them. A
  /// result that finish() names is bytes again.
  Value order_operand(const Node& node, std::size_t index);
  /// The same, but also allows indices: for operators that only move values.
  Value any_operand(const Node& node, std::size_t index);
  /// Whole numbers as s32: indices, numbers that are computed from them, and constants beside them.
  /// Throws MissingOperator on anything else.
  Value whole_operand(const Node& node, std::size_t index);
  /// Whether the input is computed and has whole numbers.
  bool is_whole(const Node& node, std::size_t index) const;
  /// An operand of rank 4, stored N, H, W, C.
  Value image(const Node& node, std::size_t index);
  /// The same, but allows bytes, like order_operand.
  Value order_image(const Node& node, std::size_t index);
  /// The logical shape of an input that is not left out.
  std::vector<int64_t> dims(const Node& node, std::size_t index) const;

  // Scales.

  /// Marks the graph as quantized by its author: its scales are its calibration, and tensors
  /// without a scale are float.
  void mark_quantized();
  /// Whether only one node reads `name`, and nobody reads the tensor under another name.
  bool is_read_once(const std::string& name, const Value& value) const;
  /// Whether the value is the result of a concat and has its operands' own scale. Such a result may
  /// take another scale: the concat then requantizes its operands.
  bool is_joined(const Value& value) const;
  /// Sets what the bytes of an operand mean. An input of the graph gets its scale in this way.
  /// Throws if the tensor was written with another scale.
  void set_quantization(const Node& node, const Value& value, graph::Quantization quantization);
  /// Whether `name` is u8 or s8 in the file. Its reals are then those that the bytes stand for.
  bool is_bytes(const std::string& name) const;
  /// The type of `name`'s bytes in the file, for nodes that read them without a zero point, which
  /// would tell the type. uint8 if nothing tells it.
  DataType byte_type(const std::string& name) const;
  void set_byte_type(const std::string& name, DataType type) { byte_types_[name] = type; }
  /// Makes `name` stand for reals, after finish() took it for bytes.
  void set_real(const std::string& name) { byte_types_.erase(name); }
  /// Adds another name for the reals of bytes, so that a float operator can read them.
  void add_real_name(const std::string& name, const std::string& bytes);
  /// Reads bytes without a known scale as the numbers that they are. Dequantizing them with another
  /// scale is an error then.
  void set_numbers(const Node& node, const Value& value, graph::Quantization numbers);
  /// Sets the scale of the tensor that `node` wrote.
  void quantize_result(const Node& node, graph::Quantization quantization);

  // New tensors and nodes.

  /// Counts the memory of a constant, and throws if all constants take too much: more than the
  /// largest file that protobuf allows would need, or more than a multiple of the file's own size
  /// (256 MB for small files).
  void count_constant(std::size_t elements, std::size_t element_bytes = sizeof(float));
  /// How many elements a constant that is computed from others may still have.
  std::size_t elements_left() const;
  /// Begins a node of the ONNX graph. Nodes that are emitted from here on belong to it.
  void begin() { first_tensor_ = graph_.tensors.size(); }
  graph::TensorId add_floats(const Node& node, const std::string& suffix, Shape shape,
                             std::vector<float> values);
  /// Adds a node, named after the ONNX node with the suffix. Its output is stored in `order`.
  Value emit(const Node& node, Op op, Attributes attributes, std::vector<graph::TensorId> inputs,
             const AxisOrder& order, const std::string& suffix = "");
  /// Does the same for an operator that has several results, which are all stored in `order`.
  std::vector<Value> emit_all(const Node& node, Op op, Attributes attributes,
                              std::vector<graph::TensorId> inputs, const AxisOrder& order,
                              const std::string& suffix = "");
  /// Marks `value`, which was emitted last, as whole numbers. Throws MissingOperator if they could
  /// leave 32 bits, since ONNX has 64.
  void set_whole(const Node& node, const Value& value);
  /// Remembers the layer that computes a transposed convolution's result.
  void set_phased(const Value& result, const PhasedLayer& layer) { phased_[result.id] = layer; }
  /// The layer that computes operand 0, for insert_after; null if there is none, or if others read
  /// its result.
  const PhasedLayer* find_phased(const Node& node, const Value& x) const;
  /// Puts a node right behind the convolution, where the passes can fuse the two.
  void insert_after(const PhasedLayer& layer, const Node& node, Op op, Attributes attributes,
                    const std::vector<graph::TensorId>& parameters);
  /// The node that was emitted last.
  graph::Node& last_node() { return graph_.nodes.back(); }

  Value stored_as(const Value& value, const AxisOrder& order) {
    return loaders::stored_as(graph_, value, order);
  }
  /// Gives the values another logical shape. Axes that are split or joined stay where they are
  /// stored, if possible, so that no values move.
  Value reshaped(const Node& node, const Value& value, const Shape& shape,
                 const std::string& suffix = "");
  /// Output axis i is axis permutation[i]. Only the names of the stored axes change.
  Value transposed(const Value& value, const AxisOrder& permutation) const;

 private:
  static std::size_t most_constant_bytes(std::size_t file_bytes);
  graph::TensorId constant_tensor(const Node& node, const std::string& name);
  graph::TensorId whole_constant(const Node& node, const std::string& name);
  /// `id` and the tensors whose values it only moves, back to the first bytes without a scale.
  std::vector<graph::TensorId> unscaled_sources(graph::TensorId id) const;
  graph::Graph& graph_;
  IntegerRanges ranges_;
  std::map<std::string, int> readers_;
  std::map<std::string, Constant> constants_;
  std::map<std::string, Value> values_;
  std::map<std::string, DataType> byte_types_;
  std::map<std::string, graph::TensorId> constant_tensors_;
  std::map<std::string, graph::TensorId> whole_constants_;
  std::set<std::string> node_names_;
  /// Tensors that have several names, each with several readers.
  std::set<graph::TensorId> shared_;
  /// What bytes without a scale stand for if somebody reads them as numbers.
  std::map<graph::TensorId, graph::Quantization> numbers_;
  std::map<graph::TensorId, PhasedLayer> phased_;
  std::size_t first_tensor_ = 0;  ///< The first tensor of the node that was begun.
  std::size_t constant_elements_ = 0;
  std::size_t constant_bytes_ = 0;
  std::size_t most_constant_bytes_ = 0;
};

/// The order of axes after a reduction, by NumPy's rule: the `reduced` axes are removed, or kept
/// with extent 1.
AxisOrder order_after_reduction(const AxisOrder& order, const std::vector<int32_t>& reduced,
                                bool keepdims);

}  // namespace octet::loaders::onnx
