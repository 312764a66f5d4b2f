// The TFLite loader's door.
#pragma once

#include <span>
#include <string>

#include "graph/graph.h"
#include "loaders/load_options.h"

namespace octet::loaders {

bool looks_like_tflite(std::span<const std::byte> file);

/// `name` is the path, for errors. Throws LoadError.
graph::Graph load_tflite(std::span<const std::byte> bytes, const std::string& name,
                         const LoadOptions& options);

}  // namespace octet::loaders
