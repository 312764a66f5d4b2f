// Runs random quantized graphs with octet.
#pragma once

#include <string>

#include "tests/onnx/qdq_graph.h"

namespace octet::test {

/// Converts and runs the graph with every step's result as an output. Returns what is wrong, or "".
std::string check_qdq_graph(const QdqGraph& graph, bool in_float);

/// Does the same with only the last results as outputs, so that more is fused. Returns what differs
/// from running with all outputs. A difference may be right: if a value lies halfway between two
/// steps, float and int8 may take either.
std::string check_ends(const QdqGraph& graph, bool in_float);

}  // namespace octet::test
