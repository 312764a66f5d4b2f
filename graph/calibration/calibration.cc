#include "graph/calibration/calibration.h"

#include <algorithm>
#include <sstream>

#include "engine/operator_table.h"

namespace octet::graph {
namespace {

/// Returns the activations for which a scale has to be found.
std::vector<TensorId> observed_tensors(const Graph& graph) {
  std::vector<TensorId> ids;
  for (std::size_t i = 0; i < graph.tensors.size(); ++i) {
    const Tensor& tensor = graph.tensors[i];
    const auto id = static_cast<TensorId>(i);
    if (tensor.is_constant() || tensor.type != Type::f32 || tensor.quantization) continue;
    if (graph.is_input(id) || graph.producer_of(id) >= 0) ids.push_back(id);
  }
  return ids;
}

/// Whether the largest values of a node's operand are also the largest of its result: the node only
/// moves or joins values, or changes them by constants or bounds.
bool hands_on(const Graph& graph, const Node& node) {
  if (kind_of(node.op) == Kind::arithmetic) {
    return std::ranges::any_of(node.inputs,
                               [&](TensorId id) { return graph.tensor(id).is_constant(); });
  }
  return moves_or_joins(node) || node.op == Op::clip || node.op == Op::neg;
}

/// Tells for each tensor whether it is an output, or leads to one through nodes for which `passes`
/// is true.
template <class Passes>
std::vector<bool> leads_to_output(const Graph& graph, const Passes& passes) {
  std::vector<bool> leads(graph.tensors.size(), false);
  for (const TensorId id : graph.outputs) leads[static_cast<std::size_t>(id)] = true;
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    if (std::ranges::none_of(node.outputs, [&](TensorId id) {
          return leads[static_cast<std::size_t>(id)] && passes(node, id);
        }))
      continue;
    for (const TensorId id : node.inputs) leads[static_cast<std::size_t>(id)] = true;
  }
  return leads;
}

/// Returns, for each tensor, the calibrator that may choose its range.
///
/// Large values of an output are answers (the box of a large face), not outliers of a sum. So
/// outputs, and tensors whose values are handed on to them, get the whole range. In what the last
/// layers read, values must not be clipped because they are rare: a detector's rare large features
/// are its answers. There, the squared error decides.
std::vector<Calibrator> calibrators_of(const Graph& graph, Calibrator wanted) {
  std::vector<Calibrator> all(graph.tensors.size(), wanted);
  const auto last =
      leads_to_output(graph, [](const Node& node, TensorId) { return !is_layer(node); });
  const bool counts = wanted == Calibrator::percentile || wanted == Calibrator::entropy;
  for (const Node& node : graph.nodes) {
    if (counts && is_layer(node) && last[static_cast<std::size_t>(node.output())])
      all[static_cast<std::size_t>(node.inputs[0])] = Calibrator::mse;
  }
  const auto answers = leads_to_output(graph, [&](const Node& node, TensorId result) {
    return hands_on(graph, node) && std::ranges::count(moved_results(node), result) > 0;
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (answers[i]) all[i] = Calibrator::min_max;
  }
  return all;
}

/// A sentence for the user about an unusual tensor; empty for all others.
std::string remark(const std::string& name, const Histogram& histogram,
                   const Quantization& chosen) {
  std::ostringstream text;
  if (histogram.empty()) {
    text << "tensor '" << name << "' had no finite value: scale 1 was chosen";
  } else if (histogram.not_finite() > 0) {
    text << "tensor '" << name << "' had " << histogram.not_finite()
         << " values that are infinite or no numbers; of the others scale " << chosen.scale
         << ", zero point " << chosen.zero_point << " were chosen";
  } else if (histogram.low() == 0 && histogram.high() == 0) {
    text << "tensor '" << name << "' was always 0: scale 1 was chosen";
  } else if (histogram.low() == histogram.high()) {
    text << "tensor '" << name << "' was always " << histogram.low() << ": scale " << chosen.scale
         << ", zero point " << chosen.zero_point << " were chosen, which cover it and 0";
  }
  return text.str();
}

}  // namespace

Calibration::Calibration(Session session, std::vector<TensorId> tensors, int threads)
    : session_(std::make_unique<Session>(std::move(session))),
      pool_(std::make_unique<ThreadPool>(threads)),
      tensors_(std::move(tensors)),
      histograms_(tensors_.size()) {}

Expected<Calibration> Calibration::create(const Graph& graph, int threads) {
  // Every activation becomes an output, so that no pass joins two nodes into one.
  Graph probe = graph;
  std::vector<TensorId> tensors = observed_tensors(graph);
  probe.outputs = tensors;
  probe.task = {};
  probe.labels.clear();
  const auto bytes = build_model(std::move(probe), {.float_only = true});
  if (!bytes) return tl::unexpected(bytes.error());
  const auto model = Model::from_memory(*bytes, graph.name + " in float");
  if (!model) return tl::unexpected(model.error());
  auto session = Session::create(*model, {.threads = threads});
  if (!session) return tl::unexpected(session.error());
  return Calibration(std::move(*session), std::move(tensors), threads);
}

Expected<void> Calibration::observe(const std::vector<std::vector<float>>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (auto ok = session_->set_input(i, inputs[i]); !ok) return ok;
  }
  if (auto ok = session_->run(); !ok) return ok;
  std::size_t values = 0;
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    values += session_->output(i).values<float>().size();
  constexpr double cost = 10;  // nanoseconds a value
  pool_->share_out(tensors_.size(), cost * static_cast<double>(values),
                   [&](kernels::Range range, std::size_t) {
                     for (std::size_t i = range.begin; i < range.end; ++i)
                       histograms_[i].observe(session_->output(i).values<float>());
                   });
  return {};
}

Expected<std::vector<std::string>> Calibration::apply(Graph& graph, Calibrator calibrator) const {
  std::vector<std::string> remarks;
  const std::vector<Calibrator> calibrators = calibrators_of(graph, calibrator);
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const Histogram& histogram = histograms_[i];
    if (histogram.empty() && histogram.not_finite() == 0) {
      return fail(graph.name + ": calibration saw no input");
    }
    Tensor& tensor = graph.tensor(tensors_[i]);
    tensor.quantization =
        histogram.empty()
            ? Quantization{.scale = 1}
            : choose_quantization(histogram, calibrators[static_cast<std::size_t>(tensors_[i])]);
    std::string text = remark(tensor.name, histogram, *tensor.quantization);
    if (!text.empty()) remarks.push_back(std::move(text));
  }
  return remarks;
}

}  // namespace octet::graph
