// The model's layers as a library of int8 operators has them: no residual inside a convolution, and
// every result of an int8 layer quantized.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "engine/float/island.h"
#include "engine/model_data.h"
#include "engine/operator_table.h"

namespace octet::tool {

/// real = scale * (q - zero_point), q in -128 to 127: octet's u8 minus 128. Not quantized: float32.
struct PlainValue {
  Shape shape;
  bool quantized = false;
  float scale = 0;
  int32_t zero_point = 0;
  const TensorRecord* constant = nullptr;  ///< Null for an activation.
};

struct PlainNode {
  std::string name;
  Op op = Op::identity;
  Attributes attributes;
  std::vector<int32_t> inputs;  ///< Values; an int8 layer's without its weights and bias.
  std::vector<int32_t> outputs;
  const NodeRecord* layer = nullptr;  ///< The int8 conv2d or linear that has its weights.

  /// The result of a node that has one.
  int32_t output() const { return only_result(outputs); }
};

struct PlainNetwork {
  const Model::Data& model;
  std::vector<PlainValue> values;  ///< First the model's tensors, then what stands between nodes.
  std::vector<PlainNode> nodes;    ///< Each reads constants, inputs, or what earlier ones wrote.

  const PlainValue& value(int32_t id) const { return values[static_cast<std::size_t>(id)]; }
};

/// octet's model has no scale for values that it never rounds: a convolution's result before the
/// residual is added, and results of layers in float32. Their ranges are found by running the
/// network in float on `inputs`, a vector for each input of the model. Errors name a node that has
/// no float form.
Expected<PlainNetwork> make_plain_network(const Model::Data& model,
                                          const std::vector<std::vector<float>>& inputs);

/// Nodes of the network in float32, ready to run.
class PlainFloat {
 public:
  /// Memory of values that come from outside or go there.
  using Outside = std::map<int32_t, float*>;

  /// `nodes` are indices in order. A value that they read is in `outside` or written by one of
  /// them. The memory in `outside` has 16 bytes more than its values. It outlives this object, and
  /// so do network and pool.
  static Expected<PlainFloat> create(const PlainNetwork& network,
                                     const std::vector<std::size_t>& nodes, const Outside& outside,
                                     pthreadpool_t pool);
  Expected<void> run() const { return island_->run(); }

 private:
  std::vector<std::vector<float>> constants_;
  std::unique_ptr<FloatIsland> island_;
};

}  // namespace octet::tool
