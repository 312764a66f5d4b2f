#include "tools/octet/describe.h"

#include <exception>

#include "loaders/task.h"
#include "tools/read_file.h"

namespace octet::tool {

Expected<void> set_task(graph::Graph& graph, const std::string& text) {
  if (graph.task.type != TaskType::none) {
    return fail(graph.name + ": the file says itself what the model answers: leave --task out");
  }
  auto task = loaders::parse_task(text == "classify" ? R"({"type": "classify"})" : text, graph);
  if (!task) return fail("--task: " + task.error().message);
  graph.task = std::move(*task);
  return {};
}

Expected<void> set_labels(graph::Graph& graph, const std::string& path) {
  if (!graph.labels.empty()) {
    return fail(graph.name + ": the file names its classes itself: leave --labels out");
  }
  auto labels = read_lines(path);
  if (!labels) return fail(labels.error().message + ": the labels cannot be read");
  if (labels->empty()) return fail(path + ": no line of it names a class");
  graph.labels = std::move(*labels);
  // A user who names classes has a classifier.
  if (graph.task.type == TaskType::none) {
    if (auto ok = set_task(graph, "classify"); !ok) return ok;
  }
  try {
    loaders::check_labels(graph);
  } catch (const std::exception& error) {
    return fail(path + ": " + error.what());
  }
  return {};
}

}  // namespace octet::tool
