// The passes, each in a file of its own; pipeline.cc lists them in order. A pass takes a graph that
// check() accepts and makes another one that check() accepts. Passes know no instruction set.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace octet::graph {

using Status = Expected<void>;

// These passes work on the float graph.

/// Removes nodes whose results nobody reads.
Status drop_dead_nodes(Graph& graph);

/// Removes the author's quantize and dequantize nodes. The tensors that they joined keep the
/// scales; a quantize that changes a scale becomes a clip without bounds; and nodes outside the
/// author's borders are marked as float by the author's wish.
Status absorb_quantize_nodes(Graph& graph);

/// Clips floats to the ranges of the file's scales, for a quantized file that is to run in float. A
/// byte clips values beyond its range, and the model may rely on it: a ReLU may be nothing but a
/// zero point of 0. The bounds of nodes are tightened to the range of their result's scale. Nodes
/// without bounds whose result may leave that range get a clip behind them, and so do float inputs
/// that the file quantizes.
Status saturate(Graph& graph);

/// Removes identities and reshapes to the same shape. Makes a mean over height and width an average
/// pool, a division by a constant a product, a prelu with one slope a leaky relu, log(softmax(x)) a
/// log_softmax, and two clips in a row one clip.
Status canonicalise(Graph& graph);

/// Makes a convolution read an image itself, instead of a concat of the image's phases (as the
/// Focus of YOLOv5 and YOLOX: every second pixel of every second row, four times): each of its taps
/// becomes a block of taps, of which no more have a weight than before. The sums are the same.
Status fold_space_to_depth(Graph& graph);

/// Makes nodes that together compute a function of one value the operator of that function: x *
/// sigmoid(x) a silu, x * clip(x + 3, 0, 6) / 6 a hard_swish. It compares values, not spellings, to
/// a part in a million. What a file rounds in between stays as it is.
Status recognise_functions(Graph& graph);

/// Makes a constant that is added to a convolution or linear layer its bias, if nobody else reads
/// the layer: exporters write one as the other.
Status fold_bias_add(Graph& graph);

/// Folds scales and shifts after or before a convolution or linear layer into its weights: batch
/// norms (Jacob et al. 2018, section 3.2), and products and sums with constants of one value or of
/// one for each channel. A batch norm without such a neighbour becomes a depthwise 1x1 convolution.
/// A product or sum stays where a file rounds between it and the layer.
Status fold_affine(Graph& graph);

/// Makes a clip (relu, relu6) the bounds of the node that feeds it, if nobody else reads that node.
Status fuse_activation(Graph& graph);

/// Makes one node of a layer and an add (and a clip). The layer may be either operand of the add,
/// if nobody else reads the layer.
Status fuse_residual_add(Graph& graph);

// These passes prepare the graph for int8.

/// Gives a scale to tensors without calibration if it follows from a neighbour (whose bytes are
/// only moved) or from the function (sigmoid, softmax). In a file that came quantized, moved bytes
/// that the file rounds to another scale get a requantization of their own.
Status propagate_scales(Graph& graph);

/// Whether `wish` is the node's name, or a prefix of it up to a dot ('features.3' of
/// 'features.3.conv').
bool names_node(const std::string& wish, const std::string& name);

/// For models with calibrated scales. Tensors whose ranges no single scale can represent may be
/// joined, summed, or cut out of one tensor. On the way to an output (as with boxes and scores of a
/// detector), such nodes stay in float up to the output; the layers before them stay int8. Between
/// layers, if ranges differ by a factor of more than 32, such nodes and the layers that read them
/// run in float, too.
Status keep_quantities_apart(Graph& graph);

/// Decides for every node between int8 and float, with the reason, and which layers store float
/// straight from their accumulators. Errors: int8 nodes have tensors without calibration (the error
/// lists them).
Status choose_precision(Graph& graph, const BuildOptions& options);

/// Makes scales equal across nodes that only move bytes, and across a concat if nobody else reads
/// its operands.
Status unify_scales(Graph& graph);

/// Makes a function of one value, or a prelu, a part of the int8 layer that it reads, if nobody
/// else reads that layer; an add behind it becomes the layer's residual. The layer then computes
/// the function from its sums and rounds once. A file that rounds in between keeps its roundings.
/// What has no form within a tenth of a step (graph/inner_function.h) stays a table.
Status fuse_functions(Graph& graph);

/// Makes the u8 form of an input that is an image, and that only int8 layers read, the image's own
/// bytes: with p = x * std + mean nothing is rounded. The layers' weights and biases take up std
/// and mean. Padding is the byte nearest to the mean.
Status read_pixels(Graph& graph);

/// Gives a scale and a zero point for each channel to what an int8 layer writes and only depthwise
/// int8 layers read, where calibration saw the channels: the writer's multipliers and the readers'
/// take them up at no cost.
Status scale_channels(Graph& graph);

/// Makes each tensor u8 or f32, and puts quantize and dequantize nodes at the borders, at most one
/// of each for a tensor. If the file rounds a float result (Tensor::rounds), the result goes
/// through bytes for its float readers and outputs as well.
Status place_quantize(Graph& graph);

/// The finest scale whose bytes cover all of the (finite) values and 0.
Quantization finest_scale(std::span<const float> values);

/// Gives operators their int8 form: functions of one value become tables, a softmax gets its table,
/// a clip that stands alone becomes a requantize, and constant operands become u8.
Status lower_to_int8(Graph& graph);

/// Makes weights s8, with a scale for each output channel, and biases s32. Weights that are s8
/// already keep their values.
Status quantize_weights(Graph& graph);

/// The scales of what an int8 layer reads: one, or one for each channel of a depthwise layer. One
/// of 1 where the scales of channels are in the layer's weights.
std::vector<float> input_scales(const Graph& graph, const Node& layer);

/// The scales for symmetric weights [channels][values], one for each of the biases: no weight
/// clips, and the bias fits s32 (docs/quantization.md).
std::vector<float> symmetric_scales(std::span<const float> weights, std::span<const float> bias,
                                    const std::vector<float>& input_scales);

/// Makes the s8 weights of a layer the floats that they stand for; float weights stay as they are.
/// Error: scales do not fit the weights.
Status dequantize_layer(Graph& graph, Node& layer);

/// Runs all passes in order.
Status run_pipeline(Graph& graph, const BuildOptions& options);

}  // namespace octet::graph
