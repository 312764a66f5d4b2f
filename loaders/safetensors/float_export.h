// The loader of float exports (docs/float_export.md).
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "graph/graph.h"

namespace octet::loaders {

/// `file` is the whole file; `name` is the name of the graph, for error messages. Throws LoadError.
graph::Graph load_float_export(std::span<const std::byte> file, const std::string& name);

}  // namespace octet::loaders
