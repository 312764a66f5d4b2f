// What computes with constants and shapes alone is computed when the model is loaded: the shapes
// that a RESHAPE reads, most of all, and weights that are moved before a layer reads them.
#pragma once

#include <span>
#include <vector>

#include "loaders/tflite/builder.h"

namespace octet::loaders::tflite {

/// Sets the node's results as constants where all of its inputs are constants, or it asks for a
/// shape that is known; false where they are not, or octet does not compute the operator so.
bool fold(Builder& builder, const Node& node);

/// A node's inputs, in order; null where one is left out.
using ConstantInputs = std::span<const Constant* const>;

/// Computes the results. Throws LoadError where the operator is wrong, MissingOperator where octet
/// does not compute this form of it.
using Fold = std::vector<Constant> (*)(const Node& node, ConstantInputs inputs);

/// Null where the operator is none of these.
Fold find_arithmetic_fold(format::BuiltinOperator code);
Fold find_movement_fold(format::BuiltinOperator code);

// ---- for both

/// Throws where input `index` is left out.
const Constant& input_of(const Node& node, ConstantInputs inputs, std::size_t index);

/// Integers of an input: axes, positions.
const std::vector<int64_t>& integers_of(const Node& node, ConstantInputs inputs, std::size_t index);

/// Their number; throws where it is large, and above what the inputs have.
std::size_t checked_count(const Node& node, ConstantInputs inputs, const Shape& shape);

double value_at(const Constant& constant, std::size_t i);

/// The shape that two others broadcast to, and for each of its elements which of `from` it takes.
Shape broadcast_shape(const Node& node, const Shape& a, const Shape& b);
std::vector<std::size_t> broadcast_source(const Shape& from, const Shape& to);

/// An element of a constant.
struct ElementSource {
  const Constant* constant = nullptr;
  std::size_t index = 0;
};

/// The elements as a constant of `shape`. Bytes stay bytes where their scales are one, or lie along
/// one axis of the result.
Constant take(const Shape& shape, std::span<const ElementSource> elements);

}  // namespace octet::loaders::tflite
