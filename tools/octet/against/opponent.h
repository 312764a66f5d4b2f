// Other engines that run octet's model, to be measured beside it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "octet/octet.hpp"

namespace octet::tool {

/// One engine with one model, ready to run.
class Opponent {
 public:
  virtual ~Opponent() = default;

  /// Runs from float32 inputs, as Session::set_input takes them, to outputs in the engine's own
  /// memory.
  virtual Expected<void> run() = 0;

  /// The outputs of the last run as float32, in the order and shapes of the model's outputs. They
  /// show whether it is the same network.
  virtual Expected<std::vector<std::vector<float>>> outputs() = 0;
};

using OpponentResult = Expected<std::unique_ptr<Opponent>>;

/// What an opponent is made from. `inputs` are float32 values in the order of the model's inputs,
/// and outlive the opponent.
struct Challenge {
  const Model& model;
  const std::vector<std::vector<float>>& inputs;
  int threads = 1;
  /// The instruction set that octet uses. The other engine may use no better one. Empty: it may use
  /// its best.
  std::string isa;
};

/// An engine that octet can be measured against.
struct Engine {
  const char* name;
  const char* description;
  OpponentResult (*make)(const Challenge& challenge);
};

/// The engines that were found when octet was built.
std::span<const Engine> engines();

/// The same layers with dequantized weights, all in float. Error: an old file has a table that does
/// not name its function.
Expected<Model> make_float_model(const Model& model);

/// octet's own float: the same layers with dequantized weights, on XNNPACK where it is built in.
OpponentResult make_float_opponent(const Challenge& challenge);
OpponentResult make_xnnpack_opponent(const Challenge& challenge);
OpponentResult make_onednn_opponent(const Challenge& challenge);

}  // namespace octet::tool
