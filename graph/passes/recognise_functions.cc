#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/operator_table.h"
#include "graph/function_group.h"
#include "graph/passes/folding.h"
#include "graph/passes/passes.h"

namespace octet::graph {
namespace {

// Where functions are compared: dense where they bend, and far outside.
std::vector<double> probes() {
  std::vector<double> points;
  for (int i = -320; i <= 320; ++i) points.push_back(0.0731 * i);
  for (const double far : {30.0, 60.0, 80.0, 1e3, 1e5}) {
    points.push_back(far);
    points.push_back(-far);
  }
  for (const double near : {1e-2, 1e-3, 1e-5}) {
    points.push_back(near);
    points.push_back(-near);
  }
  return points;
}

// Constants of a file are float32, and exporters round them to seven or eight digits.
bool is_same(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= 1e-7 + 1e-6 * std::abs(b);
}

using Values = std::vector<double>;

bool agrees(const Values& points, const Values& values, Function function, float parameter) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!is_same(values[i], evaluate(function, double{parameter}, points[i]))) return false;
  }
  return true;
}

struct Named {
  Op op = Op::identity;
  Attributes attributes;
};

bool has_parameter(Op op) { return row_of(op).attributes == attributes_index<ScalarAttributes>(); }

// The operator of one value that computes the group's function, if there is one.
std::optional<Named> name_of(const Graph& graph, const FunctionGroup& group) {
  static const Values points = probes();
  Values values;
  for (const double x : points) values.push_back(evaluate(graph, group, x));
  for (int i = 0; i < op_count; ++i) {
    const auto op = static_cast<Op>(i);
    if (is_function_of_one_value(op) && !has_parameter(op) &&
        agrees(points, values, row_of(op).function, 0))
      return Named{.op = op, .attributes = NoAttributes{}};
  }
  const auto slope = static_cast<float>(-evaluate(graph, group, -1));
  if (slope != 1 && agrees(points, values, Function::leaky_relu, slope)) {
    if (slope == 0) return Named{.op = Op::clip, .attributes = ClipAttributes{{.min = 0}}};
    return Named{.op = Op::leaky_relu, .attributes = ScalarAttributes{slope}};
  }
  const auto limit = static_cast<float>(-evaluate(graph, group, -60));
  if (agrees(points, values, Function::elu, limit))
    return Named{.op = Op::elu, .attributes = ScalarAttributes{limit}};
  return std::nullopt;
}

// Makes the group's last node the operator that computes the same, if there is one.
bool name_group(Graph& graph, const FunctionGroup& group) {
  const auto named = name_of(graph, group);
  if (!named) return false;
  Node& node = graph.nodes[static_cast<std::size_t>(group.nodes.back())];
  node.op = named->op;
  node.attributes = named->attributes;
  node.inputs = {group.input};
  for (const int member : group.nodes) {
    if (member == group.nodes.back()) continue;
    const Node& inner = graph.nodes[static_cast<std::size_t>(member)];
    take_names(node, inner);
  }
  return true;
}

}  // namespace

Status recognise_functions(Graph& graph) {
  const FunctionGroups all(graph);
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const auto groups = all.ending_with(static_cast<int>(i));
    // The largest group first: a hard sigmoid may be the greater part of a hard swish.
    std::any_of(groups.rbegin(), groups.rend(),
                [&](const FunctionGroup& group) { return name_group(graph, group); });
  }
  return drop_dead_nodes(graph);
}

}  // namespace octet::graph
