// The door to the TFLite loader.
#pragma once

#include <span>
#include <string>

#include "graph/graph.h"
#include "loaders/load_options.h"

namespace octet::loaders {

bool looks_like_tflite(std::span<const std::byte> file);

/// `name` is the path, for error messages. Throws LoadError.
graph::Graph load_tflite(std::span<const std::byte> bytes, const std::string& name,
                         const LoadOptions& options);

}  // namespace octet::loaders
