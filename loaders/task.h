// The JSON object that says what a model answers, and the names of its classes:
// docs/float_export.md, "task" and "labels".
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "loaders/safetensors/json_reader.h"

namespace octet::loaders {

/// Throws LoadError: a key that is missing or unknown, an output that the graph has not, a
/// classifier whose first output is not one answer. Numbers out of range are the engine's to
/// refuse.
Task read_task(const JsonObject& from, const graph::Graph& graph);

/// The same from JSON text, as a user gives it on a command line.
Expected<Task> parse_task(const std::string& json, const graph::Graph& graph);

/// Throws LoadError where a classifier has another number of classes than of labels.
void check_labels(const graph::Graph& graph);

}  // namespace octet::loaders
