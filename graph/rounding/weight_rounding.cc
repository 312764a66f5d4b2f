#include "graph/rounding/weight_rounding.h"

#include <algorithm>
#include <cmath>

#include "graph/passes/folding.h"
#include "graph/passes/passes.h"
#include "graph/rounding/least_squares.h"

namespace octet::graph {
namespace {

constexpr std::size_t fewest_inputs = 8;
constexpr std::size_t most_values = 4608;
constexpr std::size_t most_memory = std::size_t{256} << 20;  // for the sums of one pass

bool can_round(const Graph& graph, const Node& node) {
  return is_layer(node) && node.precision == Precision::int8 && !node.weight_quantization &&
         graph.tensor(node.inputs[1]).type == Type::f32 &&
         windows_of(graph, node).values() <= most_values;
}

// The weights of a layer, and how plain rounding would scale them.
struct LayerWeights {
  std::vector<float> weights;  ///< [channels][values]
  std::vector<float> bias;     ///< One for each channel.
  std::vector<float> scales;
  std::vector<bool> fixed;  ///< Whether a channel needs its scale, because of its bias or of zeros.
};

LayerWeights weights_of(const Graph& graph, const Node& node) {
  const Tensor& weight = graph.tensor(node.inputs[1]);
  const auto values = float_values(weight);
  const auto channels = static_cast<std::size_t>(weight.shape[0]);
  LayerWeights out{.weights = {values.begin(), values.end()}, .bias = bias_of(graph, node)};
  out.scales = symmetric_scales(values, out.bias, input_scales(graph, node));
  const std::size_t in_filter = values.size() / channels;
  for (std::size_t o = 0; o < channels; ++o) {
    float largest = 0;
    for (const float w : values.subspan(o * in_filter, in_filter))
      largest = std::max(largest, std::abs(w));
    out.fixed.push_back(out.scales[o] != largest / 127.0F);
  }
  return out;
}

// A layer's weights become s8, as if they had come so, and its bias takes up what rounding lost.
void replace_weights(Graph& graph, Node& node, const RoundedWeights& rounded,
                     const std::vector<float>& bias) {
  const Tensor& old = graph.tensor(node.inputs[1]);
  Tensor weight{.name = old.name, .type = Type::s8, .shape = old.shape};
  const auto bytes = std::as_bytes(std::span(rounded.values));
  weight.data.emplace(bytes.begin(), bytes.end());
  node.weight_quantization = WeightQuantization{.scale = rounded.scales};
  node.inputs[1] = graph.add_tensor(std::move(weight));
  set_bias(graph, node, bias);
}

}  // namespace

WeightRounding::WeightRounding(Session session, std::vector<Layer> layers, std::size_t inputs,
                               int threads)
    : session_(std::make_unique<Session>(std::move(session))),
      pool_(std::make_unique<ThreadPool>(threads)),
      layers_(std::move(layers)),
      inputs_(inputs) {
  begin_pass();
}

Expected<WeightRounding> WeightRounding::create(const Graph& lowered, std::size_t inputs,
                                                int threads) {
  // What layers read becomes outputs.
  Graph probe = lowered;
  std::vector<Layer> layers;
  std::vector<TensorId> outputs;
  for (std::size_t i = 0; i < lowered.nodes.size(); ++i) {
    const Node& node = lowered.nodes[i];
    if (!can_round(lowered, node)) continue;
    const auto known = std::ranges::find(outputs, node.inputs[0]);
    layers.push_back({.node = i,
                      .output = static_cast<std::size_t>(known - outputs.begin()),
                      .windows = windows_of(lowered, node)});
    if (known == outputs.end()) outputs.push_back(node.inputs[0]);
  }
  if (layers.empty()) outputs = lowered.outputs;
  probe.outputs = outputs;
  probe.task = {};
  probe.labels.clear();
  const auto bytes = finish_model(std::move(probe));
  if (!bytes) return tl::unexpected(bytes.error());
  const auto model = Model::from_memory(*bytes, lowered.name);
  if (!model) return tl::unexpected(model.error());
  auto session = Session::create(*model, {.threads = threads});
  if (!session) return tl::unexpected(session.error());
  return WeightRounding(std::move(*session), std::move(layers), inputs, threads);
}

std::size_t WeightRounding::end_of_pass(std::size_t first) const {
  std::size_t memory = 0;
  std::size_t end = first;
  while (end < layers_.size()) {
    memory += InputMoments::memory(layers_[end].windows);
    if (end > first && memory > most_memory) break;
    ++end;
  }
  return end;
}

std::size_t WeightRounding::passes() const {
  std::size_t count = 0;
  for (std::size_t first = 0; first < layers_.size(); first = end_of_pass(first)) ++count;
  return count;
}

void WeightRounding::begin_pass() {
  observed_ = 0;
  moments_.clear();
  const std::size_t end = end_of_pass(next_);
  for (std::size_t i = next_; i < end; ++i) moments_.emplace_back(layers_[i].windows, inputs_);
}

Expected<void> WeightRounding::observe(const std::vector<std::vector<float>>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (auto ok = session_->set_input(i, inputs[i]); !ok) return ok;
  }
  if (auto ok = session_->run(); !ok) return ok;
  ++observed_;
  for (std::size_t i = 0; i < moments_.size(); ++i) {
    moments_[i].observe(session_->output(layers_[next_ + i].output).values<uint8_t>(), *pool_);
  }
  return {};
}

