#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/operator_table.h"
#include "graph/function_group.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

std::byte quantized(double value, const Quantization& q) {
  if (std::isnan(value)) return static_cast<std::byte>(q.zero_point);
  const double rounded = std::nearbyint(value / double{q.scale}) + q.zero_point;
  return static_cast<std::byte>(std::clamp(rounded, 0.0, 255.0));
}

// The table is computed in double, so that it is exact (docs/quantization.md).
void to_lookup(Graph& graph, Node& node) {
  const Quantization x = *graph.tensor(node.inputs[0]).quantization;
  const Quantization y = *graph.tensor(node.output()).quantization;
  const float value = parameter_of(node);
  std::vector<std::byte> table(256);
  for (int q = 0; q < 256; ++q) {
    const double real = double{x.scale} * (q - x.zero_point);
    table[static_cast<std::size_t>(q)] =
        quantized(evaluate(row_of(node.op).function, double{value}, real), y);
  }
  node.inputs.push_back(graph.add_tensor(
      {.name = node.name + ".table", .type = Type::u8, .shape = {256}, .data = table}));
  node.fused.insert(node.fused.begin(), op_name(node.op));
  node.attributes = LookupAttributes{.function = node.op, .value = value};
  node.op = Op::lookup;
}

void add_softmax_table(Graph& graph, Node& node) {
  const double scale = graph.tensor(node.inputs[0]).quantization->scale;
  std::vector<float> table(256);
  for (int d = 0; d < 256; ++d)
    table[static_cast<std::size_t>(d)] = static_cast<float>(std::exp(-scale * d));
  node.inputs.push_back(graph.add_tensor(make_float_constant(node.name + ".table", {256}, table)));
}

// Makes a constant operand (as in x + 3 or x * mask) u8: with its own scale if it came with one,
// otherwise with `wanted`, otherwise with the finest scale that covers its values.
Status quantize_constant(Graph& graph, TensorId& id, const std::optional<Quantization>& wanted) {
  const Tensor constant = graph.tensor(id);
  const auto values = float_values(constant);
  if (!std::ranges::all_of(values, [](float v) { return std::isfinite(v); })) {
    return fail(graph.name + ": the constant '" + constant.name +
                "' has values that are no finite numbers (NaN or infinity): export the model again "
                "from values that are finite, or keep its node in float (--keep-float)");
  }
  // If the constant came with a scale, its bytes are the author's.
  const Quantization q = constant.quantization ? *constant.quantization
                         : wanted              ? *wanted
                                               : finest_scale(values);
  std::vector<std::byte> bytes;
  for (const float v : values) bytes.push_back(quantized(v, q));
  id = graph.add_tensor({.name = constant.name + ".u8",
                         .type = Type::u8,
                         .shape = constant.shape,
                         .quantization = q,
                         .data = std::move(bytes)});
  return {};
}

// If a file has scales of its own, a concat rounds its constants once, to the scale of the result.
std::optional<Quantization> scale_of_joined(const Graph& graph, const Node& node) {
  const bool once = node.op == Op::concat && graph.unscaled_is_float;
  return once ? graph.tensor(node.output()).quantization : std::nullopt;
}

bool takes_constants(Op op) {
  return op == Op::add || op == Op::sub || op == Op::mul || op == Op::concat;
}

}  // namespace

Quantization finest_scale(std::span<const float> values) {
  float low = 0;
  float high = 0;
  for (const float v : values) low = std::min(low, v), high = std::max(high, v);
  // Values that are too small for a scale of their own become zeros.
  const float finest = high / 255.0f - low / 255.0f;
  const float scale = finest > std::numeric_limits<float>::min() * 255.0f ? finest : 1.0f;
  return {
      .scale = scale,
      .zero_point = static_cast<int32_t>(std::clamp(std::nearbyint(-low / scale), 0.0f, 255.0f))};
}

Status lower_to_int8(Graph& graph) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& node = graph.nodes[i];
    if (node.precision != Precision::int8) continue;
    if (is_function_of_one_value(node.op)) to_lookup(graph, node);
    if (node.op == Op::softmax) add_softmax_table(graph, node);
    if (node.op == Op::clip) node.op = Op::requantize;
    if (takes_constants(node.op)) {
      for (TensorId& id : node.inputs) {
        const Tensor& tensor = graph.tensor(id);
        if (!tensor.is_constant() || tensor.type != Type::f32) continue;
        const auto wanted = scale_of_joined(graph, node);
        if (auto ok = quantize_constant(graph, id, wanted); !ok) return ok;
      }
    }
  }
  return {};
}

}  // namespace octet::graph
