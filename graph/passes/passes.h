// The passes, one file each; pipeline.cc lists them in order. A pass rewrites a graph that check()
// accepts into one that check() accepts. Passes know no instruction set.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace octet::graph {

using Status = Expected<void>;

// ---- on the float graph

/// Nodes that nobody reads go.
Status drop_dead_nodes(Graph& graph);

/// The author's quantize and dequantize nodes go; what they said stays: scales on the tensors that
/// they joined, a clip without bounds where a quantize changes a scale, and nodes outside the
/// borders marked as float by the author's wish.
Status absorb_quantize_nodes(Graph& graph);

/// For a quantized file that is to run in float. A byte clips values that lie beyond its range, and
/// the model may rely on it: a ReLU may be nothing but a zero point of 0. So floats are clipped in
/// the same places. Bounds of nodes are tightened to the range of their result's scale; nodes
/// without bounds whose result may leave that range get a clip, and so do float inputs that the
/// file quantizes.
Status saturate(Graph& graph);

/// identity goes; a mean over height and width becomes an average pool; division by a constant
/// becomes a product; a one-slope prelu becomes a leaky relu; two clips in a row become one;
/// reshapes to the same shape go.
Status canonicalise(Graph& graph);

/// A constant that is added to a convolution or linear layer becomes its bias, where nobody else
/// reads the layer: exporters write one as the other.
Status fold_bias_add(Graph& graph);

/// A batch norm after or before a convolution or linear layer goes into its weights (Jacob et al.
/// 2018, section 3.2); a lone one becomes a depthwise 1x1 convolution.
Status fold_batch_norm(Graph& graph);

/// A clip (relu, relu6) becomes the bounds of the node that feeds it, where nobody else reads that
/// node.
Status fuse_activation(Graph& graph);

/// conv or linear + add (+ clip) become one node, from either operand of the add, where nobody else
/// reads the layer.
Status fuse_residual_add(Graph& graph);

// ---- towards int8

/// Tensors without calibration whose scale follows from a neighbour's (bytes that only move) or
/// from the function (sigmoid, softmax) get it. In a file that came quantized, moved bytes that it
/// rounds to another scale than they had get a requantization of their own.
Status propagate_scales(Graph& graph);

/// Is `wish` the node's name, or a prefix of it up to a dot ('features.3' of 'features.3.conv')?
bool names_node(const std::string& wish, const std::string& name);

/// In a model that is calibrated: where tensors of ranges that no one scale can hold are joined or
/// summed, or cut out of one, on the way to an output (boxes and scores of a detector), that is
/// left in float up to the output. The layers before it stay int8. Between layers, where ranges are
/// 32 times apart and more, the layers that read them together are in float, too.
Status keep_quantities_apart(Graph& graph);

/// Decides for every node: int8 or float, with the reason; and which outputs come in float straight
/// from the accumulators of a convolution. Errors: int8 nodes whose tensors have no calibration
/// (all of them are listed).
Status choose_precision(Graph& graph, const BuildOptions& options);

/// Equal scales across what only moves bytes; and across a concat where nobody else reads its
/// operands.
Status unify_scales(Graph& graph);

/// Types become u8 or f32; quantize and dequantize nodes stand at the borders, one a tensor at the
/// most. A pair of them with nothing between becomes one requantize, or nothing. A float result
/// that the file rounds (Tensor::rounds) goes through bytes, to its float readers and outputs as
/// well.
Status place_quantize(Graph& graph);

/// The finest scale whose bytes hold all of the (finite) values, and 0.
Quantization finest_scale(std::span<const float> values);

/// Operators take their int8 form: functions of one value become tables, softmax gets its table, a
/// lone clip becomes a requantize, constant operands become u8.
Status lower_to_int8(Graph& graph);

/// Weights become s8 with a scale an output channel, biases s32.
Status quantize_weights(Graph& graph);

/// The s8 weights of one layer become the floats that they stand for; float ones stay. Errors:
/// scales that do not fit them.
Status dequantize_layer(Graph& graph, Node& layer);

/// All of the above in order.
Status run_pipeline(Graph& graph, const BuildOptions& options);

}  // namespace octet::graph
