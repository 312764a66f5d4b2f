#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "engine/operator_table.h"
#include "graph/calibration/calibrators.h"
#include "graph/inner_function.h"
#include "graph/passes/folding.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// Which channel of a node's result each channel of an operand becomes, or -1.
using ChannelMap = std::vector<int32_t>;

// A layer that reads a tensor, directly or through carriers, and which of the layer's input
// channels the tensor's channels are.
struct Reading {
  int layer = 0;
  ChannelMap channels;
};

// Whether the ends of all channels' ranges can be the bounds: a lower one has to be a level, 0.
bool bounds_fit(const Bounds& bounds) { return bounds.min == 0 || std::isinf(bounds.min); }

// The operand of an int8 node whose channels keep their proportions in the result, or -1: the
// larger one of a product, both of a sum (the first is returned), that of an average pool, and the
// residual of a layer that adds it behind its function.
bool has_proportions(const Graph& graph, const Node& node, TensorId id) {
  if (!gives_u8(node) || node.outputs.size() != 1 || graph.tensor(id).is_constant()) return false;
  const Shape& shape = graph.tensor(id).shape;
  const Shape& result = graph.tensor(node.output()).shape;
  if (is_layer(node)) {
    const auto& a = std::get<ConvAttributes>(node.attributes);
    return a.has_residual && !a.function.takes_residual && node.inputs.back() == id;
  }
  if (kind_of(node.op) == Kind::average_pool) return true;
  if (kind_of(node.op) != Kind::arithmetic || shape != result) return false;
  const TensorId other = node.inputs[node.inputs[0] == id ? 1 : 0];
  if (row_of(node.op).arithmetic == Arithmetic::mul)
    return other != id && (node.inputs[0] == id || graph.tensor(other).shape != result);
  const bool is_sum = row_of(node.op).arithmetic == Arithmetic::add ||
                      row_of(node.op).arithmetic == Arithmetic::sub;
  return is_sum && !graph.tensor(other).is_constant() && graph.tensor(other).shape == result;
}

// Whether channels may have scales of their own in what the node writes, if they may in the
// operands whose proportions it keeps.
bool can_write(const Graph& graph, const Node& node) {
  if (!gives_u8(node) || node.outputs.size() != 1) return false;
  const Tensor& result = graph.tensor(node.output());
  if (result.channel_low.empty() || !result.quantization) return false;
  if (is_layer(node)) {
    const auto& a = std::get<ConvAttributes>(node.attributes);
    // No range is longer than that of the channel with the longest, which an upper bound has cut.
    return (a.bounds.min == 0 || !a.bounds.bounded()) && bounds_fit(a.inner_bounds) &&
           std::isinf(a.inner_bounds.max) && !a.function.takes_residual;
  }
  const bool keeps = std::ranges::any_of(
      node.inputs, [&](TensorId id) { return has_proportions(graph, node, id); });
  if (!keeps) return false;
  const Bounds& bounds = kind_of(node.op) == Kind::average_pool
                             ? std::get<PoolAttributes>(node.attributes).bounds
                             : std::get<BinaryAttributes>(node.attributes).bounds;
  return bounds_fit(bounds) && std::isinf(bounds.max);
}

// Whether a filter reads several channels, so that their scales have to be in its weights.
bool sums_channels(const Graph& graph, const Node& layer) { return !is_depthwise(graph, layer); }

// Whether there are faster kernels for the layer (Winograd's) if its input has one zero point: they
// are for dense filters of several taps.
bool wants_one_zero_point(const Graph& graph, const Node& layer) {
  const Window& w = std::get<ConvAttributes>(layer.attributes).window;
  return sums_channels(graph, layer) && w.kernel_h * w.kernel_w > 1;
}

// Whether the layer can read a tensor with scales of channels.
bool can_read(const Graph& graph, const Node& layer, TensorId id) {
  return layer.precision == Precision::int8 && layer.inputs[0] == id &&
         (!sums_channels(graph, layer) ||
          (graph.tensor(layer.inputs[1]).type == Type::f32 && !layer.weight_quantization));
}

