#include "graph/graph.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "engine/operator_table.h"

namespace octet::graph {

TensorId Graph::add_tensor(Tensor tensor) {
  tensors.push_back(std::move(tensor));
  return static_cast<TensorId>(tensors.size() - 1);
}

int Graph::producer_of(TensorId id) const {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (std::ranges::count(nodes[i].outputs, id) > 0) return static_cast<int>(i);
  }
  return -1;
}

std::vector<int> Graph::readers_of(TensorId id) const {
  std::vector<int> readers;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (std::ranges::count(nodes[i].inputs, id) > 0) readers.push_back(static_cast<int>(i));
  }
  return readers;
}

bool Graph::is_input(TensorId id) const { return std::ranges::count(inputs, id) > 0; }

bool Graph::is_output(TensorId id) const { return std::ranges::count(outputs, id) > 0; }

bool Graph::read_only_by(TensorId id, int reader) const {
  return !is_output(id) && readers_of(id) == std::vector<int>{reader} &&
         std::ranges::count(nodes[static_cast<std::size_t>(reader)].inputs, id) == 1;
}

void Graph::redirect(TensorId from, TensorId to) {
  if (is_output(from) && !is_output(to) && !is_input(to))
    std::swap(tensor(from).name, tensor(to).name);
  for (Node& node : nodes) std::ranges::replace(node.inputs, from, to);
  std::ranges::replace(outputs, from, to);
}

void Graph::erase_nodes(const std::vector<bool>& erased) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (erased[i]) continue;
    if (kept != i) nodes[kept] = std::move(nodes[i]);
    ++kept;
  }
  nodes.resize(kept);
}

std::span<const float> float_values(const Tensor& tensor) {
  return {reinterpret_cast<const float*>(tensor.data->data()), tensor.data->size() / sizeof(float)};
}

std::span<float> float_values(Tensor& tensor) {
  return {reinterpret_cast<float*>(tensor.data->data()), tensor.data->size() / sizeof(float)};
}

Tensor make_float_constant(std::string name, Shape shape, std::span<const float> values) {
  Tensor tensor{.name = std::move(name), .type = Type::f32, .shape = std::move(shape)};
  tensor.data.emplace(values.size_bytes());
  std::memcpy(tensor.data->data(), values.data(), values.size_bytes());
  return tensor;
}

namespace {

std::span<const int32_t> whole_numbers(const Tensor& tensor) {
  return {reinterpret_cast<const int32_t*>(tensor.data->data()),
          tensor.data->size() / sizeof(int32_t)};
}

// Refuses constants that would fail in every run, whatever the inputs: places outside of the data,
// and divisors of 0.
Expected<void> check_whole_constants(const Graph& graph, const Node& node) {
  if (node.inputs.size() != 2) return {};
  const Tensor& b = graph.tensor(node.inputs[1]);
  if (!b.is_constant() || b.type != Type::s32) return {};
  if (node.op == Op::gather_nd) {
    return check_places(whole_numbers(b), static_cast<std::size_t>(b.shape.back()),
                        graph.tensor(node.inputs[0]).shape,
                        std::get<GatherAttributes>(node.attributes).from_end);
  }
  const bool divides = node.op == Op::div || node.op == Op::floor_div;
  if (divides && std::ranges::count(whole_numbers(b), 0) > 0) return fail("divides by 0");
  return {};
}

Expected<void> check_node(const Graph& graph, const Node& node) {
  const std::string where = "node '" + node.name + "' (" + op_name(node.op) + ") ";
  std::vector<Shape> shapes;
  for (const TensorId id : node.inputs) shapes.push_back(graph.tensor(id).shape);
  const auto results = infer_shapes(node.op, node.attributes, shapes);
  if (!results) return fail(where + results.error().message);
  if (node.outputs.size() != results->size()) {
    return fail(where + "has " + std::to_string(results->size()) + " results, not " +
                std::to_string(node.outputs.size()));
  }
  for (std::size_t i = 0; i < results->size(); ++i) {
    const Tensor& output = graph.tensor(node.outputs[i]);
    const Shape& shape = (*results)[i];
    if (shape == output.shape) continue;
    return fail(where + "gives " + shape_text(shape) + ", but its output '" + output.name +
                "' is declared as " + shape_text(output.shape));
  }
  if (auto ok = check_whole_constants(graph, node); !ok) return fail(where + ok.error().message);
  return {};
}

}  // namespace

