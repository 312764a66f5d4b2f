// What passes ask before they fold one node into another.
#pragma once

#include "graph/graph.h"

namespace octet::graph {

/// Whether a file rounds the tensor to its scale. Scales of calibration only observe.
bool is_rounded_by_file(const Graph& graph, const Tensor& tensor);

/// Whether the tensor is a float constant of one value, or of one for each of `channels`, along its
/// last axis.
bool is_by_channel(const Tensor& tensor, int32_t channels);

/// Gives `node` the names of another that became a part of it.
void take_names(Node& node, const Node& other);

/// Whether the other operand of an add can be the residual of the layer that writes operand
/// `which`: it is no constant, and nothing is broadcast.
bool other_fits_as_residual(const Graph& graph, const Node& add, std::size_t which);

/// Whether the node is an int8 node whose result is u8.
bool gives_u8(const Node& node);

/// The bias of a layer with float weights, one value for each output channel: 0 where it has none.
std::vector<float> bias_of(const Graph& graph, const Node& layer);

/// Gives the layer this bias, under the name of the one that it has.
void set_bias(Graph& graph, Node& layer, const std::vector<float>& bias);

/// Whether an int8 layer can compute a function of its result before it rounds: it has no bounds of
/// its own, and nobody but node `reader`, the function, reads what it gives.
bool can_take_function(const Graph& graph, const Node& layer, int reader);

}  // namespace octet::graph
