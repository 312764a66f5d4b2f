#include "loaders/loader.h"

#include <exception>

#include "engine/model_data.h"
#include "loaders/load_error.h"
#include "loaders/onnx/onnx_model.h"
#include "loaders/safetensors/float_export.h"
#include "loaders/safetensors/safetensors_file.h"
#include "loaders/tflite/tflite_model.h"

namespace octet::loaders {
namespace {

struct Format {
  bool (*matches)(std::span<const std::byte> file);
  graph::Graph (*load)(std::span<const std::byte> file, const std::string& name,
                       const LoadOptions& options);
};

graph::Graph load_float_export_file(std::span<const std::byte> file, const std::string& name,
                                    const LoadOptions& options) {
  if (!options.shapes.empty())
    throw LoadError("--shape is given, but a float export says its own shapes: leave it out");
  return load_float_export(file, name);
}

constexpr Format formats[] = {
    {looks_like_safetensors, load_float_export_file},
    {looks_like_tflite, load_tflite},
    {looks_like_onnx, load_onnx},
};

bool looks_like_octet(std::span<const std::byte> file) {
  return file.size() >= 8 && static_cast<char>(file[4]) == 'O' &&
         static_cast<char>(file[5]) == 'C' && static_cast<char>(file[6]) == 'T' &&
         static_cast<char>(file[7]) == '1';
}

}  // namespace

Expected<graph::Graph> load(const std::string& path, const LoadOptions& options) {
  const auto storage = ModelBytes::map(path);
  if (!storage) return tl::unexpected(storage.error());
  const std::span<const std::byte> file = (*storage)->bytes();
  if (looks_like_octet(file))
    return fail(path + ": this is an .octet model already; run it as it is");
  for (const Format& format : formats) {
    if (!format.matches(file)) continue;
    try {
      graph::Graph graph = format.load(file, path, options);
      if (auto ok = graph::check(graph); !ok) return fail(path + ": " + ok.error().message);
      return graph;
    } catch (const std::exception& error) {
      return fail(path + ": " + error.what());
    }
  }
  return fail(path +
              ": not a model that octet reads. It reads float exports (.safetensors made by "
              "tools/pytorch/octet_export.py), ONNX models and TFLite models");
}

}  // namespace octet::loaders
