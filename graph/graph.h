// The door to the graph: what loaders make, passes rewrite, and build_model writes as an .octet
// file.
//
// Tensors of images are [N, H, W, C], weights [O, kh, kw, I / groups] or [O, I]. A loader gives a
// float graph with the model's own names, and calibration where the file has it; it folds nothing.
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

/// real = scale * (q - zero_point), q in 0 to 255.
struct Quantization {
  float scale = 0;
  int32_t zero_point = 0;
  bool operator==(const Quantization&) const = default;
};

/// How weights are (s8) or are to be (f32) quantized: one value, or one an output channel.
/// On f32 weights it applies after batch norms are folded into them.
struct WeightQuantization {
  std::vector<float> scale;
  std::vector<int32_t> zero_point;  ///< Empty when all are 0.
};

/// A layer's bias as the file has it, in s32, which float32 has not the bits for: real = scale *
/// value, where `scale`, one a channel, is the input's times the weights'.
struct BiasSteps {
  std::vector<int32_t> values;
  std::vector<float> scale;
};

/// Is the value one of the 256 that the bytes stand for?
bool is_step(const Quantization& q, float value);

struct Tensor {
  std::string name;
  Type type = Type::f32;
  Shape shape;
  /// What calibration found for a float activation; what the bytes mean for a u8 one.
  std::optional<Quantization> quantization;
  bool rounds = false;  ///< The file rounds it to `quantization`, where it is float as well.
  /// Of an input: it is bytes in the file, so that no value of it lies outside their range.
  bool given_in_bytes = false;
  /// A constant's values, row-major; absent for activations.
  std::optional<std::vector<std::byte>> data;
  /// Of s8 weights: one scale an output channel, and zero points where they are not all 0.
  std::vector<float> channel_scales;
  std::vector<int32_t> channel_zero_points;
  /// Of a float bias: what int8 takes instead, where the layer still has these scales.
  std::optional<BiasSteps> steps;

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
  std::vector<TensorId> outputs;   ///< As many as the operator's row says; nobody has to read them.
  std::vector<std::string> fused;  ///< Names of nodes that became part of this one.
  std::optional<WeightQuantization> weight_quantization;
  Precision precision = Precision::undecided;
  std::string reason;  ///< Why the precision is what it is, where there is something to say.
  /// An int8 convolution that stores float32 straight from its accumulators.
  bool float_output = false;

  /// The result of a node that has one.
  TensorId output() const { return only_result(outputs); }
};

struct Graph {
  std::string name;  ///< The file it came from, for errors.
  std::string producer;
  std::vector<Tensor> tensors;
  std::vector<Node> nodes;  ///< Each reads constants, inputs, or what earlier nodes wrote.
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;
  std::vector<std::string>
      keep_float;  ///< Nodes that the author wants in float: names, or prefixes up to a dot.
  /// The weights came quantized: every rounding of the author's framework is kept, so that the
  /// bytes stay the same.
  bool keeps_rounding = false;
  /// The author drew quantize and dequantize borders: an output's scale is then a wish, not an
  /// observation.
  bool has_authors_borders = false;
  /// The file's scales are all there will be: a node whose operands or result have none runs in
  /// float, as its author left it.
  bool unscaled_is_float = false;
  /// What to do where scales are missing, for a format whose remedy is not the float export's.
  std::string calibration_remedy;
  /// What the user is to know of how the file was read: warnings, without the file's name.
  std::vector<std::string> remarks;
  std::optional<Preprocess> preprocess;
  /// `preprocess` is what the format's inputs usually take, not what the file says: the user may
  /// say another.
  bool preprocess_is_usual = false;
  std::vector<std::string> labels;
  Task task;

  Tensor& tensor(TensorId id) { return tensors[static_cast<std::size_t>(id)]; }
  const Tensor& tensor(TensorId id) const { return tensors[static_cast<std::size_t>(id)]; }
  TensorId add_tensor(Tensor tensor);

  /// Index of the node that has `id` among its results, or -1 (constants, inputs).
  int producer_of(TensorId id) const;
  /// Indices of the nodes that read `id`, in order, each once.
  std::vector<int> readers_of(TensorId id) const;
  bool is_input(TensorId id) const;
  bool is_output(TensorId id) const;
  /// Does only `reader` read `id`, and nobody outside the graph?
  bool read_only_by(TensorId id, int reader) const;

  /// Makes every reader of `from`, and the graph's outputs, read `to`. An output keeps the name
  /// that its author gave it.
  void redirect(TensorId from, TensorId to);
  /// Removes the nodes whose flag is set.
  void erase_nodes(const std::vector<bool>& erased);
};

/// Float32 constants as values; the tensor is a constant of that type.
std::span<const float> float_values(const Tensor& tensor);
std::span<float> float_values(Tensor& tensor);

Tensor make_float_constant(std::string name, Shape shape, std::span<const float> values);

/// Errors: a reader before its writer, a tensor written twice or never, operands that do not fit
/// (named by node).
Expected<void> check(const Graph& graph);

/// How the reason begins for which a node runs in float where its author has it so.
constexpr const char* left_in_float = "left in float by the model's author";

/// conv2d and linear: what has weights, a bias, and sums of products.
bool is_layer(const Node& node);

/// Operators whose int8 form only moves bytes: the output has the input's scale and zero point.
bool moves_bytes(const Node& node);

/// Such an operator, or a concat: its result is made of its operands' values and nothing else.
bool moves_or_joins(const Node& node);

/// What such a node, or one that joins, moves: all of its operands but indices, which only say from
/// where.
std::span<const TensorId> moved_operands(const Node& node);

/// What the scores of the first output are, as its author's nodes say before passes change them.
ScoreType score_type(const Graph& graph);

/// A node that only moves or joins bytes gives its result its operands' scale, where all of them
/// have the same one. A pad with a value between two steps of that scale moves no bytes: it runs in
/// float.
void keep_scale_of_moved(Graph& graph, Node& node);

/// A number in a message: six digits at most, as "%g" prints it.
std::string text_of(float value);

/// The float model that a quantized one's bytes stand for: weights become floats, and scales go, so
/// that others can be chosen. Errors: scales that do not fit their weights.
Expected<void> forget_scales(Graph& graph);

struct BuildOptions {
  bool float_only = false;  ///< No int8 at all: the float baseline.
  std::vector<std::string>
      keep_float;  ///< As Graph::keep_float, from the user. Unknown names are an error.
};

/// Runs the passes and writes the model file's bytes. Errors name the nodes or tensors and the
/// remedy.
Expected<std::vector<std::byte>> build_model(Graph graph, const BuildOptions& options);

/// The bytes of an .octet file for a graph that the passes are through with.
Expected<std::vector<std::byte>> write_model(const Graph& graph);

}  // namespace octet::graph
