#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "tools/octet/calibrate.h"
#include "tools/read_file.h"

namespace octet::tool {
namespace {

using json = nlohmann::ordered_json;

// What is wrong with the entry of a tensor of so many channels; empty where nothing is.
std::string complaint(const json& entry, std::size_t channels) {
  if (!entry.is_object() || !entry.contains("scale") || !entry.contains("zero_point")) {
    return "needs 'scale' and 'zero_point'";
  }
  const json& scale = entry["scale"];
  const json& zero_point = entry["zero_point"];
  const float value = scale.is_number() ? scale.get<float>() : 0.0F;
  if (!(value > 0) || !std::isfinite(value)) return "needs a 'scale' above 0";
  if (!zero_point.is_number_integer() || zero_point.get<int64_t>() < 0 ||
      zero_point.get<int64_t>() > 255) {
    return "needs a 'zero_point' from 0 to 255";
  }
  for (const char* end : {"channel_low", "channel_high", "channel_square"}) {
    if (entry.contains("channel_low") != entry.contains("channel_high"))
      return "needs both 'channel_low' and 'channel_high', or neither";
    if (!entry.contains(end)) continue;
    const bool numbers =
        entry[end].is_array() && std::ranges::all_of(entry[end], [](const json& value) {
          return value.is_number() && std::isfinite(value.get<float>());
        });
    if (!numbers || entry[end].size() != channels) {
      return "needs a '" + std::string(end) + "' of " + std::to_string(channels) +
             " numbers, one for each channel";
    }
  }
  return "";
}

// A loader that transposes an output to its author's order of axes gives the tensor before the
// transpose this suffix. Its scale is the output's, and is stored under the output's name.
constexpr std::string_view inner_suffix = ".stored";

std::string known_name(const graph::Graph& graph, const std::string& name) {
  if (!name.ends_with(inner_suffix)) return name;
  const std::string outer = name.substr(0, name.size() - inner_suffix.size());
  const bool is_output = std::ranges::any_of(
      graph.outputs, [&](graph::TensorId id) { return graph.tensor(id).name == outer; });
  return is_output ? outer : name;
}

}  // namespace

const FileKind scales_kind = {
    .name = "a JSON file of scales",
    .looks_at = SIZE_MAX,
    .matches = [](std::span<const std::byte> bytes) {
      const auto* text = reinterpret_cast<const char*>(bytes.data());
      const json in = json::parse(text, text + bytes.size(), nullptr, false);
      return in.is_object() && std::ranges::all_of(in, [](const json& entry) {
               return entry.is_object() && entry.contains("scale") && entry.contains("zero_point");
             });
    }};

Expected<std::string> scales_text(const graph::Graph& graph) {
  json out = json::object();
  for (const graph::Tensor& tensor : graph.tensors) {
    if (tensor.is_constant() || !tensor.quantization) continue;
    const std::string name = known_name(graph, tensor.name);
    if (name != tensor.name && out.contains(name)) continue;
    out[name] = {{"scale", tensor.quantization->scale},
                 {"zero_point", tensor.quantization->zero_point}};
    if (tensor.channel_low.empty()) continue;
    out[name]["channel_low"] = tensor.channel_low;
    out[name]["channel_high"] = tensor.channel_high;
    if (!tensor.channel_square.empty()) out[name]["channel_square"] = tensor.channel_square;
  }
  if (out.empty()) {
    return fail(
        "--save-scales: the model has no scales to save; let octet find them on typical images "
        "(--calibrate DIR)");
  }
  return out.dump(1) + "\n";
}

Expected<void> read_scales(graph::Graph& graph, const std::string& path) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  const json in = json::parse(*text, nullptr, false);
  if (!in.is_object()) {
    return fail(path +
                ": no JSON object of scales by tensor name, as octet convert --save-scales "
                "writes it");
  }
  std::map<std::string, graph::Tensor*> activations;
  for (std::size_t i = 0; i < graph.tensors.size(); ++i) {
    graph::Tensor& tensor = graph.tensors[i];
    const auto id = static_cast<graph::TensorId>(i);
    const bool written = graph.is_input(id) || graph.producer_of(id) >= 0;
    if (!tensor.is_constant() && tensor.type == Type::f32 && written)
      activations[tensor.name] = &tensor;
  }
  for (const auto& [name, entry] : in.items()) {
    const auto found = activations.find(name);
    if (found == activations.end()) {
      return fail(path + ": the model has no activation '" + name +
                  "': these scales were saved of another model");
    }
    const Shape& shape = found->second->shape;
    const std::size_t channels = shape.empty() ? 1 : static_cast<std::size_t>(shape.back());
    if (const std::string wrong = complaint(entry, channels); !wrong.empty()) {
      return fail(path + ": tensor '" + name + "' " + wrong);
    }
    found->second->quantization = graph::Quantization{
        .scale = entry["scale"].get<float>(), .zero_point = entry["zero_point"].get<int32_t>()};
    if (!entry.contains("channel_low")) continue;
    found->second->channel_low = entry["channel_low"].get<std::vector<float>>();
    found->second->channel_high = entry["channel_high"].get<std::vector<float>>();
    if (entry.contains("channel_square"))
      found->second->channel_square = entry["channel_square"].get<std::vector<float>>();
  }
  for (const auto& [name, tensor] : activations) {
    const auto outer = activations.find(known_name(graph, name));
    if (!tensor->quantization && outer != activations.end())
      tensor->quantization = outer->second->quantization;
    if (!tensor->quantization) {
      return fail(path + ": no scale for tensor '" + name +
                  "': save the scales of this model (octet convert --calibrate DIR --save-scales)");
    }
  }
  return {};
}

}  // namespace octet::tool
