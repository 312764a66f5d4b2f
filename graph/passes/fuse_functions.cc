#include <algorithm>

#include "engine/operator_table.h"
#include "graph/function_group.h"
#include "graph/inner_function.h"
#include "graph/passes/folding.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// The add behind the function whose other operand may become the layer's residual; -1 if there is
// none.
int add_behind(const Graph& graph, const Node& layer, TensorId result) {
  const auto& a = std::get<ConvAttributes>(layer.attributes);
  const auto readers = graph.readers_of(result);
  if (a.has_residual || readers.size() != 1 || graph.is_output(result) ||
      is_rounded_by_file(graph, graph.tensor(result)))
    return -1;
  const Node& add = graph.nodes[static_cast<std::size_t>(readers[0])];
  if (add.op != Op::add || !gives_u8(add) || add.inputs[0] == add.inputs[1]) return -1;
  const std::size_t which = add.inputs[0] == result ? 0 : 1;
  const bool fits = other_fits_as_residual(graph, add, which) &&
                    graph.tensor(add.inputs[1 - which]).type != Type::s32;
  return fits ? readers[0] : -1;
}

ResultRange range_of(const Quantization& q) {
  const double scale = q.scale;
  return {.low = scale * (0 - q.zero_point), .high = scale * (255 - q.zero_point)};
}

// A residual may bring a result back that is beyond the sum's range.
constexpr ResultRange everything = {.low = -1e30, .high = 1e30};

class Fusion {
 public:
  explicit Fusion(Graph& graph) : graph_(graph), gone_(graph.nodes.size(), false) {}

  // Makes node `index`, a function, a part of the layer that it reads, and if it can the add behind
  // it as well.
  void fuse(std::size_t index) {
    const Node function = graph_.nodes[index];
    const int producer = graph_.producer_of(function.inputs[0]);
    if (!gives_u8(function) || producer < 0) return;
    Node layer = graph_.nodes[static_cast<std::size_t>(producer)];
    if (!can_take_function(graph_, layer, static_cast<int>(index))) return;
    auto& a = std::get<ConvAttributes>(layer.attributes);
    const int add = add_behind(graph_, layer, function.output());
    if (add >= 0) {
      const Node& sum = graph_.nodes[static_cast<std::size_t>(add)];
      if (const auto fitted = form_of(function, layer, sum.output(), everything)) {
        a.function = *fitted;
        a.has_residual = true;
        a.bounds = std::get<BinaryAttributes>(sum.attributes).bounds;
        layer.inputs.push_back(sum.inputs[sum.inputs[0] == function.output() ? 1 : 0]);
        layer.outputs = sum.outputs;
        take_names(layer, function);
        take_names(layer, sum);
        remove(static_cast<std::size_t>(producer));
        remove(index);
        graph_.nodes[static_cast<std::size_t>(add)] = std::move(layer);
        return;
      }
    }
    const TensorId result = function.output();
    const auto fitted =
        form_of(function, layer, result, range_of(*graph_.tensor(result).quantization));
    if (!fitted) return;
    a.function = *fitted;
    a.function.takes_residual = a.has_residual;
    layer.outputs = function.outputs;
    take_names(layer, function);
    remove(static_cast<std::size_t>(producer));
    graph_.nodes[index] = std::move(layer);
  }

  void finish() { graph_.erase_nodes(gone_); }

 private:
  // The function's form, where `result` is what the layer rounds.
  std::optional<InnerFunction> form_of(const Node& function, const Node& layer, TensorId result,
                                       ResultRange range) const {
    const auto channels = static_cast<std::size_t>(graph_.tensor(layer.inputs[1]).shape[0]);
    std::optional<InnerFunction> form;
    if (function.op == Op::prelu) {
      const auto slopes = float_values(graph_.tensor(function.inputs[1]));
      form = InnerFunction{.form = kernels::FunctionForm::slopes,
                           .function = Op::prelu,
                           .numbers = {slopes.begin(), slopes.end()}};
    } else {
      form = fit_inner_function(function.op, parameter_of(function), range,
                                double{graph_.tensor(result).quantization->scale});
    }
    if (form && form->form == kernels::FunctionForm::slopes && form->numbers.size() == 1)
      form->numbers.resize(channels, form->numbers[0]);
    return form;
  }

  void remove(std::size_t index) {
    gone_[index] = true;
    graph_.nodes[index].inputs.clear();
    graph_.nodes[index].outputs.clear();
  }

  Graph& graph_;
  std::vector<bool> gone_;
};

}  // namespace

Status fuse_functions(Graph& graph) {
  Fusion fusion(graph);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Op op = graph.nodes[i].op;
    const bool is_table = is_function_of_one_value(op);
    if (op == Op::prelu || (is_table && !graph.functions_as_tables)) fusion.fuse(i);
  }
  fusion.finish();
  return {};
}

}  // namespace octet::graph
