// A random quantized graph through octet.
#pragma once

#include <string>

#include "tests/onnx/qdq_graph.h"

namespace octet::test {

/// Converts and runs the graph with every step's result as an output. -> what is wrong: "" where
/// nothing is.
std::string check_qdq_graph(const QdqGraph& graph, bool in_float);

/// The same graph with its last results alone as outputs, where more is fused: what differs. That
/// may be right: where a value lies halfway between two steps, float and int8 may take either.
std::string check_ends(const QdqGraph& graph, bool in_float);

}  // namespace octet::test