// Whether the node hands on the bytes of channels as they are: a carrier.
bool carries(const Graph& graph, const Node& node) {
  if (!gives_u8(node) || node.outputs.size() != 1) return false;
  const auto last = static_cast<int32_t>(graph.tensor(node.output()).shape.size()) - 1;
  switch (kind_of(node.op)) {
    case Kind::concat: {
      const auto is_fit = [&](TensorId id) {
        return !graph.tensor(id).is_constant() && graph.tensor(id).quantization &&
               std::ranges::count(node.inputs, id) == 1;
      };
      return std::get<AxisAttributes>(node.attributes).axis == last &&
             std::ranges::all_of(node.inputs, is_fit);
    }
    case Kind::slice:
      return std::get<SliceAttributes>(node.attributes).stride.back() > 0;
    case Kind::resize:
      return moves_bytes(node);
    case Kind::max_pool:
      return !std::get<PoolAttributes>(node.attributes).bounds.bounded();
    case Kind::conv2d:
    case Kind::linear:
    case Kind::arithmetic:
    case Kind::average_pool:
    case Kind::softmax:
    case Kind::log_softmax:
    case Kind::argmax:
    case Kind::pad:
    case Kind::reshape:
    case Kind::transpose:
    case Kind::clip:
    case Kind::lookup:
    case Kind::quantize:
    case Kind::dequantize:
    case Kind::requantize:
    case Kind::mean:
    case Kind::batch_norm:
    case Kind::prelu:
    case Kind::function:
    case Kind::cast:
    case Kind::gather_nd:
    case Kind::top_k:
    case Kind::identity:
      break;
  }
  return false;
}

// Where a carrier puts the channels of an operand.
ChannelMap map_of(const Graph& graph, const Node& carrier, TensorId operand) {
  const auto channels = graph.tensor(operand).shape.back();
  ChannelMap map;
  int32_t first = 0;
  int32_t stride = 1;
  if (carrier.op == Op::concat) {
    for (const TensorId id : carrier.inputs) {
      if (id == operand) break;
      first -= graph.tensor(id).shape.back();
    }
  } else if (const auto* slice = std::get_if<SliceAttributes>(&carrier.attributes)) {
    first = slice->begin.back();
    stride = slice->stride.back();
  }
  const auto results = graph.tensor(carrier.output()).shape.back();
  for (int32_t c = 0; c < channels; ++c) {
    const int32_t to = (c - first) / stride;
    const bool is_there = c >= first && (c - first) % stride == 0 && to < results;
    map.push_back(is_there ? to : -1);
  }
  return map;
}

// Tensors whose channels have scales in the same proportions, because sums, products and pools join
// them. Mostly it is one tensor.
struct Stream {
  std::vector<int> writers;         ///< Nodes.
  bool has_one_zero_point = false;  ///< Whether the channels of a tensor have the same zero point.
};

