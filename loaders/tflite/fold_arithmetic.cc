// Arithmetic on constants: integers exactly, floats in double and rounded once.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "loaders/tflite/fold.h"

namespace octet::loaders::tflite {

using Code = format::BuiltinOperator;

namespace {

int64_t floor_divided(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

int64_t integer_result(const Node& node, int64_t a, int64_t b) {
  int64_t out = 0;
  bool overflows = false;
  const Code code = node.code();
  const bool divides = code == Code::DIV || code == Code::FLOOR_DIV || code == Code::FLOOR_MOD;
  if (divides && b == 0) node.fail("divides by 0");
  if (divides && a == std::numeric_limits<int64_t>::min() && b == -1) {
    overflows = true;
  } else if (code == Code::ADD) {
    overflows = __builtin_add_overflow(a, b, &out);
  } else if (code == Code::SUB) {
    overflows = __builtin_sub_overflow(a, b, &out);
  } else if (code == Code::MUL || code == Code::REDUCE_PROD) {
    overflows = __builtin_mul_overflow(a, b, &out);
  } else if (code == Code::DIV) {
    out = a / b;
  } else if (code == Code::FLOOR_DIV) {
    out = floor_divided(a, b);
  } else if (code == Code::FLOOR_MOD) {
    out = a - b * floor_divided(a, b);
  } else if (code == Code::SUM) {
    overflows = __builtin_add_overflow(a, b, &out);
  } else if (code == Code::MAXIMUM || code == Code::REDUCE_MAX) {
    out = std::max(a, b);
  } else if (code == Code::MINIMUM || code == Code::REDUCE_MIN) {
    out = std::min(a, b);
  } else {
    node.missing("of constants");
  }
  if (overflows) node.fail("computes a number that 64 bits do not hold");
  return out;
}

double float_result(const Node& node, double a, double b) {
  const Code code = node.code();
  if (code == Code::ADD || code == Code::SUM) return a + b;
  if (code == Code::SUB) return a - b;
  if (code == Code::MUL || code == Code::REDUCE_PROD) return a * b;
  if (code == Code::DIV) return a / b;
  if (code == Code::FLOOR_DIV) return std::floor(a / b);
  if (code == Code::FLOOR_MOD) return a - b * std::floor(a / b);
  if (code == Code::MAXIMUM || code == Code::REDUCE_MAX) return std::max(a, b);
  if (code == Code::MINIMUM || code == Code::REDUCE_MIN) return std::min(a, b);
  node.missing("of constants");
}

void check_same_kind(const Node& node, const Constant& a, const Constant& b) {
  if (a.is_float != b.is_float) node.fail("mixes integers and floats");
}

format::Activation fused_activation(const Node& node) {
  if (const auto* add = node.find_options<format::AddOptions>()) return add->fused_activation();
  if (const auto* sub = node.find_options<format::SubOptions>()) return sub->fused_activation();
  if (const auto* mul = node.find_options<format::MulOptions>()) return mul->fused_activation();
  if (const auto* div = node.find_options<format::DivOptions>()) return div->fused_activation();
  return format::Activation::NONE;
}

std::vector<Constant> fold_binary(const Node& node, ConstantInputs inputs) {
  if (fused_activation(node) != format::Activation::NONE)
    node.missing("of constants with a fused activation");
  const Constant& a = input_of(node, inputs, 0);
  const Constant& b = input_of(node, inputs, 1);
  check_same_kind(node, a, b);
  Constant out{.shape = broadcast_shape(node, a.shape, b.shape), .is_float = a.is_float};
  const std::size_t count = checked_count(node, inputs, out.shape);
  const auto from_a = broadcast_source(a.shape, out.shape);
  const auto from_b = broadcast_source(b.shape, out.shape);
  for (std::size_t i = 0; i < count; ++i) {
    if (a.is_float) {
      out.floats.push_back(
          static_cast<float>(float_result(node, value_at(a, from_a[i]), value_at(b, from_b[i]))));
    } else {
      out.integers.push_back(integer_result(node, a.integers[from_a[i]], b.integers[from_b[i]]));
    }
  }
  return {out};
}

template <class T>
T function_of(const Node& node, T x) {
  const Code code = node.code();
  if (code == Code::NEG) return -x;
  if (code == Code::ABS) return std::abs(x);
  if constexpr (std::is_floating_point_v<T>) {
    if (code == Code::FLOOR) return std::floor(x);
    if (code == Code::CEIL) return std::ceil(x);
    if (code == Code::ROUND) return std::nearbyint(x);
  }
  // Integers are whole already.
  if (code == Code::FLOOR || code == Code::CEIL || code == Code::ROUND) return x;
  node.missing("of constants");
}

std::vector<Constant> fold_unary(const Node& node, ConstantInputs inputs) {
  Constant out = input_of(node, inputs, 0);
  out.quantized.reset();
  for (int64_t& v : out.integers) {
    if (v == std::numeric_limits<int64_t>::min()) node.fail("computes a number beyond 64 bits");
    v = function_of(node, v);
  }
  for (float& v : out.floats) v = function_of(node, v);
  return {out};
}

std::vector<Constant> fold_reduction(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  std::vector<bool> reduced(x.shape.size(), false);
  for (const int64_t axis : integers_of(node, inputs, 1))
    reduced[static_cast<std::size_t>(node.axis(axis, x.shape.size()))] = true;
  Shape kept = x.shape;
  Constant out{.is_float = x.is_float};
  const bool keeps = node.options<format::ReducerOptions>().keep_dims();
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (reduced[i]) kept[i] = 1;
    if (!reduced[i] || keeps) out.shape.push_back(kept[i]);
  }
  if (x.size() == 0) node.missing("of nothing");
  std::vector<bool> begun;
  const std::vector<std::size_t> target = broadcast_source(kept, x.shape);
  std::vector<double> floats;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t to = target[i];
    if (to >= begun.size()) {
      begun.resize(to + 1, false);
      floats.resize(to + 1);
      out.integers.resize(to + 1);
    }
    if (x.is_float) {
      floats[to] = begun[to] ? float_result(node, floats[to], value_at(x, i)) : value_at(x, i);
    } else {
      out.integers[to] =
          begun[to] ? integer_result(node, out.integers[to], x.integers[i]) : x.integers[i];
    }
    begun[to] = true;
  }
  if (x.is_float) {
    out.integers.clear();
    out.floats.assign(floats.begin(), floats.end());
  }
  return {out};
}

int64_t truncated(double value) {
  return std::isnan(value) ? 0 : static_cast<int64_t>(std::clamp(value, -9.2e18, 9.2e18));
}

std::vector<Constant> fold_cast(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  if (x.quantized) node.missing("of bytes with a scale");
  const format::TensorType to = node.output_tensor().type;
  Constant out{.shape = x.shape};
  out.is_float = to == format::TensorType::FLOAT32 || to == format::TensorType::FLOAT16;
  if (!out.is_float && to != format::TensorType::INT32 && to != format::TensorType::INT64)
    node.missing("to " + type_name(to));
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (out.is_float) {
      out.floats.push_back(static_cast<float>(value_at(x, i)));
    } else {
      out.integers.push_back(x.is_float ? truncated(value_at(x, i)) : x.integers[i]);
    }
  }
  return {out};
}

