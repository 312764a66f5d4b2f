// The graph on its way from ONNX: which names are constants and which are activations, and the
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
  /// `readers`: how many nodes that an output depends on, and outputs, read each name.
  /// `file_bytes`: how large the file is.
  Builder(graph::Graph& graph, std::map<std::string, int> readers, std::size_t file_bytes)
      : graph_(graph),
        ranges_(graph),
        readers_(std::move(readers)),
        most_constant_bytes_(most_constant_bytes(file_bytes)) {}

  graph::Graph& graph() { return graph_; }

  // ---- names

  void set_constant(const std::string& name, Constant constant);
  /// `name` stands for the value. A tensor that `node` made, or a layout node for it, takes the
  /// name.
  void finish(const Node& node, const Value& value, std::size_t output = 0);
  void add_input(const std::string& name, const Shape& shape, const AxisOrder& order);
  void add_output(const std::string& name);

  bool is_known(const std::string& name) const;
  /// How many nodes and outputs read it; nodes that no output depends on do not count.
  int readers(const std::string& name) const;
  /// Null for an activation and for an unknown name.
  const Constant* find_constant(const std::string& name) const;

  // ---- a node's inputs

  /// Null where the input is left out or computed.
  const Constant* constant(const Node& node, std::size_t index) const;
  /// Throws MissingOperator where it is computed: `what` names it ("its weights").
  const Constant& required_constant(const Node& node, std::size_t index, const char* what) const;
  /// One number; throws as above.
  float required_number(const Node& node, std::size_t index, const char* what) const;
  /// The number that input `index` is beside input `of`: where those are bytes, the real that its
  /// byte stands for. Throws where one of them is bytes and the other is not.
  float real_number(const Node& node, std::size_t index, const char* what,
                    std::size_t of = 0) const;
  /// The real that a byte of input `of` stands for. Throws where that has no scale.
  float real_of_byte(const Node& node, int64_t byte, std::size_t of = 0) const;
  /// An activation, or a constant in its logical order; float32. Throws MissingOperator on bytes:
  /// what an operator computes of their numbers is not what it computes of their reals.
  Value operand(const Node& node, std::size_t index);
  /// The same, or bytes: for operators that keep the order of their values, or only move them. A
  /// result that finish() names is bytes again.
  Value order_operand(const Node& node, std::size_t index);
  /// The same, or indices: what moves takes all three.
  Value any_operand(const Node& node, std::size_t index);
  /// Whole numbers, as s32: indices, what is computed of them, and constants beside them. Throws
  /// MissingOperator on anything else.
  Value whole_operand(const Node& node, std::size_t index);
  /// Is the input computed, and of whole numbers?
  bool is_whole(const Node& node, std::size_t index) const;
  /// Of rank 4, stored N, H, W, C.
  Value image(const Node& node, std::size_t index);
  /// The same of bytes, too: as order_operand.
  Value order_image(const Node& node, std::size_t index);
  /// The logical shape of an input that is there.
  std::vector<int64_t> dims(const Node& node, std::size_t index) const;

  // ---- scales

  /// The graph came quantized: its scales are its calibration, and what has none is float.
  void mark_quantized();
  /// Does nobody but one node read `name`, nor the tensor under another name?
  bool is_read_once(const std::string& name, const Value& value) const;
  /// Is it a concat's result with its operands' own scale? It may take another: its operands are
  /// requantized on the way.
  bool is_joined(const Value& value) const;
  /// What an operand's bytes mean; an input of the graph learns it here. Throws where the tensor
  /// was written with another scale.
  void set_quantization(const Node& node, const Value& value, graph::Quantization quantization);
  /// Is `name` u8 or s8 in the file? Its reals are then what the bytes stand for.
  bool is_bytes(const std::string& name) const;
  /// The type of `name`'s bytes in the file, for what reads them without a zero point that says
  /// it: uint8 where nobody said another.
  DataType byte_type(const std::string& name) const;
  void set_byte_type(const std::string& name, DataType type) { byte_types_[name] = type; }
  /// `name` stands for reals: what finish() took for bytes is none.
  void set_real(const std::string& name) { byte_types_.erase(name); }
  /// Another name for the reals of bytes, for a float operator that is to read them.
  void add_real_name(const std::string& name, const std::string& bytes);
  /// Reads bytes without a known scale as the numbers that they are: whoever dequantizes them with
  /// another scale contradicts it.
  void set_numbers(const Node& node, const Value& value, graph::Quantization numbers);
  /// The scale of the tensor that `node` wrote.
  void quantize_result(const Node& node, graph::Quantization quantization);

  // ---- new tensors and nodes

  /// No file may ask for more memory than the largest that protobuf allows would need, nor for
  /// more than a multiple of its own size; a small one has 256 MB.
  void count_constant(std::size_t elements, std::size_t element_bytes = sizeof(float));
  /// How many elements a constant may still have that is computed of others.
  std::size_t elements_left() const;
  /// Begins a node of the ONNX graph: what is emitted from here on is its.
  void begin() { first_tensor_ = graph_.tensors.size(); }
  graph::TensorId add_floats(const Node& node, const std::string& suffix, Shape shape,
                             std::vector<float> values);
  /// Adds a node, named after the ONNX node with the suffix; its output is stored in `order`.
  Value emit(const Node& node, Op op, Attributes attributes, std::vector<graph::TensorId> inputs,
             AxisOrder order, const std::string& suffix = "");
  /// The same of an operator that has several results, all of them stored in `order`.
  std::vector<Value> emit_all(const Node& node, Op op, Attributes attributes,
                              std::vector<graph::TensorId> inputs, const AxisOrder& order,
                              const std::string& suffix = "");
  /// `value`, which was emitted last, has whole numbers. Throws MissingOperator where they could
  /// leave 32 bits: ONNX has 64.
  void set_whole(const Node& node, const Value& value);
  /// Remembers what lies behind a transposed convolution's result.
  void set_phased(const Value& result, const PhasedLayer& layer) { phased_[result.id] = layer; }
  /// The layer behind operand 0, where nobody else reads it: null, or what insert_after takes.
  const PhasedLayer* find_phased(const Node& node, const Value& x) const;
  /// Puts a node right behind the convolution, where the passes fuse the two.
  void insert_after(const PhasedLayer& layer, const Node& node, Op op, Attributes attributes,
                    const std::vector<graph::TensorId>& parameters);
  /// The node that was emitted last.
  graph::Node& last_node() { return graph_.nodes.back(); }

  Value stored_as(const Value& value, const AxisOrder& order) {
    return loaders::stored_as(graph_, value, order);
  }
  /// The same values under another logical shape: axes that are split or joined stay where they are
  /// stored, so that nothing moves where nothing has to.
  Value reshaped(const Node& node, const Value& value, const Shape& shape,
                 const std::string& suffix = "");
  /// Output axis i is axis permutation[i]: only the names of the stored axes change.
  Value transposed(const Value& value, const AxisOrder& permutation) const;

 private:
  static std::size_t most_constant_bytes(std::size_t file_bytes);
  graph::TensorId constant_tensor(const Node& node, const std::string& name);
  graph::TensorId whole_constant(const Node& node, const std::string& name);
  /// `id` and what it only moves, back to where bytes without a scale come from.
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
  std::set<graph::TensorId> shared_;  ///< Tensors that have several names, with several readers.
  /// Bytes without a scale that somebody reads as numbers: this is what they then stand for.
  std::map<graph::TensorId, graph::Quantization> numbers_;
  std::map<graph::TensorId, PhasedLayer> phased_;
  std::size_t first_tensor_ = 0;  ///< Of the node that was begun.
  std::size_t constant_elements_ = 0;
  std::size_t constant_bytes_ = 0;
  std::size_t most_constant_bytes_ = 0;
};

/// NumPy's order of axes after `reduced` ones are gone, or kept with extent 1.
AxisOrder order_after_reduction(const AxisOrder& order, const std::vector<int32_t>& reduced,
                                bool keepdims);

}  // namespace octet::loaders::onnx