// The tensors whose channels can have scales of their own: all tensors of a stream, and what
// carriers make of them. Only layers read them in the end.
class ScalableTensors {
 public:
  explicit ScalableTensors(const Graph& graph)
      : graph_(graph), readers_(graph.tensors.size()), scalable_(graph.tensors.size(), false) {
    for (std::size_t i = 0; i < graph.tensors.size(); ++i)
      parent_.push_back(static_cast<TensorId>(i));
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      for (const TensorId id : node.inputs) {
        auto& readers = readers_[static_cast<std::size_t>(id)];
        if (readers.empty() || readers.back() != static_cast<int>(i))
          readers.push_back(static_cast<int>(i));
        if (has_proportions(graph, node, id))
          parent_[static_cast<std::size_t>(root(id))] = root(node.output());
      }
      if (node.outputs.size() != 1) continue;
      const Tensor& result = graph.tensor(node.output());
      scalable_[static_cast<std::size_t>(node.output())] =
          (can_write(graph, node) || carries(graph, node)) && result.quantization &&
          !graph.is_output(node.output()) && !is_rounded_by_file(graph, result);
    }
    while (remove_some()) {
    }
  }

  bool has(TensorId id) const { return scalable_[static_cast<std::size_t>(id)]; }

  // All streams whose tensors nodes other than carriers write.
  std::vector<Stream> streams() const {
    std::map<TensorId, Stream> all;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (node.outputs.size() != 1 || !has(node.output()) || carries(graph_, node)) continue;
      Stream& stream = all[root(node.output())];
      stream.writers.push_back(static_cast<int>(i));
      stream.has_one_zero_point = stream.writers.size() > 1;
    }
    std::vector<Stream> out;
    for (auto& [id, stream] : all) out.push_back(std::move(stream));
    return out;
  }

  // The layers that read the tensor.
  std::vector<Reading> readings(TensorId id) const {
    std::vector<Reading> all;
    for (const int reader : readers_[static_cast<std::size_t>(id)]) {
      const Node& node = graph_.nodes[static_cast<std::size_t>(reader)];
      if (is_layer(node)) {
        if (node.inputs[0] != id) continue;
        Reading reading{.layer = reader, .channels = {}};
        for (int32_t c = 0; c < graph_.tensor(id).shape.back(); ++c) reading.channels.push_back(c);
        all.push_back(std::move(reading));
        continue;
      }
      if (!carries(graph_, node)) continue;
      const ChannelMap map = map_of(graph_, node, id);
      for (Reading& reading : readings(node.output())) {
        ChannelMap through;
        for (const int32_t c : map)
          through.push_back(c < 0 ? -1 : reading.channels[static_cast<std::size_t>(c)]);
        all.push_back({.layer = reading.layer, .channels = std::move(through)});
      }
    }
    return all;
  }

 private:
  TensorId root(TensorId id) const {
    while (parent_[static_cast<std::size_t>(id)] != id) id = parent_[static_cast<std::size_t>(id)];
    return id;
  }

  bool can_be_read(TensorId id, int reader) const {
    const Node& node = graph_.nodes[static_cast<std::size_t>(reader)];
    const bool in_stream = has_proportions(graph_, node, id) && has(node.output());
    if (!is_layer(node)) return in_stream || (carries(graph_, node) && has(node.output()));
    // A layer may read a tensor and add it, too.
    const bool reads = node.inputs[0] == id;
    const bool adds =
        std::get<ConvAttributes>(node.attributes).has_residual && node.inputs.back() == id;
    return (!reads || can_read(graph_, node, id)) && (!adds || in_stream);
  }

  bool stays(const Node& node) const {
    const TensorId id = node.output();
    const auto& readers = readers_[static_cast<std::size_t>(id)];
    if (readers.empty() || !std::ranges::all_of(readers, [&](int r) { return can_be_read(id, r); }))
      return false;
    const auto is_scalable = [&](TensorId operand) { return has(operand); };
    // A concat joins channels with different zero points.
    if (node.op == Op::concat && std::ranges::any_of(readings(id), [&](const Reading& r) {
          return wants_one_zero_point(graph_, graph_.nodes[static_cast<std::size_t>(r.layer)]);
        }))
      return false;
    if (carries(graph_, node))  // in no stream
      return root(id) == id && std::ranges::count(parent_, id) == 1 &&
             std::ranges::any_of(node.inputs, is_scalable);
    return std::ranges::all_of(node.inputs, [&](TensorId operand) {
      return !has_proportions(graph_, node, operand) || has(operand);
    });
  }

  // All tensors of a stream leave together.
  bool remove_some() {
    bool removed = false;
    for (const Node& node : graph_.nodes) {
      if (node.outputs.size() != 1 || !has(node.output()) || stays(node)) continue;
      for (std::size_t i = 0; i < parent_.size(); ++i) {
        if (root(static_cast<TensorId>(i)) == root(node.output())) scalable_[i] = false;
      }
      removed = true;
    }
    return removed;
  }

  const Graph& graph_;
  std::vector<std::vector<int>> readers_;
  std::vector<bool> scalable_;
  std::vector<TensorId> parent_;  ///< Towards the tensor that stands for the stream.
};

struct Channels {
  std::vector<float> scale;
  std::vector<int32_t> zero_point;
};

// What calibration saw of a channel, within the bounds of its writer.
struct Range {
  double low = 0;
  double high = 0;
};

std::vector<Range> ranges_of(const Graph& graph, const Node& writer) {
  const Tensor& result = graph.tensor(writer.output());
  const auto* layer = std::get_if<ConvAttributes>(&writer.attributes);
  const Bounds bounds = layer != nullptr ? layer->bounds : Bounds{};
  std::vector<Range> all;
  for (std::size_t c = 0; c < result.channel_low.size(); ++c) {
    const float low = std::max(result.channel_low[c], bounds.min);
    const float high = std::min(result.channel_high[c], bounds.max);
    all.push_back({.low = std::min(double{low}, 0.0), .high = std::max(double{high}, 0.0)});
  }
  return all;
}