bool holds(const Node& node, double a, double b) {
  const Code code = node.code();
  if (code == Code::EQUAL) return a == b;
  if (code == Code::NOT_EQUAL) return a != b;
  if (code == Code::LESS) return a < b;
  if (code == Code::LESS_EQUAL) return a <= b;
  if (code == Code::GREATER) return a > b;
  if (code == Code::GREATER_EQUAL) return a >= b;
  node.missing("of constants");
}

std::vector<Constant> fold_comparison(const Node& node, ConstantInputs inputs) {
  const Constant& a = input_of(node, inputs, 0);
  const Constant& b = input_of(node, inputs, 1);
  check_same_kind(node, a, b);
  Constant out{.shape = broadcast_shape(node, a.shape, b.shape), .is_float = false};
  checked_count(node, inputs, out.shape);
  const auto from_a = broadcast_source(a.shape, out.shape);
  const auto from_b = broadcast_source(b.shape, out.shape);
  for (std::size_t i = 0; i < from_a.size(); ++i)
    out.integers.push_back(holds(node, value_at(a, from_a[i]), value_at(b, from_b[i])));
  return {out};
}

std::vector<Constant> fold_select(const Node& node, ConstantInputs inputs) {
  const Constant& condition = input_of(node, inputs, 0);
  const Constant& a = input_of(node, inputs, 1);
  const Constant& b = input_of(node, inputs, 2);
  check_same_kind(node, a, b);
  const std::vector<int64_t>& chosen = integers_of(node, inputs, 0);
  const Shape shape =
      broadcast_shape(node, broadcast_shape(node, a.shape, b.shape), condition.shape);
  checked_count(node, inputs, shape);
  const auto from = broadcast_source(condition.shape, shape);
  const auto from_a = broadcast_source(a.shape, shape);
  const auto from_b = broadcast_source(b.shape, shape);
  std::vector<ElementSource> elements;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const bool first = chosen[from[i]] != 0;
    elements.push_back({.constant = first ? &a : &b, .index = first ? from_a[i] : from_b[i]});
  }
  return {take(shape, elements)};
}

