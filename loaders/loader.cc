#include "loaders/loader.h"

#include <exception>

#include "engine/model_data.h"
#include "loaders/load_error.h"
#include "loaders/safetensors/float_export.h"
#include "loaders/safetensors/safetensors_file.h"

namespace octet::loaders {
namespace {

struct Format {
  bool (*matches)(std::span<const std::byte> file);
  graph::Graph (*load)(std::span<const std::byte> file, const std::string& name);
};

constexpr Format formats[] = {
    {looks_like_safetensors, load_float_export},
};

bool looks_like_octet(std::span<const std::byte> file) {
  return file.size() >= 8 && static_cast<char>(file[4]) == 'O' &&
         static_cast<char>(file[5]) == 'C' && static_cast<char>(file[6]) == 'T' &&
         static_cast<char>(file[7]) == '1';
}

}  // namespace

Expected<graph::Graph> load(const std::string& path) {
  const auto storage = ModelBytes::map(path);
  if (!storage) return tl::unexpected(storage.error());
  const std::span<const std::byte> file = (*storage)->bytes();
  if (looks_like_octet(file))
    return fail(path + ": this is an .octet model already; run it as it is");
  for (const Format& format : formats) {
    if (!format.matches(file)) continue;
    try {
      graph::Graph graph = format.load(file, path);
      if (auto ok = graph::check(graph); !ok) return fail(path + ": " + ok.error().message);
      return graph;
    } catch (const std::exception& error) {
      return fail(path + ": " + error.what());
    }
  }
  return fail(path +
              ": not a model that octet reads. It reads float exports (.safetensors made by "
              "tools/pytorch/octet_export.py)");
}

}  // namespace octet::loaders
