#include "loaders/onnx/fold.h"

#include <algorithm>
#include <cmath>

namespace octet::loaders::onnx {
const Constant& input_of(const Node& node, ConstantInputs inputs, std::size_t index) {
  if (index >= inputs.size() || inputs[index] == nullptr)
    node.fail("has no input " + std::to_string(index) + ", which it needs");
  return *inputs[index];
}

double value_at(const Constant& constant, std::size_t i) {
  return constant.is_float() ? static_cast<double>(constant.floats[i])
                             : static_cast<double>(constant.integers[i]);
}

int64_t truncated(double x) {
  if (std::isnan(x)) return 0;
  return static_cast<int64_t>(std::clamp(x, -9.2e18, 9.2e18));
}

Constant take(const Constant& from, std::vector<int64_t> dims,
              std::span<const std::size_t> source) {
  std::vector<ElementSource> elements;
  elements.reserve(source.size());
  for (const std::size_t i : source) elements.push_back({.constant = &from, .index = i});
  return take(from.type, std::move(dims), elements);
}

Constant take(DataType type, std::vector<int64_t> dims, std::span<const ElementSource> source) {
  Constant out{.type = type, .dims = std::move(dims)};
  for (const auto& [from, i] : source) {
    if (out.is_float()) {
      out.floats.push_back(from->floats[i]);
    } else {
      out.integers.push_back(from->integers[i]);
    }
  }
  out.quantized = quantized_elements(out.dims, source);
  return out;
}

std::vector<int64_t> broadcast_dims(const Node& node, const std::vector<int64_t>& a,
                                    const std::vector<int64_t>& b) {
  std::vector<int64_t> out(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int64_t ea = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t eb = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (ea != eb && ea != 1 && eb != 1) node.fail("cannot broadcast its operands");
    out[out.size() - 1 - i] = ea == 1 ? eb : ea;
  }
  return out;
}

std::vector<std::size_t> broadcast_source(const std::vector<int64_t>& from,
                                          const std::vector<int64_t>& to) {
  std::size_t count = 1;
  for (const int64_t extent : to) count *= static_cast<std::size_t>(extent);
  std::vector<std::size_t> stride(to.size(), 0);
  std::size_t distance = 1;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto extent = static_cast<std::size_t>(from[from.size() - 1 - i]);
    if (extent != 1) stride[to.size() - 1 - i] = distance;
    distance *= extent;
  }
  std::vector<std::size_t> source;
  source.reserve(count);
  std::vector<int64_t> position(to.size(), 0);
  std::size_t at = 0;
  for (std::size_t n = 0; n < count; ++n) {
    source.push_back(at);
    for (std::size_t axis = to.size(); axis-- > 0;) {
      at += stride[axis];
      if (++position[axis] < to[axis]) break;
      at -= stride[axis] * static_cast<std::size_t>(to[axis]);
      position[axis] = 0;
    }
  }
  return source;
}

std::size_t checked_count(const Node& node, ConstantInputs inputs,
                          const std::vector<int64_t>& dims) {
  constexpr std::size_t always_fine = std::size_t{1} << 22;
  std::size_t given = 0;
  for (const Constant* input : inputs) given += input != nullptr ? input->size() : 0;
  const auto count = static_cast<std::size_t>(count_elements(dims, node.where() + "its result "));
  if (count > std::max(always_fine, 4 * given)) node.fail("makes a constant that is too large");
  if (count > inputs.most_elements) node.fail("its result is too large");
  return count;
}

std::vector<int64_t> axes_of(const Node& node, const Constant* input) {
  if (input == nullptr) return node.integers("axes");
  if (input->is_float()) node.fail("has axes that are no integers");
  return input->integers;
}

namespace {

Fold find_fold(const std::string& op) {
  for (const auto find : {find_arithmetic, find_reduction, find_movement}) {
    if (const Fold fold = find(op)) return fold;
  }
  return nullptr;
}

}  // namespace

bool can_fold(const std::string& op) { return find_fold(op) != nullptr; }

std::vector<Constant> fold(const Node& node, ConstantInputs inputs) {
  return find_fold(node.op())(node, inputs);
}

}  // namespace octet::loaders::onnx
