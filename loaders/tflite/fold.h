// Computes operators that read constants and shapes only when the model is loaded. Most of them
// compute the shape for a RESHAPE, or move weights before a layer reads them.
#pragma once

#include <span>
#include <vector>

#include "loaders/tflite/builder.h"

namespace octet::loaders::tflite {

/// Sets the results of the node as constants, if all its inputs are constants or it asks for a
/// shape that is known. Returns false if they are not, or if octet does not compute the operator in
/// this way.
bool fold(Builder& builder, const Node& node);

/// The inputs of a node in order; null if an input is left out.
using ConstantInputs = std::span<const Constant* const>;

/// Computes the results. Throws LoadError if the operator is wrong, and MissingOperator if octet
/// does not compute this form of it.
using Fold = std::vector<Constant> (*)(const Node& node, ConstantInputs inputs);

/// These return null if the operator is none of theirs.
Fold find_arithmetic_fold(format::BuiltinOperator code);
Fold find_movement_fold(format::BuiltinOperator code);

// For the functions of both files.

/// Returns constant `index` of the inputs. Throws if it is left out.
const Constant& input_of(const Node& node, ConstantInputs inputs, std::size_t index);

/// Returns the integers of an input: axes or positions.
const std::vector<int64_t>& integers_of(const Node& node, ConstantInputs inputs, std::size_t index);

/// Returns the number of elements of a result. Throws if it is large, and larger than that of the
/// inputs.
std::size_t checked_count(const Node& node, ConstantInputs inputs, const Shape& shape);

double value_at(const Constant& constant, std::size_t i);

/// Returns the shape to which two shapes broadcast.
Shape broadcast_shape(const Node& node, const Shape& a, const Shape& b);
std::vector<std::size_t> broadcast_source(const Shape& from, const Shape& to);

/// One element of a constant.
struct ElementSource {
  const Constant* constant = nullptr;
  std::size_t index = 0;
};

/// Returns a constant of `shape` with these elements. Bytes stay bytes if they have one scale, or
/// scales along one axis of the result.
Constant take(const Shape& shape, std::span<const ElementSource> elements);

}  // namespace octet::loaders::tflite
