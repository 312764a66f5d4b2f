// The door to the loaders: a model file of any format -> a float graph.
#pragma once

#include <string>

#include "graph/graph.h"
#include "loaders/load_options.h"

namespace octet::loaders {

/// Reads a model of a format that is found by the file's content, not by its name. Formats: float
/// export (.safetensors with `octet.graph`, docs/float_export.md), ONNX, TFLite (docs/formats.md).
/// Everything in the file is checked; nothing is folded but arithmetic on constants. Errors name
/// the file, the node or tensor, and the remedy.
Expected<graph::Graph> load(const std::string& path, const LoadOptions& options = {});

}  // namespace octet::loaders