void WeightRounding::round_layer(Graph& lowered, const Layer& layer,
                                 const InputMoments& moments) const {
  Node& node = lowered.nodes[layer.node];
  LayerWeights weights = weights_of(lowered, node);
  const std::size_t groups = moments.groups();
  const std::size_t channels = weights.bias.size() / groups;
  const std::size_t in_filter = layer.windows.values();
  const std::vector<float> steps = input_scales(lowered, node);
  RoundedWeights all{
      .values = std::vector<int8_t>(weights.weights.size()), .scales = weights.scales, .lost = {}};
  const auto round_group = [&](std::size_t group, const ThreadPool& pool) {
    const std::size_t first = group * channels;
    const std::vector<bool> fixed(
        weights.fixed.begin() + static_cast<std::ptrdiff_t>(first),
        weights.fixed.begin() + static_cast<std::ptrdiff_t>(first + channels));
    const RoundedWeights rounded = round_by_least_squares(
        std::span(weights.weights).subspan(first * in_filter, channels * in_filter),
        moments.moments(group), std::span(weights.scales).subspan(first, channels), fixed, pool);
    std::ranges::copy(rounded.values,
                      all.values.begin() + static_cast<std::ptrdiff_t>(first * in_filter));
    std::ranges::copy(rounded.scales, all.scales.begin() + static_cast<std::ptrdiff_t>(first));
    for (std::size_t o = 0; o < channels; ++o) {
      const double step = double{steps.size() == 1 ? steps[0] : steps[first + o]};
      weights.bias[first + o] += static_cast<float>(rounded.lost[o] * step);
    }
  };
  if (groups == 1) {
    round_group(0, *pool_);
  } else {
    const ThreadPool alone(1);
    const double cost = static_cast<double>(weights.weights.size() * in_filter) * 30;
    pool_->share_out(groups, cost, [&](kernels::Range range, std::size_t) {
      for (std::size_t group = range.begin; group < range.end; ++group) round_group(group, alone);
    });
  }
  replace_weights(lowered, node, all, weights.bias);
}

void WeightRounding::finish_pass(Graph& lowered) {
  for (std::size_t i = 0; i < moments_.size(); ++i) {
    if (observed_ >= fewest_inputs) round_layer(lowered, layers_[next_ + i], moments_[i]);
    moments_[i] = InputMoments({}, 1);  // its memory is free
  }
  next_ += moments_.size();
  begin_pass();
}

}  // namespace octet::graph
