// The door to the ONNX loader.
#pragma once

#include <span>
#include <string>

#include "graph/graph.h"
#include "loaders/load_options.h"

namespace octet::loaders {

bool looks_like_onnx(std::span<const std::byte> file);

/// `name` is the path, for error messages. Throws LoadError.
graph::Graph load_onnx(std::span<const std::byte> bytes, const std::string& name,
                       const LoadOptions& options);

}  // namespace octet::loaders