std::vector<Constant> fold_range(const Node& node, ConstantInputs inputs) {
  double numbers[3];
  for (std::size_t i = 0; i < 3; ++i) {
    if (input_of(node, inputs, i).size() != 1) node.fail("has a bound that is no single number");
    numbers[i] = value_at(*inputs[i], 0);
  }
  const auto [start, limit, delta] = numbers;
  const double count = std::ceil((limit - start) / delta);
  if (!(delta != 0) || !(count < 1 << 22)) node.fail("has a range without an end");
  Constant out{.shape = {static_cast<int32_t>(std::max(count, 0.0))},
               .is_float = inputs[0]->is_float};
  for (int32_t i = 0; i < out.shape[0]; ++i) {
    const double value = start + i * delta;
    if (out.is_float) {
      out.floats.push_back(static_cast<float>(value));
    } else {
      out.integers.push_back(static_cast<int64_t>(value));
    }
  }
  return {out};
}

}  // namespace

Fold find_arithmetic_fold(Code code) {
  static const std::map<Code, Fold> table = {
      {Code::ADD, fold_binary},
      {Code::SUB, fold_binary},
      {Code::MUL, fold_binary},
      {Code::DIV, fold_binary},
      {Code::FLOOR_DIV, fold_binary},
      {Code::FLOOR_MOD, fold_binary},
      {Code::MAXIMUM, fold_binary},
      {Code::MINIMUM, fold_binary},
      {Code::NEG, fold_unary},
      {Code::ABS, fold_unary},
      {Code::FLOOR, fold_unary},
      {Code::CEIL, fold_unary},
      {Code::ROUND, fold_unary},
      {Code::SUM, fold_reduction},
      {Code::REDUCE_PROD, fold_reduction},
      {Code::REDUCE_MAX, fold_reduction},
      {Code::REDUCE_MIN, fold_reduction},
      {Code::CAST, fold_cast},
      {Code::EQUAL, fold_comparison},
      {Code::NOT_EQUAL, fold_comparison},
      {Code::LESS, fold_comparison},
      {Code::LESS_EQUAL, fold_comparison},
      {Code::GREATER, fold_comparison},
      {Code::GREATER_EQUAL, fold_comparison},
      {Code::SELECT, fold_select},
      {Code::SELECT_V2, fold_select},
      {Code::RANGE, fold_range},
  };
  const auto found = table.find(code);
  return found != table.end() ? found->second : nullptr;
}

}  // namespace octet::loaders::tflite
