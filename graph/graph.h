// The door to the graph. Loaders make it, passes rewrite it, and build_model writes it as an .octet
// file.
//
// Images are [N, H, W, C], weights [O, kh, kw, I / groups] or [O, I]. A loader makes a float graph
// with the model's own names, and with calibration if the file has it. It computes what depends on
// constants and shapes only, and joins no nodes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/operator.h"
#include "octet/octet.hpp"

namespace octet::graph {

/// Index into Graph::tensors.
using TensorId = int32_t;

/// real = scale * (q - zero_point), with q from 0 to 255.
struct Quantization {
  float scale = 0;
  int32_t zero_point = 0;
  bool operator==(const Quantization&) const = default;
};

/// How weights are quantized (s8), or are to be quantized (f32): one value, or one for each output
/// channel. For f32 weights it applies after batch norms are folded into them.
struct WeightQuantization {
  std::vector<float> scale;
  std::vector<int32_t> zero_point;  ///< Empty if all are 0.
};

/// The bias of a layer in s32, as the file has it, because float32 has too few bits for it: real =
/// scale * value. There is a scale for each channel: the input's times the weights'.
struct BiasS32 {
  std::vector<int32_t> values;
  std::vector<float> scale;
};

/// Whether the value is exactly one of the 256 that bytes of this quantization can have.
bool is_level(const Quantization& q, float value);

struct Tensor {
  std::string name;
  Type type = Type::f32;
  Shape shape;
  /// For a float activation, what calibration found; for u8, what the bytes mean.
  std::optional<Quantization> quantization;
  /// Whether the file rounds the tensor to `quantization` even where it is float.
  bool rounds = false;
  /// For inputs: whether the file has the input as bytes, so that no value lies outside their
  /// range.
  bool given_in_bytes = false;
  /// The values of a constant, row-major; absent for activations.
  std::optional<std::vector<std::byte>> data;
  /// What calibration saw of each channel of a float activation, the last axis; empty if it did not
  /// look. Both ends of a channel that was always 0 are 0.
  std::vector<float> channel_low;
  std::vector<float> channel_high;
  /// The mean of each channel's squared values. Empty where there were too few to know the range of
  /// a single channel.
  std::vector<float> channel_square;
  /// For s8 weights: one scale for each output channel, and zero points if not all are 0. For a
  /// quantized activation with a scale and a zero point for each channel: these, and `quantization`
  /// is what it would have without them.
  std::vector<float> channel_scales;
  std::vector<int32_t> channel_zero_points;
  /// For a float activation that is to be quantized with scales of channels: see
  /// QuantizeAttributes.
  std::vector<float> channel_means;
  /// For a float bias: its s32 values, which int8 uses if the layer still has the scales in it.
  std::optional<BiasS32> bias_s32;

  bool is_constant() const { return data.has_value(); }
};

enum class Precision : uint8_t {
  undecided,
  int8,
  float32,
};

struct Node {
  std::string name;
  Op op = Op::identity;
  Attributes attributes;
  std::vector<TensorId> inputs;
  /// As many as the operator's row says. Nobody has to read them.
  std::vector<TensorId> outputs;
  std::vector<std::string> fused;  ///< Names of nodes that became part of this one.
  std::optional<WeightQuantization> weight_quantization;
  Precision precision = Precision::undecided;
  std::string reason;  ///< Why it has this precision, or another remark about it; may be empty.
  /// Whether it is an int8 convolution that stores float32 straight from its accumulators.
  bool float_output = false;

  /// The result of a node that has exactly one.
  TensorId output() const { return only_result(outputs); }
};

struct Graph {
  std::string name;  ///< The name of its file, for error messages.
  std::string producer;
  std::vector<Tensor> tensors;
  std::vector<Node> nodes;  ///< Each reads constants, inputs, or results of earlier nodes.
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;
  /// Nodes that the author wants in float: names, or prefixes up to a dot.
  std::vector<std::string> keep_float;
  /// The weights came quantized. Every rounding of the author's framework is kept, so that the
  /// bytes stay the same.
  bool keeps_rounding = false;
  /// The author drew borders with quantize and dequantize nodes. So the scale of an output is a
  /// wish of the author, not an observation.
  bool has_authors_borders = false;
  /// No scales will be added to the file's. A node without a scale for an operand or a result runs
  /// in float, as its author left it.
  bool unscaled_is_float = false;
  /// What a user can do if scales are missing; empty for formats with the same remedy as the float
  /// export.
  std::string calibration_remedy;
  /// The user wants functions of one value as tables.
  bool functions_as_tables = false;
  /// Warnings to the user about how the file was read, without the file's name.
  std::vector<std::string> remarks;
  std::optional<Preprocess> preprocess;
  /// `preprocess` is not from the file, but is usual for inputs of this format. The user may
  /// replace it.
  bool preprocess_is_usual = false;
  std::vector<std::string> labels;
  Task task;

