// Nodes of constants alone are computed when the model is loaded: exporters write the arithmetic on
// shapes, and on weights, as nodes.
#pragma once

#include <span>
#include <vector>

#include "loaders/onnx/constant.h"
#include "loaders/onnx/node.h"

namespace octet::loaders::onnx {

/// A node's inputs in order; null where one is left out.
struct ConstantInputs : std::span<const Constant* const> {
  std::size_t most_elements = 0;  ///< That the result may have.
};

/// Is there a function for the operator?
bool can_fold(const std::string& op);

/// -> the node's outputs. Throws MissingOperator where this form of the operator has no function,
/// LoadError where the node is wrong.
std::vector<Constant> fold(const Node& node, ConstantInputs inputs);

// ---- the functions, by what they do

/// Of one and of two values, with broadcasting; comparisons; Where; Cast.
using Fold = std::vector<Constant> (*)(const Node& node, ConstantInputs inputs);
Fold find_arithmetic(const std::string& op);

/// ReduceSum and its kin.
Fold find_reduction(const std::string& op);

/// What moves, repeats and makes values: Gather, Concat, Reshape, Slice, Range, Expand, ...
Fold find_movement(const std::string& op);

/// Constant input `index`; throws where it is left out.
const Constant& input_of(const Node& node, ConstantInputs inputs, std::size_t index);

double value_at(const Constant& constant, std::size_t index);

/// Towards 0, and to the bounds where the number does not fit.
int64_t truncated(double x);

/// Element i of the result is element source[i] of `from`; the quantized form goes with it.
Constant take(const Constant& from, std::vector<int64_t> dims, std::span<const std::size_t> source);

/// The same of several constants of one type.
Constant take(DataType type, std::vector<int64_t> dims, std::span<const ElementSource> source);

/// NumPy's rule; throws where it does not hold.
std::vector<int64_t> broadcast_dims(const Node& node, const std::vector<int64_t>& a,
                                    const std::vector<int64_t>& b);

/// -> for each element of `to`, the element of a tensor of `from` that is broadcast there.
std::vector<std::size_t> broadcast_source(const std::vector<int64_t>& from,
                                          const std::vector<int64_t>& to);

/// The number of elements of a result; throws where it is out of all proportion to the inputs, or
/// to what the file may make in all, so that no small file asks for all memory.
std::size_t checked_count(const Node& node, ConstantInputs inputs,
                          const std::vector<int64_t>& dims);

/// The axes of Squeeze, Unsqueeze and reductions: an attribute in old operator sets, input `index`
/// in new ones. Empty where there are none.
std::vector<int64_t> axes_of(const Node& node, const Constant* input);

}  // namespace octet::loaders::onnx
