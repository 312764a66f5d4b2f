// What the user says about a model where its file does not: its task, and the names of its classes.
#pragma once

#include <string>

#include "graph/graph.h"

namespace octet::tool {

/// --task: "classify", or the JSON object of docs/float_export.md, "task", which names outputs by
/// number or by name. Errors: `text` is neither; it does not suit the graph's outputs; the graph
/// has a task already.
Expected<void> set_task(graph::Graph& graph, const std::string& text);

/// --labels: a text file with a class in each line, in the order of the scores; blank lines do not
/// count. A graph without a task becomes a classifier. Errors: the file cannot be read; it has
/// another number of classes than the first output; the graph has labels already.
Expected<void> set_labels(graph::Graph& graph, const std::string& path);

}  // namespace octet::tool