  Tensor& tensor(TensorId id) { return tensors[static_cast<std::size_t>(id)]; }
  const Tensor& tensor(TensorId id) const { return tensors[static_cast<std::size_t>(id)]; }
  TensorId add_tensor(Tensor tensor);

  /// The index of the node that has `id` among its results, or -1 (for constants and inputs).
  int producer_of(TensorId id) const;
  /// The indices of the nodes that read `id`, in order, each once.
  std::vector<int> readers_of(TensorId id) const;
  bool is_input(TensorId id) const;
  bool is_output(TensorId id) const;
  /// Whether `reader` is the only node that reads `id`, and `id` is no output of the graph.
  bool read_only_by(TensorId id, int reader) const;

  /// Makes all readers of `from` read `to`, and replaces it among the graph's outputs. An output
  /// keeps the name that its author gave it.
  void redirect(TensorId from, TensorId to);
  /// Removes the nodes whose flag is set.
  void erase_nodes(const std::vector<bool>& erased);
};

/// The values of a float32 constant. They belong to the tensor, which has to be such a constant.
std::span<const float> float_values(const Tensor& tensor);
std::span<float> float_values(Tensor& tensor);

Tensor make_float_constant(std::string name, Shape shape, std::span<const float> values);

/// Checks the graph. Errors: a node reads a tensor before it is written; a tensor is written twice
/// or never; operands do not fit (the error names the node).
Expected<void> check(const Graph& graph);

/// The beginning of the reason of a node that runs in float because its author has it so.
constexpr const char* left_in_float = "left in float by the model's author";

/// Whether the node is a conv2d or a linear: an operator with weights, a bias, and sums of
/// products.
bool is_layer(const Node& node);

/// Whether the node is a convolution with one filter for each channel.
bool is_depthwise(const Graph& graph, const Node& node);

/// Whether the node's int8 form only moves bytes, so that the result has the scale and zero point
/// of the operand.
bool moves_bytes(const Node& node);

/// Whether the node only moves bytes or is a concat, so that its result has values of its operands.
bool moves_or_joins(const Node& node);

/// Whether the node runs in the type of its operand, u8 or float, with the same result: it moves or
/// joins values, or finds the largest.
bool takes_operands_type(const Node& node);

/// The operands whose values such a node moves: all operands but indices, which only say from
/// where.
std::span<const TensorId> moved_operands(const Node& node);

/// Returns the results of such a node, or of a concat, that hold the moved values: all of them
/// except the indices of a top_k.
std::span<const TensorId> moved_results(const Node& node);

/// What the scores of the first output mean. It is found from the author's nodes, before passes
/// change them.
ScoreType score_type(const Graph& graph);

/// Gives the result of a node that only moves or joins bytes the scale of its operands, if all of
/// them have the same. A pad whose value lies between two levels of that scale moves no bytes: it
/// runs in float.
void keep_scale_of_moved(Graph& graph, Node& node);

/// A number as text for a message, as "%g" prints it: at most six digits.
std::string text_of(float value);

/// Makes a quantized model the float model that its bytes stand for: weights become floats, and
/// scales are removed so that others can be chosen. Error: scales do not fit their weights.
Expected<void> forget_scales(Graph& graph);

struct BuildOptions {
  bool float_only = false;  ///< Whether to make a float model, without any int8.
  /// Whether functions of one value stay tables behind their layers (see fuse_functions).
  bool tables = false;
  /// The same as Graph::keep_float, but from the user. Unknown names are an error.
  std::vector<std::string> keep_float;
};

/// Runs the passes up to the rounding of weights: precisions, fusions and the activations' scales
/// are settled, and weights are floats. Errors name nodes or tensors, and the remedy.
Expected<Graph> lower(Graph graph, const BuildOptions& options);

/// Rounds the weights of such a graph that are still floats, and returns the bytes of the model
/// file.
Expected<std::vector<std::byte>> finish_model(Graph lowered);

/// Both. Errors name nodes or tensors, and the remedy.
Expected<std::vector<std::byte>> build_model(Graph graph, const BuildOptions& options);

/// Returns the bytes of an .octet file for a graph on which the passes have run.
Expected<std::vector<std::byte>> write_model(const Graph& graph);

}  // namespace octet::graph
