#include <algorithm>
#include <optional>

#include "graph/passes/folding.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// A tensor whose value at (n, i, j, c) is the source's at (n, row + row_stride * i, column +
// column_stride * j, c).
struct Phase {
  TensorId source = -1;
  int32_t row = 0;
  int32_t column = 0;
  int32_t row_stride = 1;
  int32_t column_stride = 1;
};

// Follows slices of height and width up to what they are cut out of.
std::optional<Phase> phase_of(const Graph& graph, TensorId id) {
  Phase phase{.source = id};
  for (;;) {
    const int producer = graph.producer_of(phase.source);
    if (producer < 0) return phase;
    const Node& node = graph.nodes[static_cast<std::size_t>(producer)];
    const auto* slice = std::get_if<SliceAttributes>(&node.attributes);
    if (slice == nullptr) return phase;
    const Shape& x = graph.tensor(node.inputs[0]).shape;
    const bool cuts_image = x.size() == 4 && slice->count[0] == x[0] && slice->count[3] == x[3] &&
                            slice->begin[0] == 0 && slice->begin[3] == 0 && slice->stride[1] > 0 &&
                            slice->stride[2] > 0;
    if (!cuts_image || graph.is_output(phase.source) ||
        is_rounded_by_file(graph, graph.tensor(phase.source)))
      return std::nullopt;
    phase.row = slice->begin[1] + slice->stride[1] * phase.row;
    phase.column = slice->begin[2] + slice->stride[2] * phase.column;
    phase.row_stride *= slice->stride[1];
    phase.column_stride *= slice->stride[2];
    phase.source = node.inputs[0];
  }
}

// The phases of one tensor that a concat joins along its channels; nothing if it joins anything
// else. They are cut out of whole blocks of row_stride x column_stride pixels.
std::vector<Phase> joined_phases(const Graph& graph, const Node& concat) {
  const Shape& joined = graph.tensor(concat.output()).shape;
  if (concat.op != Op::concat || joined.size() != 4 ||
      std::get<AxisAttributes>(concat.attributes).axis != 3)
    return {};
  std::vector<Phase> phases;
  for (const TensorId id : concat.inputs) {
    auto phase = phase_of(graph, id);
    if (!phase || phase->source == id) return {};  // not cut out of anything
    const Phase& first = phases.empty() ? *phase : phases.front();
    const Shape& x = graph.tensor(phase->source).shape;
    if (phase->source != first.source || phase->row_stride != first.row_stride ||
        phase->column_stride != first.column_stride || phase->row >= phase->row_stride ||
        phase->column >= phase->column_stride || joined[1] * phase->row_stride != x[1] ||
        joined[2] * phase->column_stride != x[2])
      return {};
    phases.push_back(*phase);
  }
  return phases;
}

bool can_read_source(const Graph& graph, const Node& node, TensorId joined) {
  if (node.op != Op::conv2d || node.inputs[0] != joined) return false;
  const auto& a = std::get<ConvAttributes>(node.attributes);
  const Tensor& weight = graph.tensor(node.inputs[1]);
  return a.groups == 1 && a.window.dilation_h == 1 && a.window.dilation_w == 1 &&
         weight.is_constant() && weight.type == Type::f32 && !node.weight_quantization &&
         std::ranges::count(node.inputs, joined) == 1;
}

// Makes the layer read what the phases are cut out of: each of its taps becomes a block of taps.
void read_source(Graph& graph, Node& layer, const std::vector<Phase>& phases) {
  const Tensor weight = graph.tensor(layer.inputs[1]);
  const auto from = float_values(weight);
  const auto outputs = static_cast<std::size_t>(weight.shape[0]);
  const auto height = static_cast<std::size_t>(weight.shape[1]);
  const auto width = static_cast<std::size_t>(weight.shape[2]);
  const auto inputs = static_cast<std::size_t>(weight.shape[3]);
  const auto channels = inputs / phases.size();
  const auto rows = static_cast<std::size_t>(phases[0].row_stride);
  const auto columns = static_cast<std::size_t>(phases[0].column_stride);
  std::vector<float> to(outputs * height * rows * width * columns * channels, 0.0f);
  for (std::size_t o = 0; o < outputs; ++o) {
    for (std::size_t h = 0; h < height; ++h) {
      for (std::size_t w = 0; w < width; ++w) {
        for (std::size_t i = 0; i < inputs; ++i) {
          const Phase& phase = phases[i / channels];
          const std::size_t row = h * rows + static_cast<std::size_t>(phase.row);
          const std::size_t column = w * columns + static_cast<std::size_t>(phase.column);
          to[((o * height * rows + row) * width * columns + column) * channels + i % channels] +=
              from[((o * height + h) * width + w) * inputs + i];
        }
      }
    }
  }
  Shape shape = weight.shape;
  shape[1] *= phases[0].row_stride;
  shape[2] *= phases[0].column_stride;
  shape[3] = static_cast<int32_t>(channels);
  layer.inputs[0] = phases[0].source;
  layer.inputs[1] = graph.add_tensor(make_float_constant(weight.name, shape, to));
  Window& window = std::get<ConvAttributes>(layer.attributes).window;
  window.kernel_h *= phases[0].row_stride;
  window.stride_h *= phases[0].row_stride;
  window.pad_top *= phases[0].row_stride;
  window.pad_bottom *= phases[0].row_stride;
  window.kernel_w *= phases[0].column_stride;
  window.stride_w *= phases[0].column_stride;
  window.pad_left *= phases[0].column_stride;
  window.pad_right *= phases[0].column_stride;
}

}  // namespace

Status fold_space_to_depth(Graph& graph) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node concat = graph.nodes[i];
    if (concat.op != Op::concat || concat.precision != Precision::undecided) continue;
    const std::vector<Phase> phases = joined_phases(graph, concat);
    const auto readers = graph.readers_of(concat.output());
    if (phases.empty() || readers.empty() || graph.is_output(concat.output()) ||
        is_rounded_by_file(graph, graph.tensor(concat.output())))
      continue;
    const bool all_can = std::ranges::all_of(readers, [&](int reader) {
      return can_read_source(graph, graph.nodes[static_cast<std::size_t>(reader)], concat.output());
    });
    if (!all_can) continue;
    for (const int reader : readers) {
      Node& layer = graph.nodes[static_cast<std::size_t>(reader)];
      read_source(graph, layer, phases);
      layer.fused.push_back(concat.name);
    }
  }
  return drop_dead_nodes(graph);
}

}  // namespace octet::graph
