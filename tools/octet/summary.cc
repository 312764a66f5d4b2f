#include "tools/octet/summary.h"

#include <algorithm>
#include <map>
#include <ostream>
#include <set>
#include <vector>

namespace octet::tool {
namespace {

// For each reason, this many nodes are named.
constexpr std::size_t named_at_most = 3;

const NodeInfo* writer_of(const Model& model, const std::string& tensor) {
  const auto& nodes = model.nodes();
  const auto found = std::ranges::find_if(nodes, [&](const NodeInfo& node) {
    return std::ranges::any_of(node.outputs,
                               [&](const TensorInfo& output) { return output.name == tensor; });
  });
  return found != nodes.end() ? &*found : nullptr;
}

void print_counts(std::ostream& out, const Model& model, const std::string& path) {
  std::size_t int8_nodes = 0;
  std::size_t fused = 0;
  for (const NodeInfo& node : model.nodes()) {
    int8_nodes += node.int8 ? 1 : 0;
    fused += node.fused.size();
  }
  out << path << ": " << model.file_size() << " bytes, " << model.nodes().size() << " nodes ("
      << int8_nodes << " in int8), " << fused << " nodes fused into them, "
      << static_cast<double>(model.macs()) * 1e-6 << " million multiply-accumulates\n";
}

// Prints a line for each reason, in the order in which the reasons first come.
void print_float_nodes(std::ostream& out, const Model& model) {
  if (!model.has_int8()) return;
  std::vector<std::string> reasons;
  std::map<std::string, std::vector<const NodeInfo*>> nodes_of;
  for (const NodeInfo& node : model.nodes()) {
    if (node.int8 || node.reason.empty() || node.op == "dequantize") continue;
    auto& nodes = nodes_of[node.reason];
    if (nodes.empty()) reasons.push_back(node.reason);
    nodes.push_back(&node);
  }
  for (const std::string& reason : reasons) {
    const auto& nodes = nodes_of[reason];
    out << "  in float: ";
    for (std::size_t i = 0; i < std::min(nodes.size(), named_at_most); ++i)
      out << (i > 0 ? ", " : "") << nodes[i]->name << " (" << nodes[i]->op << ")";
    if (nodes.size() > named_at_most) out << " and " << nodes.size() - named_at_most << " more";
    out << ": " << reason << "\n";
  }
}

// In int8 these operators only move values.
bool moves(const NodeInfo& node) {
  static const std::set<std::string> movers = {"reshape", "transpose",  "slice",
                                               "pad",     "max_pool2d", "resize"};
  return movers.contains(node.op);
}

// The node that computes the values of the tensor; null where they are an input's.
const NodeInfo* source_of(const Model& model, const std::string& tensor) {
  const NodeInfo* node = writer_of(model, tensor);
  while (node != nullptr && moves(*node)) node = writer_of(model, node->inputs[0].name);
  return node == nullptr || node->op == "quantize" ? nullptr : node;
}

// For a probability, 256 values are fine enough.
bool is_probability(const NodeInfo& node, float scale) {
  return (node.op == "softmax" || !node.function.empty()) && scale <= 1.0f / 128;
}

// A result of int8 arithmetic is one of 256 values, which may be too coarse for coordinates.
void print_coarse_outputs(std::ostream& out, const Model& model, bool file_has_scales) {
  for (const TensorInfo& output : model.outputs()) {
    const NodeInfo* last = writer_of(model, output.name);
    if (last == nullptr || last->op != "dequantize") continue;
    const TensorInfo& bytes = last->inputs[0];
    const NodeInfo* source = source_of(model, bytes.name);
    if (source == nullptr || is_probability(*source, bytes.scale)) continue;
    out << "  output " << output.name << ": one of 256 values, " << bytes.scale << " apart";
    if (file_has_scales) {
      out << ", as the file rounds it\n";
    } else {
      out << "; --keep-float " << source->name << " computes it in float\n";
    }
  }
}

// A layer that is kept in float gains little where the next one reads its result as int8.
void print_rounded_wishes(std::ostream& out, const Model& model) {
  for (const NodeInfo& quantize : model.nodes()) {
    if (quantize.op != "quantize") continue;
    const NodeInfo* kept = writer_of(model, quantize.inputs[0].name);
    if (kept == nullptr || !kept->reason.starts_with("asked by the user")) continue;
    const TensorInfo& bytes = quantize.outputs[0];
    const auto reader = std::ranges::find_if(model.nodes(), [&](const NodeInfo& node) {
      return std::ranges::any_of(node.inputs,
                                 [&](const TensorInfo& x) { return x.name == bytes.name; });
    });
    if (reader == model.nodes().end() || reader->op == "dequantize") continue;
    out << "  kept in float: " << kept->name << "; its result " << quantize.inputs[0].name
        << " is one of 256 values, " << bytes.scale << " apart, where " << reader->name << " ("
        << reader->op << ") reads it; --keep-float " << reader->name << " reads it in float\n";
  }
}

}  // namespace

void print_summary(std::ostream& out, const Model& model, const std::string& path,
                   bool file_has_scales) {
  print_counts(out, model, path);
  print_float_nodes(out, model);
  print_coarse_outputs(out, model, file_has_scales);
  print_rounded_wishes(out, model);
}

}  // namespace octet::tool
