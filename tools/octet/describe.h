// What a model's file does not say and its user knows: what it answers, and its classes' names.
#pragma once

#include <string>

#include "graph/graph.h"

namespace octet::tool {

/// --task: "classify", or the JSON object of docs/float_export.md, "task", outputs by number or by
/// name. Errors: no such object; it does not suit the graph's outputs; the graph has one of its
/// own.
Expected<void> set_task(graph::Graph& graph, const std::string& text);

/// --labels: a text file with a class in each line, in the order of the scores; blank lines do not
/// count. A graph without a task becomes a classifier. Errors: it cannot be read; another number of
/// classes than the first output has; the graph has labels.
Expected<void> set_labels(graph::Graph& graph, const std::string& path);

}  // namespace octet::tool
