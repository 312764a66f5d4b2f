// A graph of one node for each operator, so that a test can go through all of them.
#pragma once

#include "engine/operator.h"
#include "graph/graph.h"

namespace octet::test {

/// Returns a graph with a node of the operator. Its attributes differ from the default ones, each
/// of them. Its results are the graph's outputs. Behind a result of bytes stands a dequantize.
/// An operator that reads bytes or whole numbers stands behind a node that makes them, and those
/// that passes make (lookup, requantize) are written as the passes write them.
graph::Graph sample_of(Op op);

/// The name of the node of the operator.
constexpr const char* sample_name = "sample";

}  // namespace octet::test
