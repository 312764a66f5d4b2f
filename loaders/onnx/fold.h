// Computes nodes that read constants only when the model is loaded. Exporters write the arithmetic
// on shapes, and on weights, as such nodes.
#pragma once

#include <span>
#include <vector>

#include "loaders/onnx/constant.h"
#include "loaders/onnx/node.h"

namespace octet::loaders::onnx {

/// The inputs of a node in order; null if an input is left out.
struct ConstantInputs : std::span<const Constant* const> {
  std::size_t most_elements = 0;  ///< How many elements the result may have.
};

/// Whether there is a function for the operator.
bool can_fold(const std::string& op);

/// Returns the outputs of the node. Throws MissingOperator if there is no function for this form of
/// the operator, and LoadError if the node is wrong.
std::vector<Constant> fold(const Node& node, ConstantInputs inputs);

// The functions, by what they do. Each finder returns null if the operator is not of its kind.

/// Functions of one and of two values with broadcasting; comparisons; Where; Cast.
using Fold = std::vector<Constant> (*)(const Node& node, ConstantInputs inputs);
Fold find_arithmetic(const std::string& op);

/// ReduceSum and the other reductions.
Fold find_reduction(const std::string& op);

/// Operators that move, repeat or make values: Gather, Concat, Reshape, Slice, Range, Expand, ...
Fold find_movement(const std::string& op);

/// Returns the constant that is input `index`. Throws if it is left out.
const Constant& input_of(const Node& node, ConstantInputs inputs, std::size_t index);

double value_at(const Constant& constant, std::size_t index);

/// Rounds towards 0, and to the nearest bound if the number does not fit.
int64_t truncated(double x);

/// Element i of the result is element source[i] of `from`. The quantized form is taken along.
Constant take(const Constant& from, std::vector<int64_t> dims, std::span<const std::size_t> source);

/// The same for elements of several constants of one type.
Constant take(DataType type, std::vector<int64_t> dims, std::span<const ElementSource> source);

/// Returns the dims after broadcasting by NumPy's rule. Throws if the dims do not broadcast.
std::vector<int64_t> broadcast_dims(const Node& node, const std::vector<int64_t>& a,
                                    const std::vector<int64_t>& b);

/// Returns, for each element of `to`, the element that is broadcast there from a tensor of `from`.
std::vector<std::size_t> broadcast_source(const std::vector<int64_t>& from,
                                          const std::vector<int64_t>& to);

/// Returns the number of elements of a result. Throws if it is far too large for the inputs, or
/// more than the file may make in all, so that no small file asks for all memory.
std::size_t checked_count(const Node& node, ConstantInputs inputs,
                          const std::vector<int64_t>& dims);

/// Returns the axes of Squeeze, Unsqueeze and reductions: an attribute in old operator sets, input
/// `index` in new ones. Empty if the node names none.
std::vector<int64_t> axes_of(const Node& node, const Constant* input);

}  // namespace octet::loaders::onnx
