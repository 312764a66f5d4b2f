// A row for each operator: its name, its operands and results, and what else octet asks about it.
// Whoever adds an operator adds its row; without it, operator_table.cc does not compile.
#pragma once

#include <type_traits>

#include "engine/operator.h"
#include "engine/operator_shapes.h"

namespace octet {

/// Operators of one kind are planned and run by the same code. Switches that choose code are over
/// kinds and have no `default:`. So a new kind does not compile until every switch handles it,
/// while a new operator of an existing kind needs only its row.
enum class Kind : uint8_t {
  conv2d,
  linear,
  arithmetic,  // arithmetic of two tensors: add, sub, mul, div, floor_div
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
  function,  // a function of one value, without other operands
  cast,
  gather_nd,
  top_k,
  identity,
};

enum class Arithmetic : uint8_t { add, sub, mul, div, floor_div };

struct OperandCount {
  uint16_t least = 1;
  uint16_t most = 1;
};

/// The index of the type A in `Attributes`.
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
  /// Its name in model files, in docs/float_export.md and in messages. An array, not a pointer: a
  /// shared library then needs no relocation for each row.
  char name[16] = "";
  Kind kind = Kind::identity;

  /// The index of its type in `Attributes`.
  uint8_t attributes = attributes_index<NoAttributes>();
  /// How many operands it takes, not counting a layer's bias and residual: the attributes tell
  /// those.
  OperandCount operands;
  uint8_t results = 1;  ///< How many results a node has.
  ShapeRule shape = ShapeRule::same;

  /// Whether it has a float32 form (in engine/float/loops*) and can run in a float island.
  bool has_float_form = true;
  /// Whether its float results are the same bytes on every CPU. Only sums of products (conv2d,
  /// linear) are not: their order of addition is up to a library.
  bool is_exact_in_float = true;
  /// Whether it is a mover: its results are values of its operands (or the value of a pad). In int8
  /// it moves bytes and keeps their scale. A resize is one only if it is a nearest resize.
  bool moves_values = false;
  /// Whether its results lie between the values of its operand, or between them and 0.
  bool stays_between = false;
  /// The bounds of its results for all operands, if they are known.
  Bounds range;

  Arithmetic arithmetic = Arithmetic::add;  ///< For Kind::arithmetic.
  Function function = Function::neg;        ///< For Kind::function.
};

/// The row of the operator.
const Operator& row_of(Op op);

inline Kind kind_of(Op op) { return row_of(op).kind; }

}  // namespace octet
