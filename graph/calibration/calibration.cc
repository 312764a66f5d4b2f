#include "graph/calibration/calibration.h"

#include <algorithm>
#include <cmath>
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

/// Fewer values of a channel do not tell its range.
constexpr double fewest_values = 512;

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

/// Tells for each tensor whether it is an output, or its values are handed on to one.
std::vector<bool> answers_of(const Graph& graph) {
  return leads_to_output(graph, [&](const Node& node, TensorId result) {
    return hands_on(graph, node) && std::ranges::count(moved_results(node), result) > 0;
  });
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
  const std::vector<bool> answers = answers_of(graph);
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

/// What 999 of 1,000 values that are not 0 stay within.
double usual_magnitude(const Histogram& histogram) {
  std::vector<Bin> bins = histogram.bins();
  std::ranges::sort(
      bins, [](const Bin& a, const Bin& b) { return std::abs(a.mean()) < std::abs(b.mean()); });
  double all = 0;
  for (const Bin& bin : bins) all += bin.count;
  double seen = 0;
  for (const Bin& bin : bins) {
    seen += bin.count;
    if (seen >= 0.999 * all) return std::abs(bin.mean());
  }
  return 0;
}

/// How many times larger the largest channel is than a quarter of the live ones are at most.
double channel_ratio(const ChannelRanges& ranges) {
  std::vector<float> live;
  for (std::size_t c = 0; c < ranges.channels(); ++c) {
    const float peak = ranges.magnitude(c);
    if (peak > 0) live.push_back(peak);
  }
  if (live.size() < 4) return 1;
  std::ranges::sort(live);
  return static_cast<double>(live.back()) / static_cast<double>(live[live.size() / 4]);
}

/// Tells for each tensor whether a layer reads it, or something that is computed from it.
std::vector<bool> reach_layers(const Graph& graph) {
  std::vector<bool> reach(graph.tensors.size(), false);
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    const bool reaches = is_layer(node) || std::ranges::any_of(node.outputs, [&](TensorId id) {
                           return reach[static_cast<std::size_t>(id)];
                         });
    if (!reaches) continue;
    for (const TensorId id : node.inputs) reach[static_cast<std::size_t>(id)] = true;
  }
  return reach;
}

bool feeds_layer(const Graph& graph, TensorId id) {
  return std::ranges::any_of(graph.readers_of(id), [&](int reader) {
    const Node& node = graph.nodes[static_cast<std::size_t>(reader)];
    return is_layer(node) && node.inputs[0] == id;
  });
}

std::string readers_of(const Graph& graph, TensorId id) {
  std::string names;
  for (const int reader : graph.readers_of(id))
    names += (names.empty() ? "" : " ") + graph.nodes[static_cast<std::size_t>(reader)].name;
  return names;
}

}  // namespace

Calibration::Calibration(Session session, std::vector<TensorId> tensors, int threads)
    : session_(std::make_unique<Session>(std::move(session))),
      pool_(std::make_unique<ThreadPool>(threads)),
      tensors_(std::move(tensors)),
      histograms_(tensors_.size()),
      channels_(tensors_.size()) {}

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
  Calibration calibration(std::move(*session), std::move(tensors), threads);
  const std::vector<bool> reach = reach_layers(graph);
  for (std::size_t i = 0; i < calibration.tensors_.size(); ++i) {
    const TensorId id = calibration.tensors_[i];
    if (!reach[static_cast<std::size_t>(id)] || graph.tensor(id).shape.empty()) continue;
    const auto channels = static_cast<std::size_t>(graph.tensor(id).shape.back());
    calibration.channels_[i] = ChannelRanges(channels);
  }
  return calibration;
}

Expected<void> Calibration::observe(const std::vector<std::vector<float>>& inputs) {
  if (!inputs.empty()) variety_.observe(inputs[0]);
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
                     for (std::size_t i = range.begin; i < range.end; ++i) {
                       const auto all = session_->output(i).values<float>();
                       histograms_[i].observe(all);
                       channels_[i].observe(all);
                     }
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
    if (!channels_[i].empty()) {
      tensor.channel_low = channels_[i].low();
      tensor.channel_high = channels_[i].high();
      if (channels_[i].values() >= fewest_values)
        tensor.channel_square = channels_[i].mean_squares();
    }
    std::string text = remark(tensor.name, histogram, *tensor.quantization);
    if (!text.empty()) remarks.push_back(std::move(text));
  }
  return remarks;
}

std::vector<std::string> Calibration::warnings(const Graph& graph) const {
  constexpr std::size_t few_inputs = 10;
  constexpr double outlier = 100;
  constexpr double far_apart = 1000;
  std::vector<std::string> all;
  if (variety_.inputs() < few_inputs) {
    all.push_back("calibrated with " + std::to_string(variety_.inputs()) +
                  (variety_.inputs() == 1 ? " image" : " images") +
                  ", whose ranges may be too narrow for others: give some tens of typical ones");
  }
  if (variety_.all_alike()) {
    all.push_back("all " + std::to_string(variety_.inputs()) +
                  " images of the calibration are alike: give images that differ as those do that "
                  "the model will see");
  }
  const std::vector<bool> answers = answers_of(graph);
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const TensorId id = tensors_[i];
    if (histograms_[i].empty() || answers[static_cast<std::size_t>(id)]) continue;
    const std::string name = "activation '" + graph.tensor(id).name + "' ";
    const double most = std::max(std::abs(static_cast<double>(histograms_[i].low())),
                                 std::abs(static_cast<double>(histograms_[i].high())));
    const double usual = usual_magnitude(histograms_[i]);
    if (usual > 0 && most >= outlier * usual) {
      all.push_back(name + "reaches " + text_of(static_cast<float>(most)) +
                    ", but 999 of 1,000 values stay within " + text_of(static_cast<float>(usual)) +
                    ", and one scale holds both badly: look at its largest values, or keep what "
                    "reads it in float (--keep-float " +
                    readers_of(graph, id) + ")");
    } else if (const double ratio = feeds_layer(graph, id) ? channel_ratio(channels_[i]) : 1;
               ratio >= far_apart) {
      all.push_back(name + "has channels of which the largest is " +
                    text_of(static_cast<float>(std::round(ratio))) +
                    " times as large as a quarter of them: one scale leaves those few levels or "
                    "none. Scale the channels alike in training, or keep what reads it in float "
                    "(--keep-float " +
                    readers_of(graph, id) + ")");
    }
  }
  return all;
}

}  // namespace octet::graph