// The proportions of the channels' scales, of which the largest is 1: what their ranges have, to
// this power, but at least `least`. Channels that were never alive may be so later.
std::vector<double> proportions_of(const std::vector<std::vector<Range>>& tensors, double power,
                                   double least) {
  std::vector<double> all(tensors[0].size(), 0);
  for (const auto& ranges : tensors) {
    double longest = 0;
    for (const Range& range : ranges) longest = std::max(longest, range.high - range.low);
    if (!(longest > 0)) continue;
    for (std::size_t c = 0; c < all.size(); ++c)
      all[c] = std::max(all[c], (ranges[c].high - ranges[c].low) / longest);
  }
  constexpr double of_dead = 1.0 / 16;
  for (double& proportion : all)
    proportion = proportion > 0 ? std::max(std::pow(proportion, power), least) : of_dead;
  return all;
}

// Scales in these proportions that cover the ranges.
Channels channels_of(const std::vector<Range>& ranges, const std::vector<double>& proportions,
                     bool has_one_zero_point) {
  Channels all;
  Range whole;
  double least = 0;  // the scale of a channel with proportion 1
  for (std::size_t c = 0; c < ranges.size(); ++c) {
    whole.low = std::min(whole.low, ranges[c].low / proportions[c]);
    whole.high = std::max(whole.high, ranges[c].high / proportions[c]);
    if (ranges[c].low < 0 || ranges[c].high > 0) {
      const Quantization own = quantization_of_range(ranges[c].low, ranges[c].high);
      least = std::max(least, double{own.scale} / proportions[c]);
    }
  }
  const Quantization of_whole = quantization_of_range(whole.low, whole.high);
  for (std::size_t c = 0; c < ranges.size(); ++c) {
    const double scale = (has_one_zero_point ? double{of_whole.scale} : least) * proportions[c];
    const double zero_point = std::nearbyint(-ranges[c].low / scale);
    all.scale.push_back(static_cast<float>(scale));
    all.zero_point.push_back(has_one_zero_point
                                 ? of_whole.zero_point
                                 : static_cast<int32_t>(std::clamp(zero_point, 0.0, 255.0)));
  }
  return all;
}

// The real values of all channels together, of which no residual is part.
ResultRange range_of(const Channels& channels) {
  ResultRange range = {.low = 0, .high = 0};
  for (std::size_t c = 0; c < channels.scale.size(); ++c) {
    const double scale = channels.scale[c];
    range.low = std::min(range.low, scale * (0 - channels.zero_point[c]));
    range.high = std::max(range.high, scale * (255 - channels.zero_point[c]));
  }
  return range;
}

// Calls use(filter, input channel, weight) for all weights of the layer.
template <class Use>
void for_each_weight(const Graph& graph, const Node& layer, const Use& use) {
  const Tensor& weight = graph.tensor(layer.inputs[1]);
  const auto values = float_values(weight);
  const auto filters = static_cast<std::size_t>(weight.shape[0]);
  const auto in_group = static_cast<std::size_t>(weight.shape.back());
  const auto groups = static_cast<std::size_t>(std::get<ConvAttributes>(layer.attributes).groups);
  const std::size_t in_filter = values.size() / filters;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const std::size_t filter = k / in_filter;
    const std::size_t group = layer.op == Op::linear ? 0 : filter / (filters / groups);
    use(filter, group * in_group + k % in_group, k);
  }
}

// How much the rounding of a tensor with these scales, and of the weights that have them in them,
// changes the sums of the layers that read it: the sum of squares, as a part of the sums'.
class RoundingError {
 public:
  RoundingError(const Graph& graph, const Tensor& tensor, std::vector<Reading> readings)
      : graph_(graph), tensor_(tensor), readings_(std::move(readings)) {}

  double of(const Channels& channels) const {
    double all = 0;
    if (tensor_.channel_square.empty()) return all;  // nothing is known
    for (const Reading& reading : readings_) all += of_reading(reading, channels);
    return all;
  }

