#include "graph/function_group.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numbers>
#include <optional>

#include "engine/operator_table.h"
#include "graph/passes/folding.h"

namespace octet::graph {
namespace {

// Longer groups than exporters write are other things.
constexpr std::size_t most_nodes = 12;

bool is_one_number(const Tensor& tensor) {
  return tensor.is_constant() && tensor.type == Type::f32 && element_count(tensor.shape) == 1;
}

// Whether the node computes each value of its result from the values at the same place of its
// operands, and from constants of one value.
bool is_by_value(const Graph& graph, const Node& node) {
  const Operator& row = row_of(node.op);
  const bool has_kind = row.kind == Kind::function || row.kind == Kind::clip ||
                        (row.kind == Kind::arithmetic && row.arithmetic != Arithmetic::floor_div);
  if (!has_kind) return false;
  const Tensor& result = graph.tensor(node.output());
  return std::ranges::all_of(node.inputs, [&](TensorId id) {
    const Tensor& operand = graph.tensor(id);
    return operand.type == result.type &&
           (is_one_number(operand) || (!operand.is_constant() && operand.shape == result.shape));
  });
}

double evaluate(Arithmetic operation, double a, double b) {
  switch (operation) {
    case Arithmetic::add:
      return a + b;
    case Arithmetic::sub:
      return a - b;
    case Arithmetic::mul:
      return a * b;
    case Arithmetic::div:
      return a / b;
    case Arithmetic::floor_div:
      break;
  }
  std::abort();  // is_by_value refuses it
}

double bounded(double x, const Bounds& bounds) {
  return std::min(std::max(x, double{bounds.min}), double{bounds.max});
}

}  // namespace

// The nodes of a group, and the tensors that they read from outside.
class FunctionGroups::Grower {
 public:
  Grower(const FunctionGroups& groups, int last) : groups_(groups), graph_(groups.graph_) {
    take(last);
  }

  std::optional<TensorId> only_input() const {
    if (inputs_.size() != 1) return std::nullopt;
    return inputs_[0];
  }
  const std::vector<int>& nodes() const { return nodes_; }

  /// Takes the node that makes the latest of the inputs. Returns false if it cannot.
  bool grow() {
    int latest = -1;
    for (const TensorId id : inputs_)
      latest = std::max(latest, groups_.producers_[static_cast<std::size_t>(id)]);
    if (latest < 0 || nodes_.size() == most_nodes) return false;
    const Node& node = graph_.nodes[static_cast<std::size_t>(latest)];
    if (!is_by_value(graph_, node) || graph_.is_output(node.output()) ||
        is_rounded_by_file(graph_, graph_.tensor(node.output())) ||
        node.precision != graph_.nodes[static_cast<std::size_t>(nodes_.back())].precision)
      return false;
    const auto& readers = groups_.readers_[static_cast<std::size_t>(node.output())];
    if (!std::ranges::all_of(readers, [&](int r) { return std::ranges::count(nodes_, r) > 0; }))
      return false;
    std::erase(inputs_, node.output());
    take(latest);
    return true;
  }

 private:
  void take(int index) {
    nodes_.insert(nodes_.begin(), index);
    for (const TensorId id : graph_.nodes[static_cast<std::size_t>(index)].inputs) {
      if (!graph_.tensor(id).is_constant() && std::ranges::count(inputs_, id) == 0)
        inputs_.push_back(id);
    }
  }

  const FunctionGroups& groups_;
  const Graph& graph_;
  std::vector<int> nodes_;
  std::vector<TensorId> inputs_;
};

FunctionGroups::FunctionGroups(const Graph& graph)
    : graph_(graph), producers_(graph.tensors.size(), -1), readers_(graph.tensors.size()) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const TensorId id : graph.nodes[i].outputs)
      producers_[static_cast<std::size_t>(id)] = static_cast<int>(i);
    for (const TensorId id : graph.nodes[i].inputs)
      readers_[static_cast<std::size_t>(id)].push_back(static_cast<int>(i));
  }
}

std::vector<FunctionGroup> FunctionGroups::ending_with(int last) const {
  std::vector<FunctionGroup> groups;
  if (!is_by_value(graph_, graph_.nodes[static_cast<std::size_t>(last)])) return groups;
  Grower grower(*this, last);
  while (grower.grow()) {
    if (const auto input = grower.only_input())
      groups.push_back({.input = *input, .nodes = grower.nodes()});
  }
  return groups;
}

float parameter_of(const Node& function) {
  const auto* parameter = std::get_if<ScalarAttributes>(&function.attributes);
  return parameter != nullptr ? parameter->value : 0;
}

double evaluate(const Graph& graph, const FunctionGroup& group, double x) {
  std::map<TensorId, double> values = {{group.input, x}};
  double result = x;
  for (const int index : group.nodes) {
    const Node& node = graph.nodes[static_cast<std::size_t>(index)];
    const auto operand = [&](std::size_t i) {
      const Tensor& tensor = graph.tensor(node.inputs[i]);
      return tensor.is_constant() ? double{float_values(tensor)[0]} : values.at(node.inputs[i]);
    };
    const Operator& row = row_of(node.op);
    if (row.kind == Kind::function) {
      result = evaluate(row.function, double{parameter_of(node)}, operand(0));
    } else if (row.kind == Kind::clip) {
      result = bounded(operand(0), std::get<ClipAttributes>(node.attributes).bounds);
    } else {
      result = bounded(evaluate(row.arithmetic, operand(0), operand(1)),
                       std::get<BinaryAttributes>(node.attributes).bounds);
    }
    values[node.output()] = result;
  }
  return result;
}

double evaluate(Function function, double value, double x) {
  switch (function) {
    case Function::leaky_relu:
      return x >= 0 ? x : value * x;
    case Function::elu:
      return x >= 0 ? x : value * std::expm1(x);
    case Function::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Function::tanh:
      return std::tanh(x);
    case Function::hard_sigmoid:
      return std::clamp(x / 6 + 0.5, 0.0, 1.0);
    case Function::hard_swish:
      return x * std::clamp(x / 6 + 0.5, 0.0, 1.0);
    case Function::silu:
      return x / (1 + std::exp(-x));
    case Function::gelu:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Function::exp:
      return std::exp(x);
    case Function::log:
      return std::log(x);
    case Function::sqrt:
      return std::sqrt(x);
    case Function::abs:
      return std::abs(x);
    case Function::neg:
      return -x;
    case Function::softsign:
      return x / (1 + std::abs(x));
    case Function::gelu_tanh: {
      const double u = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
      return 0.5 * x * (1 + std::tanh(u));
    }
    case Function::erf:
      return std::erf(x);
    case Function::softplus:
      return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
    case Function::mish:
      return x * std::tanh(evaluate(Function::softplus, 0, x));
  }
  std::abort();
}

}  // namespace octet::graph
