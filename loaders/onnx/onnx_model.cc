#include "loaders/onnx/onnx_model.h"

#include <algorithm>
#include <map>
#include <set>

#include "loaders/onnx/builder.h"
#include "loaders/onnx/fold.h"
#include "loaders/onnx/inputs.h"
#include "loaders/onnx/node_form.h"
#include "loaders/onnx/operators.h"
#include "loaders/onnx/static_shape.h"

namespace octet::loaders {
namespace onnx {
namespace {

constexpr int64_t oldest_opset = 7;
constexpr int64_t newest_opset = 25;

std::string own_domain(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

void check_operator_sets(const ModelProto& model) {
  std::map<std::string, int64_t> versions;
  for (const OperatorSet& set : model.operator_sets) {
    const auto [known, is_new] = versions.emplace(own_domain(set.domain), set.version);
    if (is_new || known->second == set.version) continue;
    throw LoadError("the model names two versions, " + std::to_string(known->second) + " and " +
                    std::to_string(set.version) + ", of the operator set '" + set.domain +
                    "': the file is invalid; export the model again");
  }
}

int64_t opset_of(const ModelProto& model, const std::string& domain) {
  for (const OperatorSet& set : model.operator_sets) {
    if (own_domain(set.domain) == domain) return set.version;
  }
  return domain.empty() ? 1 : 0;
}

// Checks that each name stands for one value, as ONNX demands. If it stood for two, nobody could
// say which one is meant.
void check_names(const GraphProto& graph) {
  std::map<std::string, std::string> writer;
  const auto add = [&](const std::string& name, const std::string& who) {
    const auto [known, is_new] = writer.emplace(name, who);
    if (!is_new) {
      throw LoadError("'" + name + "' is written twice, by " + known->second + " and by " + who +
                      ": the file is invalid; export the model again");
    }
  };
  for (const TensorProto& tensor : graph.initializers) {
    if (!tensor.name.empty()) add(tensor.name, "an initializer");
  }
  for (const ValueInfoProto& input : graph.inputs) {
    // Until 2019, initializers also had to be inputs.
    if (writer.emplace(input.name, "an input").second) continue;
    if (writer.at(input.name) == "an input")
      throw LoadError("the input '" + input.name + "' is named twice");
  }
  for (const NodeProto& node : graph.nodes) {
    for (const std::string& output : node.outputs) {
      if (!output.empty()) add(output, "node '" + node.name + "' (" + node.op_type + ")");
    }
  }
}

void check_model(const ModelProto& model) {
  check_operator_sets(model);
  const int64_t opset = opset_of(model, "");
  if (opset < oldest_opset || opset > newest_opset) {
    throw LoadError("the model uses ONNX's operator set " + std::to_string(opset) +
                    "; octet reads " + std::to_string(oldest_opset) + " to " +
                    std::to_string(newest_opset) +
                    ". onnx.version_converter.convert_version(model, 17) makes another of it");
  }
  if (model.graph.nodes.empty()) throw LoadError("the model has no nodes");
  check_names(model.graph);
  if (model.graph.has_sparse_initializers)
    throw LoadError("the model has sparse weights, which octet does not read; store them dense");
}

std::map<std::string, int> count_readers(const GraphProto& graph, const std::vector<bool>& needed) {
  std::map<std::string, int> readers;
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    for (const std::string& input : graph.nodes[i].inputs) ++readers[input];
  }
  for (const ValueInfoProto& output : graph.outputs) ++readers[output.name];
  return readers;
}

// Returns the names of the nodes for errors and --keep-float: the names from the file if they are
// unique.
std::vector<std::string> name_nodes(const GraphProto& graph) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const NodeProto& node : graph.nodes) {
    std::string wanted = node.name;
    if (wanted.empty()) {
      const auto first =
          std::ranges::find_if(node.outputs, [](const auto& o) { return !o.empty(); });
      wanted = first != node.outputs.end() ? *first : node.op_type;
    }
    std::string name = wanted;
    for (int n = 2; !taken.insert(name).second; ++n) name = wanted + "_" + std::to_string(n);
    names.push_back(std::move(name));
  }
  return names;
}

// Finds the nodes that an output depends on. octet need not know the others.
std::vector<bool> find_needed(const GraphProto& graph) {
  std::map<std::string, std::size_t> writers;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const std::string& output : graph.nodes[i].outputs) writers.emplace(output, i);
  }
  std::vector<bool> needed(graph.nodes.size(), false);
  std::vector<std::string> open;
  for (const ValueInfoProto& output : graph.outputs) open.push_back(output.name);
  while (!open.empty()) {
    const auto writer = writers.find(open.back());
    open.pop_back();
    if (writer == writers.end() || needed[writer->second]) continue;
    needed[writer->second] = true;
    for (const std::string& input : graph.nodes[writer->second].inputs) open.push_back(input);
  }
  return needed;
}

