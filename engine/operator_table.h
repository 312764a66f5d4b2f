// One row an operator: what it is called, what it takes and gives, and what else octet asks about
// it. Whoever adds an operator adds its row; without one operator_table.cc does not compile.
#pragma once

#include <type_traits>

#include "engine/operator.h"
#include "engine/operator_shapes.h"

namespace octet {

/// Operators that the same code plans and runs. Switches that choose code are over kinds, without
/// `default:`, so that a new kind does not compile until each of them knows it; a new operator of a
/// kind that is there needs its row only.
enum class Kind : uint8_t {
  conv2d,
  linear,
  arithmetic,  // add, sub, mul, div, floor_div: of two tensors
  max_pool,
  average_pool,
  softmax,
  log_softmax,
  argmax,
  concat,
  slice,
  pad,
  reshape,
  transpose,
  resize,
  clip,
  lookup,
  quantize,
  dequantize,
  requantize,
  mean,
  batch_norm,
  prelu,
  function,  // of one value, and no operand but it
  cast,
  gather_nd,
  top_k,
  identity,
};

enum class Arithmetic : uint8_t { add, sub, mul, div, floor_div };

/// Functions of one value.
enum class Function : uint8_t {
  leaky_relu,
  elu,
  sigmoid,
  tanh,
  hard_sigmoid,
  hard_swish,
  silu,
  gelu,
  exp,
  log,
  sqrt,
  abs,
  neg,
  softsign,
};

struct OperandCount {
  uint16_t least = 1;
  uint16_t most = 1;
};

/// Where in `Attributes` the type stands.
template <class A, uint8_t index = 0>
consteval uint8_t attributes_index() {
  if constexpr (std::is_same_v<A, std::variant_alternative_t<index, Attributes>>) {
    return index;
  } else {
    return attributes_index<A, index + 1>();
  }
}

struct Operator {
  Op op = Op::identity;
  const char* name = nullptr;  ///< In model files, in docs/float_export.md and in messages.
  Kind kind = Kind::identity;

  uint8_t attributes = attributes_index<NoAttributes>();  ///< Which of `Attributes` it takes.
  /// Without a layer's bias and residual, which its attributes say.
  OperandCount operands;
  uint8_t results = 1;  ///< How many a node has.
  ShapeRule shape = ShapeRule::same;

  /// Runs in a float island: has a float32 form in engine/float/loops*.
  bool has_float_form = true;
  /// Are its results in float the same bytes on every CPU? All but sums of products are, whose
  /// order is their library's.
  bool is_exact_in_float = true;
  /// Its results are values of its operands (or a pad's value): in int8 it moves bytes and keeps
  /// their scale. A resize does where it is the nearest.
  bool moves_values = false;
  /// Its results lie between its operand's values, and 0.
  bool stays_between = false;
  /// The bounds of its results whatever it reads, where they are known.
  Bounds range;

  Arithmetic arithmetic = Arithmetic::add;  ///< Of Kind::arithmetic.
  Function function = Function::neg;        ///< Of Kind::function.
};

/// The operator's row.
const Operator& row_of(Op op);

inline Kind kind_of(Op op) { return row_of(op).kind; }

}  // namespace octet
