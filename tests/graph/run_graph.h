// Runs graphs through the engine: before and after a pass, in float and in int8.
#pragma once

#include <vector>

#include "graph/passes/passes.h"
#include "tests/graph/graph_maker.h"

namespace octet::test {

using Values = std::vector<float>;

/// Returns random values with a standard normal distribution for each of the graph's inputs.
std::vector<Values> random_inputs(const Graph& graph, uint32_t seed = 7);

/// Returns the model of the graph exactly as it is, all of it in float: no pass runs.
Model as_float_model(Graph graph);
/// Calls build_model and loads the result. REQUIREs that both succeed.
Model build(Graph graph, const graph::BuildOptions& options = {});

/// Returns a session of the model that ran on these inputs. REQUIREs that everything succeeds.
Session session_of(const Model& model, const SessionOptions& options,
                   const std::vector<Values>& inputs);

/// Returns each output as float32; indices are converted.
std::vector<Values> run(const Model& model, const std::vector<Values>& inputs);

/// Runs the pass. REQUIREs that check() still accepts the graph, and that its outputs on random
/// inputs are the same as before, within 1e-4 of the largest.
Graph after_pass(graph::Status (*pass)(Graph&), Graph graph);

/// Gives every activation without a scale the scale of its range on random inputs.
void calibrate(Graph& graph);

/// Returns the largest difference, as a share of the largest expected value.
float relative_error(const Values& got, const Values& expected);

/// Checks that the int8 model's outputs are near the float graph's. The graph has to be calibrated.
void check_int8_is_near_float(const Graph& graph, float tolerance = 0.06f,
                              const graph::BuildOptions& options = {});

/// Returns the nodes of a built model, "name:op" in order, to see what the passes made of a graph.
std::string nodes_of(const Model& model);

}  // namespace octet::test