class ModelLoader {
 public:
  ModelLoader(const ModelProto& model, graph::Graph& graph, std::size_t file_bytes)
      : model_(model),
        needed_(find_needed(model.graph)),
        builder_(graph, count_readers(model.graph, needed_), file_bytes) {
    for (const TensorProto& tensor : model.graph.initializers)
      initializers_.emplace(tensor.name, &tensor);
  }

  void load(const LoadOptions& options) {
    add_inputs(model_.graph, options, builder_);
    const std::vector<std::string> names = name_nodes(model_.graph);
    for (std::size_t i = 0; i < needed_.size(); ++i) {
      if (needed_[i]) load_node(model_.graph.nodes[i], names[i]);
    }
    refuse_missing();
    for (const ValueInfoProto& output : model_.graph.outputs) builder_.add_output(output.name);
    if (builder_.graph().inputs.empty() || builder_.graph().outputs.empty())
      throw LoadError("the model has no inputs or no outputs");
  }

 private:
  void load_node(const NodeProto& proto, const std::string& name) {
    const std::string domain = own_domain(proto.domain);
    const Node node(proto, name, opset_of(model_, domain));
    try {
      const bool known = find_operator(domain, proto.op_type) != nullptr ||
                         (domain.empty() && can_fold(proto.op_type));
      if (!known) throw MissingOperator("");
      check_form(domain, node);
      decode_constants(node);
      if (reads_unknown(node)) return mark_unknown(proto);
      builder_.begin();
      if (!domain.empty() || !try_fold(node)) run_operator(domain, node);
    } catch (const MissingOperator& reason) {
      missing_.push_back("'" + name + "': " + (domain.empty() ? "" : domain + ".") + proto.op_type +
                         (*reason.what() == '\0' ? "" : " ") + reason.what());
      mark_unknown(proto);
    } catch (const LoadError& error) {
      // An error from below the operator names at most a tensor, so the node is added.
      const std::string text = error.what();
      if (text.starts_with("node '")) throw;
      node.fail(text);
    }
  }

  void run_operator(const std::string& domain, const Node& node) {
    const Operator load = find_operator(domain, node.op());
    if (load == nullptr) throw MissingOperator("of values that are computed at run time");
    load(builder_, node);
  }

  void decode_constants(const Node& node) {
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      if (!node.has_input(i) || builder_.is_known(node.input(i))) continue;
      const auto found = initializers_.find(node.input(i));
      if (found != initializers_.end())
        builder_.set_constant(node.input(i), decode_tensor(*found->second));
    }
  }

  bool try_fold(const Node& node) {
    if ((node.op() == "Shape" || node.op() == "Size") && node.has_input(0)) {
      builder_.set_constant(node.output(), shape_constant(node, builder_.dims(node, 0)));
      return true;
    }
    if (!can_fold(node.op())) return false;
    std::vector<const Constant*> inputs;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      inputs.push_back(builder_.constant(node, i));
      if (node.has_input(i) && inputs.back() == nullptr) return false;
    }
    std::vector<Constant> results = fold(node, {inputs, builder_.elements_left()});
    for (std::size_t i = 0; i < results.size() && node.has_output(i); ++i)
      builder_.set_constant(node.output(i), std::move(results[i]));
    return true;
  }

  bool reads_unknown(const Node& node) const {
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      if (node.has_input(i) && unknown_.contains(node.input(i))) return true;
    }
    return false;
  }

  void mark_unknown(const NodeProto& proto) {
    unknown_.insert(proto.outputs.begin(), proto.outputs.end());
  }

  void refuse_missing() const {
    if (missing_.empty()) return;
    std::string text = "octet lacks " + std::to_string(missing_.size()) +
                       (missing_.size() == 1 ? " operator" : " operators") +
                       " of this model (docs/formats.md lists those it has):";
    for (const std::string& one : missing_) text += "\n  node " + one;
    if (model_.has_functions)
      text +=
          "\nThe model has functions of its own: onnx.inliner.inline_local_functions replaces "
          "them by ONNX's operators";
    throw LoadError(text);
  }

  const ModelProto& model_;
  std::vector<bool> needed_;
  Builder builder_;
  std::map<std::string, const TensorProto*> initializers_;
  std::vector<std::string> missing_;
  std::set<std::string> unknown_;
};

}  // namespace
}  // namespace onnx

bool looks_like_onnx(std::span<const std::byte> file) { return onnx::looks_like_model(file); }

graph::Graph load_onnx(std::span<const std::byte> bytes, const std::string& name,
                       const LoadOptions& options) {
  const onnx::ModelProto model = onnx::parse_model(bytes);
  onnx::check_model(model);
  graph::Graph graph{.name = name, .producer = model.producer};
  graph.calibration_remedy =
      "This ONNX model is in float: int8 needs scales. Let octet find them on typical images "
      "(octet convert --calibrate DIR), give it a quantized ONNX model (QDQ, as "
      "onnxruntime.quantization.quantize_static makes one from sample images),";
  onnx::ModelLoader(model, graph, bytes.size()).load(options);
  return graph;
}

}  // namespace octet::loaders
