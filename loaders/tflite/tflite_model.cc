#include "loaders/tflite/tflite_model.h"

#include <algorithm>
#include <set>

#include "loaders/tflite/fold.h"
#include "loaders/tflite/inputs.h"
#include "loaders/tflite/operators.h"

namespace octet::loaders {
namespace tflite {
namespace {

using Code = format::BuiltinOperator;

// Whether the operand only gives the shape of a result. The file has that shape, too, so octet need
// not know the operators that compute the operand.
bool is_shape_operand(const ModelFile& file, const OperatorRecord& node, std::size_t index) {
  const bool by_code =
      (index == 1 && (node.code == Code::RESHAPE || node.code == Code::RESIZE_BILINEAR ||
                      node.code == Code::RESIZE_NEAREST_NEIGHBOR)) ||
      (index == 0 && node.code == Code::TRANSPOSE_CONV);
  const int32_t tensor = node.inputs[index];
  return by_code && tensor >= 0 && !file.tensors[static_cast<std::size_t>(tensor)].data;
}

bool asks_for_shape(const OperatorRecord& node) {
  return node.code == Code::SHAPE || node.code == Code::RANK;
}

enum class Need : uint8_t {
  none,
  of_shapes,  ///< Only shapes depend on it.
  of_values,  ///< An output depends on it.
};

class Needs {
 public:
  explicit Needs(const ModelFile& file)
      : file_(file), writer_(file.tensors.size(), -1), needs_(file.operators.size(), Need::none) {
    for (std::size_t i = 0; i < file.operators.size(); ++i) {
      for (const int32_t output : file.operators[i].outputs)
        writer_[static_cast<std::size_t>(output)] = static_cast<int>(i);
    }
    follow(file.outputs, Need::of_values);
    std::vector<int32_t> shapes;
    for (std::size_t i = 0; i < file.operators.size(); ++i) {
      const OperatorRecord& node = file.operators[i];
      for (std::size_t k = 0; k < node.inputs.size() && needs_[i] == Need::of_values; ++k) {
        if (node.inputs[k] >= 0 && is_shape_operand(file, node, k))
          shapes.push_back(node.inputs[k]);
      }
    }
    follow(std::move(shapes), Need::of_shapes);
  }

  std::vector<Need> take() { return std::move(needs_); }

 private:
  void follow(std::vector<int32_t> open, Need need) {
    while (!open.empty()) {
      const int index = writer_[static_cast<std::size_t>(open.back())];
      open.pop_back();
      if (index < 0 || needs_[static_cast<std::size_t>(index)] != Need::none) continue;
      needs_[static_cast<std::size_t>(index)] = need;
      const OperatorRecord& node = file_.operators[static_cast<std::size_t>(index)];
      for (std::size_t i = 0; i < node.inputs.size() && !asks_for_shape(node); ++i) {
        const bool is_value = need == Need::of_shapes || !is_shape_operand(file_, node, i);
        if (node.inputs[i] >= 0 && is_value) open.push_back(node.inputs[i]);
      }
    }
  }

  const ModelFile& file_;
  std::vector<int> writer_;
  std::vector<Need> needs_;
};

std::vector<int> count_readers(const ModelFile& file, const std::vector<Need>& needs) {
  std::vector<int> readers(file.tensors.size(), 0);
  for (std::size_t i = 0; i < file.operators.size(); ++i) {
    const OperatorRecord& node = file.operators[i];
    if (needs[i] != Need::of_values || asks_for_shape(node)) continue;
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
      if (node.inputs[k] >= 0 && !is_shape_operand(file, node, k))
        ++readers[static_cast<std::size_t>(node.inputs[k])];
    }
  }
  for (const int32_t output : file.outputs) ++readers[static_cast<std::size_t>(output)];
  return readers;
}

// Whether any activation that is needed has 8 bits. Then the scales in the file are the model's.
bool is_quantized(const ModelFile& file, const std::vector<int>& readers) {
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    const TensorRecord& tensor = file.tensors[i];
    const bool bytes =
        tensor.type == format::TensorType::UINT8 || tensor.type == format::TensorType::INT8;
    if (bytes && !tensor.data && readers[i] > 0) return true;
  }
  return false;
}

class ModelLoader {
 public:
  ModelLoader(const ModelFile& file, graph::Graph& graph, const LoadOptions& options)
      : file_(file),
        needs_(Needs(file).take()),
        readers_(count_readers(file, needs_)),
        builder_(graph, file, readers_, shapes_hold(file, options)) {
    if (is_quantized(file, readers_)) {
      graph.keeps_rounding = true;
      graph.has_authors_borders = true;
      graph.unscaled_is_float = true;
    }
    add_inputs(file, readers_, options, builder_);
  }

  void load() {
    for (std::size_t i = 0; i < file_.operators.size(); ++i) {
      if (needs_[i] == Need::of_values) load_node(i);
      if (needs_[i] == Need::of_shapes) load_shape(i);
    }
    refuse_missing();
    for (const int32_t output : file_.outputs) builder_.add_output(output);
    if (builder_.graph().inputs.empty() || builder_.graph().outputs.empty())
      throw LoadError("the model has no inputs or no outputs");
  }

