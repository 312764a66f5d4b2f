// Graphs run through the engine: before and after a pass, in float and in int8.
#pragma once

#include <vector>

#include "graph/passes/passes.h"
#include "tests/graph/graph_maker.h"

namespace octet::test {

using Values = std::vector<float>;

/// Standard normal values for each of the graph's inputs.
std::vector<Values> random_inputs(const Graph& graph, uint32_t seed = 7);

/// The model of the graph exactly as it is, all of it in float: no pass runs.
Model as_float_model(Graph graph);
/// build_model and load; REQUIREs both.
Model build(Graph graph, const graph::BuildOptions& options = {});

/// Each output as float32 (indices converted).
std::vector<Values> run(const Model& model, const std::vector<Values>& inputs);

/// Runs the pass, REQUIREs that the graph is still one that check() accepts, and that its outputs
/// on random inputs are what they were before, within 1e-4 of the largest.
Graph after_pass(graph::Status (*pass)(Graph&), Graph graph);

/// Every activation gets the scale of its range on random inputs, unless it has one.
void calibrate(Graph& graph);

/// The largest difference, as a share of the largest expected value.
float relative_error(const Values& got, const Values& expected);

/// After calibrate(), the int8 model's outputs are near the float graph's.
void check_int8_is_near_float(const Graph& graph, float tolerance = 0.06f,
                              const graph::BuildOptions& options = {});

/// Node names of a built model, "name:op" in order, for what a pipeline makes of a graph.
std::string nodes_of(const Model& model);

}  // namespace octet::test
