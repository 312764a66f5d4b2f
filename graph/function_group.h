// Nodes that together compute a function of one value, however an exporter spelled it.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace octet::graph {

/// Nodes whose last result is a function of one tensor, value by value: sigmoid and mul of
/// x * sigmoid(x), for example. Constants among their operands have one value each.
struct FunctionGroup {
  TensorId input = -1;
  std::vector<int> nodes;  ///< Indices, in the order of the graph. The last one gives the result.
};

/// Finds groups in a graph whose nodes stay where they are.
class FunctionGroups {
 public:
  explicit FunctionGroups(const Graph& graph);

  /// Returns the groups of two and more nodes that end with node `last`, the smallest first.
  /// Results inside a group are read only there, are no outputs of the graph, and are not rounded
  /// by a file. All nodes of a group have the same precision.
  std::vector<FunctionGroup> ending_with(int last) const;

 private:
  class Grower;

  const Graph& graph_;
  std::vector<int> producers_;             ///< For each tensor: a node's index, or -1.
  std::vector<std::vector<int>> readers_;  ///< For each tensor: indices of nodes.
};

/// The group's function, in double.
double evaluate(const Graph& graph, const FunctionGroup& group, double x);

/// The parameter of a function of one value; 0 if it has none.
float parameter_of(const Node& function);

/// A function of octet's in double. `value` is its parameter, if it has one.
double evaluate(Function function, double value, double x);

}  // namespace octet::graph