 private:
  // Returns the name of an operator. TFLite's operators have none, so it is that of the first
  // result. The converter joins the names of fused nodes with semicolons; the first of them is
  // taken.
  std::string name_of(const OperatorRecord& record, std::size_t index) {
    std::string wanted = "operator " + std::to_string(index);
    if (!record.outputs.empty()) {
      const std::string& result = file_.tensors[static_cast<std::size_t>(record.outputs[0])].name;
      wanted = result.substr(0, result.find(';'));
    }
    std::string name = wanted;
    for (int n = 2; !names_.insert(name).second; ++n) name = wanted + "_" + std::to_string(n);
    return name;
  }

  // Computes shapes. If octet cannot compute one here, the shapes in the file count.
  void load_shape(std::size_t index) {
    const Node node(file_, index, "operator " + std::to_string(index));
    try {
      if (fold(builder_, node)) return mark_computed(file_.operators[index]);
    } catch (const MissingOperator&) {
    } catch (const LoadError&) {
    }
    if (reads_computed(file_.operators[index])) mark_computed(file_.operators[index]);
  }

  void load_node(std::size_t index) {
    const OperatorRecord& record = file_.operators[index];
    const Node node(file_, index, name_of(record, index));
    try {
      if (reads_computed(record) || asks_for_shape(record)) mark_computed(record);
      if (!reads_unknown(record) && fold(builder_, node)) return;
      const Operator load = find_operator(record.code);
      if (load == nullptr) throw MissingOperator("");
      if (reads_unknown(record)) return mark_unknown(record);
      refuse_types(node, record);
      builder_.begin();
      load(builder_, node);
    } catch (const MissingOperator& reason) {
      missing_.push_back("'" + node.name() + "' (operator " + std::to_string(index) + "): " +
                         describe(record) + (*reason.what() == '\0' ? "" : " ") + reason.what());
      mark_unknown(record);
    } catch (const LoadError& error) {
      // An error from below the operator names at most a tensor, so the operator is added.
      const std::string text = error.what();
      if (text.starts_with("node '")) throw;
      node.fail(text);
    }
  }

  std::string describe(const OperatorRecord& record) {
    has_custom_ = has_custom_ || record.code == Code::CUSTOM;
    return record.code == Code::CUSTOM ? "custom operator " + record.op : record.op;
  }

  // Refuses types that no operator here takes. This is reported once, at the first node with such a
  // type.
  void refuse_types(const Node& node, const OperatorRecord& record) const {
    for (const int32_t input : record.inputs) {
      if (input < 0) continue;
      const TensorRecord& tensor = file_.tensors[static_cast<std::size_t>(input)];
      if (tensor.variable) node.missing("on the variable '" + tensor.name + "'");
      if (tensor.type == format::TensorType::INT16 && !tensor.data)
        node.missing("on INT16 activations; convert the model with 8-bit ones");
    }
  }

  // Whether an operand is a shape or is computed from one. From there on, the shapes in the file
  // may be placeholders.
  bool reads_computed(const OperatorRecord& record) const {
    return std::ranges::any_of(
        record.inputs, [&](int32_t input) { return input >= 0 && computed_.contains(input); });
  }

  void mark_computed(const OperatorRecord& record) {
    computed_.insert(record.outputs.begin(), record.outputs.end());
    builder_.mark_unsure(record);
  }

  bool reads_unknown(const OperatorRecord& record) const {
    return std::ranges::any_of(
        record.inputs, [&](int32_t input) { return input >= 0 && unknown_.contains(input); });
  }

  void mark_unknown(const OperatorRecord& record) {
    unknown_.insert(record.outputs.begin(), record.outputs.end());
  }

  void refuse_missing() const {
    if (missing_.empty()) return;
    std::string text = "octet lacks " + std::to_string(missing_.size()) +
                       (missing_.size() == 1 ? " operator" : " operators") +
                       " of this model (docs/formats.md lists those it has):";
    for (const std::string& one : missing_) text += "\n  node " + one;
    if (has_custom_) {
      text +=
          "\nCustom operators are code outside the file: convert the model again with the outputs "
          "before them, and do their work in your program";
    }
    throw LoadError(text);
  }

  const ModelFile& file_;
  std::vector<Need> needs_;
  std::vector<int> readers_;
  Builder builder_;
  std::vector<std::string> missing_;
  std::set<int32_t> unknown_;
  std::set<int32_t> computed_;  ///< Tensors that depend on a shape.
  std::set<std::string> names_;
  bool has_custom_ = false;
};

}  // namespace
}  // namespace tflite

bool looks_like_tflite(std::span<const std::byte> file) { return tflite::looks_like_model(file); }

graph::Graph load_tflite(std::span<const std::byte> bytes, const std::string& name,
                         const LoadOptions& options) {
  const tflite::ModelFile file = tflite::read_model(bytes);
  graph::Graph graph{.name = name, .producer = file.description};
  graph.calibration_remedy =
      "This TFLite model is in float: int8 needs scales. Let octet find them on typical images "
      "(octet convert --calibrate DIR), give it a model of full integer quantization,";
  tflite::ModelLoader(file, graph, options).load();
  graph.preprocess = tflite::pixels_as_they_are(graph, file);
  graph.preprocess_is_usual = graph.preprocess.has_value();
  return graph;
}

}  // namespace octet::loaders
