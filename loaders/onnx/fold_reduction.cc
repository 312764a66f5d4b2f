// Sums, products, means and extremes of constants along axes.
#include <algorithm>

#include "loaders/onnx/fold.h"

namespace octet::loaders::onnx {
namespace {

using Results = std::vector<Constant>;

Results fold_reduction(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  const auto given = axes_of(node, inputs.size() > 1 ? inputs[1] : nullptr);
  if (given.empty() && node.integer("noop_with_empty_axes", 0) != 0) return {x};
  std::vector<bool> reduced(x.dims.size(), given.empty());
  for (const int64_t axis : given)
    reduced[static_cast<std::size_t>(node.axis(axis, x.dims.size()))] = true;
  std::vector<int64_t> kept;  // the dims, with extent 1 for reduced axes
  for (std::size_t i = 0; i < reduced.size(); ++i) kept.push_back(reduced[i] ? 1 : x.dims[i]);
  const std::size_t count = checked_count(node, inputs, kept);
  const auto target = broadcast_source(kept, x.dims);

  const std::string& op = node.op();
  const bool product = op == "ReduceProd";
  std::vector<double> values(count, product ? 1.0 : 0.0);
  std::vector<bool> begun(count, false);
  for (std::size_t i = 0; i < target.size(); ++i) {
    double& y = values[target[i]];
    const double v = value_at(x, i);
    if (product) {
      y *= v;
    } else if (op == "ReduceMax" || op == "ReduceMin") {
      const bool takes = !begun[target[i]] || (op == "ReduceMax" ? v > y : v < y);
      if (takes) y = v;
    } else {
      y += v;
    }
    begun[target[i]] = true;
  }
  const std::size_t each = count == 0 ? 1 : std::max<std::size_t>(x.size() / count, 1);
  Constant out{.type = x.type};
  for (std::size_t i = 0; i < reduced.size(); ++i) {
    if (!reduced[i]) out.dims.push_back(x.dims[i]);
    if (reduced[i] && node.integer("keepdims", 1) != 0) out.dims.push_back(1);
  }
  for (double v : values) {
    if (op == "ReduceMean") v /= static_cast<double>(each);
    if (out.is_float()) {
      out.floats.push_back(static_cast<float>(v));
    } else {
      out.integers.push_back(truncated(v));
    }
  }
  return {out};
}

}  // namespace

Fold find_reduction(const std::string& op) {
  const bool known = op == "ReduceProd" || op == "ReduceSum" || op == "ReduceMax" ||
                     op == "ReduceMin" || op == "ReduceMean";
  return known ? fold_reduction : nullptr;
}

}  // namespace octet::loaders::onnx
