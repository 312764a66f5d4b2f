#include "tools/octet/inspect.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/operator.h"
#include "tools/files_in_use.h"
#include "tools/octet/bytes_moved.h"
#include "tools/octet/json_text.h"
#include "tools/octet/session_options.h"

namespace octet::tool {
namespace {

using json = nlohmann::ordered_json;

std::string typed_shape(const TensorInfo& info) {
  return shape_text(info.shape) + " " + type_name(info.type);
}

json tensor_json(const TensorInfo& info) {
  json out = {{"name", info.name}, {"type", type_name(info.type)}, {"shape", info.shape}};
  if (info.scale > 0) {
    out["scale"] = info.scale;
    out["zero_point"] = info.zero_point;
  }
  if (!info.channel_scales.empty()) {
    out["channel_scales"] = info.channel_scales;
    out["channel_zero_points"] = info.channel_zero_points;
  }
  return out;
}

json node_json(const NodeInfo& node) {
  json outputs = json::array();
  for (const TensorInfo& output : node.outputs) outputs.push_back(tensor_json(output));
  return {{"name", node.name},
          {"op", node.op},
          {"fused", node.fused},
          {"function", node.function},
          {"precision", node.int8 ? "int8" : "float"},
          {"reason", node.reason},
          {"output", outputs[0]},
          {"outputs", outputs},
          {"macs", node.macs},
          {"weight_bytes", node.weight_bytes},
          {"bytes", bytes_moved(node)},
          {"step", node.step}};
}

const char* task_name(TaskType type) {
  switch (type) {
    case TaskType::none:
      return "none";
    case TaskType::classify:
      return "classify";
    case TaskType::detect:
      return "detect";
  }
  return "";
}

json describe(const Model& model, const Session& session) {
  json out;
  put_path(out, "model", model.path());
  out.update({{"producer", model.producer()},
              {"file_bytes", model.file_size()},
              {"weight_bytes", model.weight_bytes()},
              {"macs", model.macs()},
              {"has_int8", model.has_int8()},
              {"has_float_island", model.has_float_island()},
              {"same_bytes", model.is_exact()},
              {"isa", session.isa()},
              {"threads", session.threads()},
              {"arena_bytes", session.arena_bytes()},
              {"arena_lower_bound", session.arena_lower_bound()},
              {"packed_bytes", session.packed_bytes()},
              {"scratch_bytes", session.scratch_bytes()},
              {"labels", model.labels().size()},
              {"task", task_name(model.task().type)}});
  if (model.task().type == TaskType::classify) {
    out["score_type"] = score_type_name(model.task().score_type);
  }
  for (const TensorInfo& input : model.inputs()) out["inputs"].push_back(tensor_json(input));
  for (const TensorInfo& output : model.outputs()) out["outputs"].push_back(tensor_json(output));
  out["nodes"] = json::array();
  for (const NodeInfo& node : model.nodes()) out["nodes"].push_back(node_json(node));
  return out;
}

void print_tensors(const char* what, const std::vector<TensorInfo>& tensors) {
  for (const TensorInfo& t : tensors) {
    std::printf("%-8s %s %s %s\n", what, t.name.c_str(), type_name(t.type),
                shape_text(t.shape).c_str());
  }
}

std::string scale_text(const TensorInfo& info) {
  char text[80];
  if (!info.channel_scales.empty()) {
    const auto [least, most] = std::ranges::minmax(info.channel_scales);
    std::snprintf(text, sizeof(text), "%.3g to %.3g", static_cast<double>(least),
                  static_cast<double>(most));
    return text;
  }
  if (!(info.scale > 0)) return "";
  std::snprintf(text, sizeof(text), "%.6g, %d", static_cast<double>(info.scale), info.zero_point);
  return text;
}

void print(const Model& model, const Session& session) {
  std::printf("%s: %zu bytes, made by %s\n", model.path().c_str(), model.file_size(),
              model.producer().c_str());
  std::printf(
      "%.2f million multiply-accumulates, %zu bytes of weights\n"
      "a session of %d thread%s on %s: %zu bytes of packed weights, %zu of activations (no plan "
      "needs "
      "less than %zu), %zu of scratch\n",
      static_cast<double>(model.macs()) * 1e-6, model.weight_bytes(), session.threads(),
      session.threads() == 1 ? "" : "s", session.isa(), session.packed_bytes(),
      session.arena_bytes(), session.arena_lower_bound(), session.scratch_bytes());
  std::printf("bytes of the outputs are the same on every CPU: %s\n",
              model.is_exact() ? "yes" : "no, it has convolutions or linear layers in float");
  print_tensors("input", model.inputs());
  print_tensors("output", model.outputs());
  if (model.task().type != TaskType::none) {
    std::printf("task     %s", task_name(model.task().type));
    if (model.task().type == TaskType::classify) {
      std::printf(", its scores are %s", score_type_name(model.task().score_type));
    }
    std::printf("\n");
  }
  std::printf("\n%-5s %-32s %-11s %-6s %-18s %-24s %12s %10s\n", "step", "node", "operator", "type",
              "output", "scale, zero point", "MACs", "bytes");
  for (const NodeInfo& node : model.nodes()) {
    std::printf("%-5d %-32s %-11s %-6s %-18s %-24s %12lld %10lld\n", node.step, node.name.c_str(),
                node.op.c_str(), node.int8 ? "int8" : "float", typed_shape(node.outputs[0]).c_str(),
                scale_text(node.outputs[0]).c_str(), static_cast<long long>(node.macs),
                static_cast<long long>(bytes_moved(node)));
    for (std::size_t i = 1; i < node.outputs.size(); ++i) {
      std::printf("%-57s %-18s %s\n", "      and", typed_shape(node.outputs[i]).c_str(),
                  scale_text(node.outputs[i]).c_str());
    }
    if (!node.function.empty() && node.op != "lookup")
      std::printf("      computes %s before it rounds\n", node.function.c_str());
    if (!node.outputs[0].channel_scales.empty())
      std::printf("      a scale and a zero point for each channel of its result\n");
    if (!node.fused.empty()) {
      std::string names;
      for (const std::string& name : node.fused) names += (names.empty() ? "" : ", ") + name;
      std::printf("      fused into it: %s\n", names.c_str());
    }
    if (!node.reason.empty()) std::printf("      %s\n", node.reason.c_str());
  }
}

}  // namespace

Expected<int> inspect(const InspectOptions& options) {
  if (auto ok = check_session_options(options.session); !ok) return tl::unexpected(ok.error());
  if (auto ok = FilesInUse().add(options.model); !ok) return tl::unexpected(ok.error());
  const auto model = Model::load(options.model, {.verify_checksum = true});
  if (!model) return tl::unexpected(model.error());
  const auto session = Session::create(*model, options.session);
  if (!session) return tl::unexpected(session.error());
  if (options.as_json) {
    std::cout << json_text(describe(*model, *session), 2) << "\n";
  } else {
    print(*model, *session);
  }
  return succeeded;
}

}  // namespace octet::tool
