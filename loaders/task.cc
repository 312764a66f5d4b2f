#include "loaders/task.h"

#include <algorithm>
#include <exception>

#include "loaders/load_error.h"

namespace octet::loaders {
namespace {

using nlohmann::json;

/// Reads the output of a detector, which is given by number or by name.
int32_t read_output(const JsonObject& from, const std::string& key, const graph::Graph& graph) {
  const json& value = from.at(key);
  if (value.is_string()) {
    for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
      if (graph.tensor(graph.outputs[i]).name == value.get<std::string>()) {
        return static_cast<int32_t>(i);
      }
    }
    from.fail("'" + key + "': there is no output '" + value.get<std::string>() + "'");
  }
  const int32_t output = from.integer(key);
  if (output < 0 || output >= static_cast<int32_t>(graph.outputs.size())) {
    from.fail("'" + key + "': there is no output " + std::to_string(output));
  }
  return output;
}

void read_priors(const JsonObject& from, Task& task) {
  task.steps = from.numbers("steps");
  task.variances = from.numbers("variances");
  const json& sizes = from.at("min_sizes");
  if (!sizes.is_array() || sizes.size() != task.steps.size())
    from.fail("'min_sizes' needs an array for each step");
  for (const json& row : sizes) {
    if (!row.is_array()) from.fail("'min_sizes' needs an array for each step");
    auto& values = task.min_sizes.emplace_back();
    for (const json& value : row) values.push_back(to_float(value, from.where() + "a size"));
  }
  if (task.variances.size() != 2) from.fail("'variances' needs 2 values");
}

int64_t long_axes(const Shape& shape) {
  return std::ranges::count_if(shape, [](int32_t extent) { return extent > 1; });
}

/// Checks that a classifier answers with one row of scores, or with the index of one class.
void check_one_answer(const JsonObject& from, const graph::Graph& graph) {
  const graph::Tensor& output = graph.tensor(graph.outputs[0]);
  const bool is_index = output.type == Type::s32;
  if (long_axes(output.shape) > (is_index ? 0 : 1)) {
    from.fail("the task is classify, but the first output '" + output.name + "' is " +
              shape_text(output.shape) + ": answers at many places; leave the task out");
  }
}

}  // namespace

Task read_task(const JsonObject& from, const graph::Graph& graph) {
  const std::string type = from.text("type");
  if (type == "classify") {
    from.allow_only({"type"});
    check_one_answer(from, graph);
    return {.type = TaskType::classify};
  }
  if (type != "detect") from.fail("'type' is neither classify nor detect");
  const std::string coding = from.has("box_coding") ? from.text("box_coding") : "priors";
  if (coding != "priors" && coding != "corners") {
    from.fail("'box_coding' is neither priors nor corners");
  }
  Task task{.type = TaskType::detect,
            .boxes = read_output(from, "boxes", graph),
            .scores = read_output(from, "scores", graph),
            .landmarks = from.has("landmarks") ? read_output(from, "landmarks", graph) : -1,
            .score_threshold = from.number("score_threshold"),
            .nms_iou = from.number("nms_iou"),
            .corners = coding == "corners"};
  if (task.corners) {
    from.allow_only(
        {"type", "boxes", "scores", "landmarks", "score_threshold", "nms_iou", "box_coding"});
  } else {
    from.allow_only({"type", "boxes", "scores", "landmarks", "min_sizes", "steps", "variances",
                     "score_threshold", "nms_iou", "box_coding"});
    read_priors(from, task);
  }
  return task;
}

Expected<Task> parse_task(const std::string& text, const graph::Graph& graph) {
  try {
    const json parsed = json::parse(text, nullptr, false);
    if (parsed.is_discarded()) return fail("task: not JSON: " + text);
    return read_task({parsed, "task: "}, graph);
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}

bool labels_name_scores(const graph::Graph& graph) {
  const graph::Tensor& output = graph.tensor(graph.outputs[0]);
  return !graph.labels.empty() && output.type != Type::s32 && long_axes(output.shape) <= 1 &&
         element_count(output.shape) == static_cast<int64_t>(graph.labels.size());
}

void check_labels(const graph::Graph& graph) {
  const graph::Tensor& output = graph.tensor(graph.outputs[0]);
  const auto labels = static_cast<int64_t>(graph.labels.size());
  const int64_t classes = element_count(output.shape);
  if (graph.task.type == TaskType::classify && output.type != Type::s32 && labels != 0 &&
      labels != classes) {
    throw LoadError("there are " + std::to_string(labels) + " labels, but the first output '" +
                    output.name + "' has " + std::to_string(classes) + " classes");
  }
}

}  // namespace octet::loaders