 private:
  double of_reading(const Reading& reading, const Channels& channels) const {
    // Weights that are rounded with regard to their inputs change the sums less.
    constexpr double of_weights = 0.1;
    const Node& layer = graph_.nodes[static_cast<std::size_t>(reading.layer)];
    const auto inputs = static_cast<std::size_t>(graph_.tensor(layer.inputs[0]).shape.back());
    std::vector<double> scale(inputs, 0);
    std::vector<double> power(inputs, 0);
    for (std::size_t c = 0; c < reading.channels.size(); ++c) {
      if (reading.channels[c] < 0) continue;
      const auto to = static_cast<std::size_t>(reading.channels[c]);
      scale[to] = double{channels.scale[c]};
      power[to] = double{tensor_.channel_square[c]};
    }
    const auto weights = float_values(graph_.tensor(layer.inputs[1]));
    const auto filters = static_cast<std::size_t>(graph_.tensor(layer.inputs[1]).shape[0]);
    std::vector<double> largest(filters, 0);
    std::vector<double> steps(filters, 0);
    double of_inputs = 0;
    double of_sums = 0;
    for_each_weight(graph_, layer, [&](std::size_t filter, std::size_t channel, std::size_t k) {
      if (scale[channel] == 0) return;
      const double w = double{weights[k]};
      of_inputs += w * w * scale[channel] * scale[channel];
      of_sums += w * w * power[channel];
      largest[filter] = std::max(largest[filter], std::abs(w) * scale[channel]);
      steps[filter] += power[channel] / (scale[channel] * scale[channel]);
    });
    double rounded_weights = 0;
    for (std::size_t f = 0; f < filters && sums_channels(graph_, layer); ++f)
      rounded_weights += (largest[f] / 127) * (largest[f] / 127) * steps[f];
    return of_sums > 0 ? (of_inputs + of_weights * rounded_weights) / of_sums : 0;
  }

  const Graph& graph_;
  const Tensor& tensor_;
  std::vector<Reading> readings_;
};

// Chooses the scales of a stream's channels.
//
// Ranges of single channels say less about other inputs than the range of all of them. So they are
// used only where they make the error much less.
class StreamScaler {
 public:
  StreamScaler(Graph& graph, const ScalableTensors& scalable, const Stream& stream)
      : graph_(graph), stream_(stream), one_zero_point_(stream.has_one_zero_point) {
    for (const int writer : stream.writers) {
      const Node& node = graph.nodes[static_cast<std::size_t>(writer)];
      ranges_.push_back(ranges_of(graph, node));
      if (!graph.tensor(node.output()).channel_square.empty()) known_.push_back(ranges_.back());
      std::vector<Reading> readings = scalable.readings(node.output());
      one_zero_point_ =
          one_zero_point_ || std::ranges::any_of(readings, [&](const Reading& r) {
            return wants_one_zero_point(graph, graph.nodes[static_cast<std::size_t>(r.layer)]);
          });
      errors_.emplace_back(graph, graph.tensor(node.output()), std::move(readings));
    }
  }

  void scale() {
    const double power = known_.empty() ? 0 : best_power();
    if (power == 0) return;
    // The finest scale decides how well a function has to be computed.
    for (const double least : {finest, 1.0 / 512, 1.0 / 64, 1.0 / 16, 1.0 / 4}) {
      const std::vector<Channels> all = channels_with(power, least);
      if (set(all)) return;
    }
  }

 private:
  static constexpr double worth_it = 0.5;       ///< Of the error with one scale.
  static constexpr double finest = 1.0 / 4096;  ///< Of the largest scale.

  std::vector<Channels> channels_with(double power, double least) const {
    const std::vector<double> proportions = proportions_of(known_, power, least);
    std::vector<Channels> all;
    for (const auto& ranges : ranges_)
      all.push_back(channels_of(ranges, proportions, one_zero_point_));
    return all;
  }

  // The power with the least error; 0 if one scale for each tensor is nearly as good.
  double best_power() const {
    double best = 0;
    double least = 0;
    for (std::size_t i = 0; i < errors_.size(); ++i) {
      const Tensor& tensor = graph_.tensor(result(i));
      Channels same;
      same.scale.assign(ranges_[i].size(), tensor.quantization->scale);
      least += errors_[i].of(same);
    }
    least *= worth_it;
    for (const double power : {1.0, 0.75, 0.5, 0.25}) {
      const std::vector<Channels> all = channels_with(power, finest);
      double of_power = 0;
      for (std::size_t i = 0; i < errors_.size(); ++i) of_power += errors_[i].of(all[i]);
      if (!(of_power < least)) continue;
      least = of_power;
      best = power;
    }
    return best;
  }

