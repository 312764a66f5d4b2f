#include "tests/onnx/run_qdq.h"

#include <cmath>

#include "graph/graph.h"
#include "loaders/load_error.h"
#include "loaders/onnx/onnx_model.h"

namespace octet::test {
namespace {

using Answers = std::map<std::string, RealTensor>;

/// Returns the model's input in octet's order of axes. No graph here turns its input itself.
std::vector<float> input_of(const QdqGraph& graph) {
  const RealTensor turned =
      transposed({.dims = graph.input_dims, .values = graph.values}, {0, 2, 3, 1});
  return {turned.values.begin(), turned.values.end()};
}

Expected<Answers> answers_of(const QdqGraph& graph, const std::vector<std::string>& outputs,
                             bool in_float) {
  OnnxMaker file = graph.file;
  for (const std::string& name : outputs) file.output(name);
  const std::string bytes = file.file();
  Expected<std::vector<std::byte>> built;
  try {
    built =
        graph::build_model(loaders::load_onnx(std::as_bytes(std::span(bytes)), "random.onnx", {}),
                           {.float_only = in_float});
  } catch (const loaders::LoadError& error) {
    return fail(std::string("refused: ") + error.what());
  }
  if (!built) return tl::unexpected(built.error());
  const auto model = Model::from_memory(*built, "random graph");
  if (!model) return tl::unexpected(model.error());
  auto session = Session::create(*model, {.threads = 1});
  if (!session) return tl::unexpected(session.error());
  if (auto ok = session->set_input(0, input_of(graph)); !ok) return tl::unexpected(ok.error());
  if (auto ok = session->run(); !ok) return tl::unexpected(ok.error());
  Answers answers;
  for (std::size_t i = 0; i < session->output_count(); ++i) {
    const TensorView view = session->output(i);
    const auto values = view.values<float>();
    answers[outputs[i]] = {.dims = Dims(view.info->shape.begin(), view.info->shape.end()),
                           .values = std::vector<double>(values.begin(), values.end())};
  }
  return answers;
}

std::vector<std::string> every_output(const QdqGraph& graph) {
  std::vector<std::string> all;
  for (const QdqStep& step : graph.steps) all.push_back(step.output);
  return all;
}

}  // namespace

std::string check_qdq_graph(const QdqGraph& graph, bool in_float) {
  const auto all = answers_of(graph, every_output(graph), in_float);
  return all ? differences(graph, *all, in_float) : all.error().message;
}

std::string check_ends(const QdqGraph& graph, bool in_float) {
  const auto all = answers_of(graph, every_output(graph), in_float);
  const auto ends = answers_of(graph, graph.ends, in_float);
  if (!all || !ends) return (all ? ends : all).error().message;
  std::string wrong;
  for (const auto& [name, tensor] : *ends) {
    const RealTensor& other = all->at(name);
    for (std::size_t i = 0; i < tensor.values.size(); ++i) {
      if (tensor.values[i] == other.values[i]) continue;
      wrong += name + "[" + std::to_string(i) + "] is " + std::to_string(tensor.values[i]) +
               " as the last output, " + std::to_string(other.values[i]) + " beside others\n";
      break;
    }
  }
  return wrong;
}

}  // namespace octet::test
