#include "tools/octet/describe.h"

#include <exception>
#include <fstream>

#include "loaders/task.h"

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
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    graph.labels.push_back(line);
  }
  if (graph.labels.empty()) return fail(path + ": cannot be read, or has no lines");
  // Who names classes has a classifier.
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