  TensorId result(std::size_t i) const {
    return graph_.nodes[static_cast<std::size_t>(stream_.writers[i])].output();
  }

  // Returns false, and changes nothing, if a layer's function has no form with these scales.
  bool set(const std::vector<Channels>& all) {
    std::vector<InnerFunction> functions;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Node& node = graph_.nodes[static_cast<std::size_t>(stream_.writers[i])];
      const auto* a = std::get_if<ConvAttributes>(&node.attributes);
      functions.push_back(a != nullptr ? a->function : InnerFunction{});
      if (functions.back().form != kernels::FunctionForm::pieces) continue;
      const auto function =
          fit_inner_function(a->function.function, a->function.value, range_of(all[i]),
                             double{*std::ranges::min_element(all[i].scale)});
      if (!function) return false;
      const bool takes_residual = a->function.takes_residual;
      functions.back() = *function;
      functions.back().takes_residual = takes_residual;
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      Node& node = graph_.nodes[static_cast<std::size_t>(stream_.writers[i])];
      if (auto* a = std::get_if<ConvAttributes>(&node.attributes)) a->function = functions[i];
      Tensor& tensor = graph_.tensor(node.output());
      tensor.channel_scales = all[i].scale;
      tensor.channel_zero_points = all[i].zero_point;
    }
    return true;
  }

  Graph& graph_;
  const Stream& stream_;
  bool one_zero_point_ = false;
  std::vector<std::vector<Range>> ranges_;  ///< Of each tensor and channel.
  std::vector<std::vector<Range>> known_;   ///< Of tensors that had values enough.
  std::vector<RoundingError> errors_;
};

// Gives a carrier's result the scales of its operands' channels.
void carry_scales(Graph& graph, const Node& carrier) {
  const bool any = std::ranges::any_of(
      carrier.inputs, [&](TensorId id) { return !graph.tensor(id).channel_scales.empty(); });
  if (!any) return;
  const auto channels = static_cast<std::size_t>(graph.tensor(carrier.output()).shape.back());
  std::vector<float> scales(channels, 0);
  std::vector<int32_t> zero_points(channels, 0);
  for (const TensorId id : carrier.inputs) {
    const Tensor& operand = graph.tensor(id);
    const ChannelMap map = map_of(graph, carrier, id);
    for (std::size_t c = 0; c < map.size(); ++c) {
      if (map[c] < 0) continue;
      const auto to = static_cast<std::size_t>(map[c]);
      const bool own = !operand.channel_scales.empty();
      scales[to] = own ? operand.channel_scales[c] : operand.quantization->scale;
      zero_points[to] = own ? operand.channel_zero_points[c] : operand.quantization->zero_point;
    }
  }
  Tensor& result = graph.tensor(carrier.output());
  result.channel_scales = std::move(scales);
  result.channel_zero_points = std::move(zero_points);
}

// Puts the scales of the channels that a filter sums into its weights.
void scale_weights(Graph& graph, Node& layer) {
  const std::vector<float>& scales = graph.tensor(layer.inputs[0]).channel_scales;
  if (scales.empty() || !is_layer(layer) || !sums_channels(graph, layer)) return;
  Tensor scaled = graph.tensor(layer.inputs[1]);
  const auto weights = float_values(scaled);
  for_each_weight(graph, layer, [&](std::size_t, std::size_t channel, std::size_t k) {
    weights[k] *= scales[channel];
  });
  layer.inputs[1] = graph.add_tensor(std::move(scaled));
}

}  // namespace

Status scale_channels(Graph& graph) {
  if (graph.keeps_rounding) return {};
  const ScalableTensors scalable(graph);
  // The readers' weights have to be as they came while scales are chosen.
  for (const Stream& stream : scalable.streams()) StreamScaler(graph, scalable, stream).scale();
  for (const Node& node : graph.nodes) {
    if (carries(graph, node) && scalable.has(node.output())) carry_scales(graph, node);
  }
  for (Node& node : graph.nodes) scale_weights(graph, node);
  return {};
}

}  // namespace octet::graph
