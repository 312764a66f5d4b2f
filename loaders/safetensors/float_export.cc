#include "loaders/safetensors/float_export.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "loaders/load_error.h"
#include "loaders/preprocess.h"
#include "loaders/safetensors/json_reader.h"
#include "loaders/safetensors/node_loader.h"
#include "loaders/safetensors/safetensors_file.h"
#include "loaders/task.h"

namespace octet::loaders {
namespace {

using nlohmann::json;

std::map<std::string, DeclaredTensor> read_tensors(const JsonObject& root,
                                                   const SafetensorsFile& file) {
  std::map<std::string, DeclaredTensor> out;
  const json& tensors = root.at("tensors");
  if (!tensors.is_object()) root.fail("'tensors' is not an object");
  for (const auto& [name, value] : tensors.items()) {
    const JsonObject object(value, "tensor '" + name + "': ");
    object.allow_only({"shape", "scale", "zero_point", "type"});
    if (file.tensors.contains(name)) object.fail("it is both an activation and a parameter");
    DeclaredTensor tensor{.shape = object.integers("shape")};
    if (auto ok = check_shape(tensor.shape); !ok) object.fail("it " + ok.error().message);
    if (object.has("type") && object.text("type") != "s32" && object.text("type") != "f32") {
      object.fail("its type is neither f32 nor s32");
    }
    if (object.has("scale")) {
      tensor.quantization = {.scale = object.number("scale"),
                             .zero_point = object.integer("zero_point")};
      const float scale = tensor.quantization->scale;
      if (!(scale > 0) || !std::isnormal(scale) || !std::isnormal(1.0f / scale)) {
        object.fail("its scale is not a positive number");
      }
      const int32_t zero_point = tensor.quantization->zero_point;
      if (zero_point < 0 || zero_point > 255) object.fail("its zero point is outside 0 to 255");
    }
    out[name] = std::move(tensor);
  }
  return out;
}

// Checks that no two nodes have the same name. One node's name may be a prefix of another's.
void check_names(const json& nodes) {
  std::set<std::string> names;
  for (const json& node : nodes) {
    if (!node.is_object() || !node.contains("name") || !node["name"].is_string())
      throw LoadError("a node has no name");
    if (!names.insert(node["name"].get<std::string>()).second) {
      throw LoadError("two nodes are named '" + node["name"].get<std::string>() + "'");
    }
  }
}

}  // namespace

graph::Graph load_float_export(std::span<const std::byte> bytes, const std::string& name) {
  const SafetensorsFile file = parse_safetensors(bytes);
  const auto text = file.metadata.find("octet.graph");
  if (text == file.metadata.end()) {
    throw LoadError(
        "the file has weights but no graph ('octet.graph' in its metadata): a plain checkpoint. "
        "Export the model "
        "itself with tools/pytorch/octet_export.py (docs/float_export.md)");
  }
  const json parsed = json::parse(text->second, nullptr, false);
  const JsonObject root(parsed, "octet.graph: ");
  root.allow_only({"format", "producer", "layout", "nodes", "tensors", "inputs", "outputs",
                   "keep_float", "preprocess", "labels", "task"});
  if (root.integer("format") != 1) {
    root.fail("format " + std::to_string(root.integer("format")) +
              " is newer than this octet, which reads format 1");
  }
  const std::string layout = root.text("layout");
  if (layout != "nchw" && layout != "nhwc") root.fail("'layout' is neither nchw nor nhwc");
  const json& nodes = root.at("nodes");
  if (!nodes.is_array()) root.fail("'nodes' is not an array");
  check_names(nodes);

  graph::Graph graph{.name = name};
  if (root.has("producer")) graph.producer = root.text("producer");
  NodeLoader loader(graph, file, read_tensors(root, file), layout == "nhwc");
  loader.count_readers(nodes, root.texts("outputs"));
  for (const std::string& input : root.texts("inputs")) loader.add_input(input);
  for (const json& node : nodes) loader.add_node(node);
  for (const std::string& output : root.texts("outputs")) loader.add_output(output);
  if (graph.inputs.empty() || graph.outputs.empty())
    root.fail("the model has no inputs or no outputs");

  graph.keeps_rounding = std::ranges::any_of(graph.tensors, [](const graph::Tensor& tensor) {
    return tensor.is_constant() && tensor.type == Type::s8;
  });
  if (root.has("keep_float")) graph.keep_float = root.texts("keep_float");
  if (root.has("labels")) graph.labels = root.texts("labels");
  if (root.has("task")) {
    graph.task = read_task(root.object("task"), graph);
  } else if (labels_name_scores(graph)) {
    graph.task.type = TaskType::classify;
  }
  check_labels(graph);
  if (root.has("preprocess")) {
    graph.preprocess = read_preprocess(root.object("preprocess"));
    const Preprocess& p = *graph.preprocess;
    const Shape image = {1, p.height, p.width, static_cast<int32_t>(p.mean.size())};
    const Shape& input = graph.tensor(graph.inputs[0]).shape;
    if (input != image) {
      root.fail("the preprocessing makes " + shape_text(image) +
                " (N, H, W, C), but the first input is " + shape_text(input));
    }
  }
  return graph;
}

}  // namespace octet::loaders
