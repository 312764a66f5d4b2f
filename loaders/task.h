// The JSON object that says what a model answers, and the names of its classes
// (docs/float_export.md, "task" and "labels").
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "loaders/safetensors/json_reader.h"

namespace octet::loaders {

/// Throws LoadError if a key is missing or unknown, if the graph has no such output, or if the
/// first output of a classifier is not one answer. The engine refuses numbers that are out of
/// range.
Task read_task(const JsonObject& from, const graph::Graph& graph);

/// Does the same for JSON text from a command line.
Expected<Task> parse_task(const std::string& json, const graph::Graph& graph);

/// Whether the graph's labels are the classes of its first output: one row of as many scores.
bool labels_name_scores(const graph::Graph& graph);

/// Throws LoadError if a classifier has another number of classes than of labels.
void check_labels(const graph::Graph& graph);

}  // namespace octet::loaders
