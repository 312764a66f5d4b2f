// The door to the loaders: makes a float graph from a model file of any format.
#pragma once

#include <string>

#include "graph/graph.h"
#include "loaders/load_options.h"

namespace octet::loaders {

/// Reads a model. The format is recognized by the contents of the file, not by its name: float
/// export (.safetensors with `octet.graph`, docs/float_export.md), ONNX or TFLite
/// (docs/formats.md). Everything in the file is checked. Nothing is folded but arithmetic on
/// constants. Errors name the file, the node or tensor, and the remedy.
Expected<graph::Graph> load(const std::string& path, const LoadOptions& options = {});

}  // namespace octet::loaders
