// What passes ask before they fold one node into another.
#pragma once

#include "graph/graph.h"

namespace octet::graph {

/// Whether a file rounds the tensor to its scale. Scales of calibration only observe.
bool is_rounded_by_file(const Graph& graph, const Tensor& tensor);

/// Whether the tensor is a float constant of one value, or of one for each of `channels`, along its
/// last axis.
bool is_by_channel(const Tensor& tensor, int32_t channels);

}  // namespace octet::graph