Expected<void> check(const Graph& graph) {
  std::vector<bool> known(graph.tensors.size(), false);
  for (std::size_t i = 0; i < graph.tensors.size(); ++i) known[i] = graph.tensors[i].is_constant();
  for (const TensorId id : graph.inputs) known[static_cast<std::size_t>(id)] = true;
  for (const Node& node : graph.nodes) {
    for (const TensorId id : node.inputs) {
      if (!known[static_cast<std::size_t>(id)]) {
        return fail("node '" + node.name + "' reads '" + graph.tensor(id).name +
                    "' before any node has written it: nodes must be in order, without cycles");
      }
    }
    if (auto ok = check_node(graph, node); !ok) return ok;
    for (const TensorId id : node.outputs) {
      if (known[static_cast<std::size_t>(id)]) {
        return fail("node '" + node.name + "' writes '" + graph.tensor(id).name +
                    "', which is an input, a constant, or written before");
      }
      known[static_cast<std::size_t>(id)] = true;
    }
  }
  for (const TensorId id : graph.outputs) {
    if (!known[static_cast<std::size_t>(id)]) {
      return fail("no node writes the output '" + graph.tensor(id).name + "'");
    }
  }
  return {};
}

bool is_layer(const Node& node) { return node.op == Op::conv2d || node.op == Op::linear; }

bool is_depthwise(const Graph& graph, const Node& node) {
  const auto* layer = std::get_if<ConvAttributes>(&node.attributes);
  return layer != nullptr &&
         octet::is_depthwise(node.op, *layer, graph.tensor(node.inputs[0]).shape.back(),
                             graph.tensor(node.outputs[0]).shape.back());
}

bool moves_bytes(const Node& node) {
  if (node.op == Op::resize)
    return std::get<ResizeAttributes>(node.attributes).mode == ResizeMode::nearest;
  return row_of(node.op).moves_values;
}

bool moves_or_joins(const Node& node) { return moves_bytes(node) || node.op == Op::concat; }

bool takes_operands_type(const Node& node) { return moves_or_joins(node) || node.op == Op::argmax; }

std::span<const TensorId> moved_operands(const Node& node) {
  const std::span<const TensorId> all = node.inputs;
  return node.op == Op::gather_nd ? all.first(1) : all;
}

std::span<const TensorId> moved_results(const Node& node) {
  const std::span<const TensorId> all = node.outputs;
  return node.op == Op::top_k ? all.first(1) : all;
}

void keep_scale_of_moved(Graph& graph, Node& node) {
  if (!moves_or_joins(node)) return;
  const auto scale = graph.tensor(node.inputs[0]).quantization;
  const bool equal = std::ranges::all_of(
      moved_operands(node), [&](TensorId id) { return graph.tensor(id).quantization == scale; });
  if (!scale || !equal) return;
  const auto* pad = std::get_if<PadAttributes>(&node.attributes);
  if (pad != nullptr && !is_level(*scale, pad->value)) {
    node.precision = Precision::float32;
    node.reason = std::string(left_in_float) + ": it pads with what its operand's bytes cannot say";
    return;
  }
  for (const TensorId id : moved_results(node)) graph.tensor(id).quantization = scale;
}

bool is_level(const Quantization& q, float value) {
  if (!std::isfinite(value)) return false;
  const double level = double{value} / q.scale;
  const double nearest = std::nearbyint(level);
  // A value that went through float32 may differ in its last bits.
  const bool whole = std::abs(level - nearest) <= 1e-6 * std::max(1.0, std::abs(level));
  return whole && nearest >= -q.zero_point && nearest <= 255 - q.zero_point;
}

std::string text_of(float value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", static_cast<double>(value));
  return text;
}

}  // namespace octet::graph
