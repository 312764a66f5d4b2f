// Arithmetic on constants: floats in double, integers in 64 bits. Overflow is an error.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "loaders/onnx/fold.h"

namespace octet::loaders::onnx {
namespace {

using Results = std::vector<Constant>;

// Functions of two values.

double float_result(const Node& node, double a, double b) {
  const std::string& op = node.op();
  if (op == "Add") return a + b;
  if (op == "Sub") return a - b;
  if (op == "Mul") return a * b;
  if (op == "Div") return a / b;
  if (op == "Pow") return std::pow(a, b);
  if (op == "Min") return std::min(a, b);
  if (op == "Max") return std::max(a, b);
  if (op != "Mod") node.missing("of constants");
  // With fmod, Mod has the sign of the dividend, otherwise the sign of the divisor.
  const double rest = std::fmod(a, b);
  const bool moves = node.integer("fmod", 0) == 0 && rest != 0 && (rest < 0) != (b < 0);
  return moves ? rest + b : rest;
}

int64_t integer_result(const Node& node, int64_t a, int64_t b) {
  const std::string& op = node.op();
  int64_t out = 0;
  bool overflows = false;
  if (op == "Add") {
    overflows = __builtin_add_overflow(a, b, &out);
  } else if (op == "Sub") {
    overflows = __builtin_sub_overflow(a, b, &out);
  } else if (op == "Mul") {
    overflows = __builtin_mul_overflow(a, b, &out);
  } else if (op == "Min") {
    out = std::min(a, b);
  } else if (op == "Max") {
    out = std::max(a, b);
  } else if (op == "Pow") {
    const double power = std::pow(static_cast<double>(a), static_cast<double>(b));
    overflows = !(std::abs(power) < 9e18);
    if (!overflows) out = static_cast<int64_t>(power);
  } else if (op == "Div" || op == "Mod") {  // Div rounds towards 0; for Mod see above
    if (b == 0) node.fail("divides by 0");
    overflows = a == std::numeric_limits<int64_t>::min() && b == -1;
    if (!overflows && op == "Div") out = a / b;
    if (!overflows && op == "Mod") {
      out = a % b;
      if (node.integer("fmod", 0) == 0 && out != 0 && (out < 0) != (b < 0)) out += b;
    }
  } else {
    node.missing("of constants");
  }
  if (overflows) node.fail("computes a number that 64 bits do not hold");
  return out;
}

Constant binary(const Node& node, const Constant& a, const Constant& b, std::size_t most_elements) {
  const Constant* const inputs[] = {&a, &b};
  Constant out{.type = a.type, .dims = broadcast_dims(node, a.dims, b.dims)};
  checked_count(node, {inputs, most_elements}, out.dims);
  const auto from_a = broadcast_source(a.dims, out.dims);
  const auto from_b = broadcast_source(b.dims, out.dims);
  for (std::size_t i = 0; i < from_a.size(); ++i) {
    if (a.is_float()) {
      out.floats.push_back(
          static_cast<float>(float_result(node, value_at(a, from_a[i]), value_at(b, from_b[i]))));
    } else if (b.is_float()) {
      node.fail("mixes integers and floats");
    } else {
      out.integers.push_back(integer_result(node, a.integers[from_a[i]], b.integers[from_b[i]]));
    }
  }
  return out;
}

Results fold_binary(const Node& node, ConstantInputs inputs) {
  Constant out = input_of(node, inputs, 0);
  for (std::size_t i = 1; i < inputs.size(); ++i)
    out = binary(node, out, input_of(node, inputs, i), inputs.most_elements);
  out.quantized.reset();
  return {out};
}

bool comparison(const Node& node, double a, double b) {
  const std::string& op = node.op();
  if (op == "Equal") return a == b;
  if (op == "Less") return a < b;
  if (op == "LessOrEqual") return a <= b;
  if (op == "Greater") return a > b;
  if (op == "GreaterOrEqual") return a >= b;
  if (op == "And") return a != 0 && b != 0;
  if (op == "Or") return a != 0 || b != 0;
  if (op == "Xor") return (a != 0) != (b != 0);
  node.missing("of constants");
}

Results fold_comparison(const Node& node, ConstantInputs inputs) {
  const Constant& a = input_of(node, inputs, 0);
  const Constant& b = input_of(node, inputs, 1);
  Constant out{.type = DataType::boolean, .dims = broadcast_dims(node, a.dims, b.dims)};
  checked_count(node, inputs, out.dims);
  const auto from_a = broadcast_source(a.dims, out.dims);
  const auto from_b = broadcast_source(b.dims, out.dims);
  for (std::size_t i = 0; i < from_a.size(); ++i) {
    out.integers.push_back(comparison(node, value_at(a, from_a[i]), value_at(b, from_b[i])));
  }
  return {out};
}

// Functions of one value.

double function_of(const Node& node, double x) {
  const std::string& op = node.op();
  if (op == "Neg") return -x;
  if (op == "Abs") return std::abs(x);
  if (op == "Sqrt") return std::sqrt(x);
  if (op == "Exp") return std::exp(x);
  if (op == "Log") return std::log(x);
  if (op == "Floor") return std::floor(x);
  if (op == "Ceil") return std::ceil(x);
  if (op == "Round") return std::nearbyint(x);
  if (op == "Reciprocal") return 1 / x;
  if (op == "Relu") return std::max(x, 0.0);
  if (op == "Sigmoid") return 1 / (1 + std::exp(-x));
  if (op == "Tanh") return std::tanh(x);
  node.missing("of constants");
}

Results fold_unary(const Node& node, ConstantInputs inputs) {
  Constant out = input_of(node, inputs, 0);
  out.quantized.reset();
  for (float& x : out.floats) x = static_cast<float>(function_of(node, x));
  for (int64_t& x : out.integers) {
    if (node.op() == "Neg" || (node.op() == "Abs" && x < 0)) {
      if (x == std::numeric_limits<int64_t>::min()) node.fail("computes a number out of range");
      x = -x;
    } else if (node.op() != "Abs") {
      node.fail("is no function of integers");
    }
  }
  return {out};
}

Results fold_clip(const Node& node, ConstantInputs inputs) {
  Constant out = input_of(node, inputs, 0);
  out.quantized.reset();
  const auto bound = [&](std::size_t index, const char* attribute, double missing) {
    if (node.has(attribute)) return static_cast<double>(node.number(attribute, 0));
    if (index >= inputs.size() || inputs[index] == nullptr) return missing;
    if (inputs[index]->size() != 1) node.fail("has a bound that is not one number");
    return value_at(*inputs[index], 0);
  };
  const double infinity = std::numeric_limits<double>::infinity();
  const double low = bound(1, "min", -infinity);
  const double high = bound(2, "max", infinity);
  for (float& x : out.floats)
    x = static_cast<float>(std::min(std::max(static_cast<double>(x), low), high));
  for (int64_t& x : out.integers) {
    if (static_cast<double>(x) < low) x = truncated(low);
    if (static_cast<double>(x) > high) x = truncated(high);
  }
  return {out};
}

Results fold_not(const Node& node, ConstantInputs inputs) {
  Constant out = input_of(node, inputs, 0);
  for (int64_t& x : out.integers) x = x == 0 ? 1 : 0;
  return {out};
}

Results fold_where(const Node& node, ConstantInputs inputs) {
  const Constant& condition = input_of(node, inputs, 0);
  const Constant& yes = input_of(node, inputs, 1);
  const Constant& no = input_of(node, inputs, 2);
  if (condition.is_float() || yes.is_float() != no.is_float()) node.fail("mixes types");
  Constant out{
      .type = yes.type,
      .dims = broadcast_dims(node, broadcast_dims(node, yes.dims, no.dims), condition.dims)};
  checked_count(node, inputs, out.dims);
  const auto which = broadcast_source(condition.dims, out.dims);
  const auto from_yes = broadcast_source(yes.dims, out.dims);
  const auto from_no = broadcast_source(no.dims, out.dims);
  for (std::size_t i = 0; i < which.size(); ++i) {
    const bool chosen = condition.integers[which[i]] != 0;
    const Constant& from = chosen ? yes : no;
    const std::size_t at = chosen ? from_yes[i] : from_no[i];
    if (from.is_float()) {
      out.floats.push_back(from.floats[at]);
    } else {
      out.integers.push_back(from.integers[at]);
    }
  }
  return {out};
}

Constant cast(const Node& node, const Constant& x, DataType to) {
  Constant out{.type = to, .dims = x.dims};
  if (to == DataType::text || to == DataType::undefined)
    node.missing("Cast to " + data_type_name(to));
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (out.is_float()) {
      out.floats.push_back(static_cast<float>(value_at(x, i)));
    } else if (to == DataType::boolean) {
      out.integers.push_back(value_at(x, i) != 0 ? 1 : 0);
    } else {
      out.integers.push_back(x.is_float() ? truncated(x.floats[i]) : x.integers[i]);
    }
  }
  if (out.is_float()) out.quantized = x.quantized;
  return out;
}

Results fold_cast(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  if (node.op() == "CastLike") return {cast(node, x, input_of(node, inputs, 1).type)};
  return {
      cast(node, x, static_cast<DataType>(node.to_int32(node.required_integer("to"), "its type")))};
}

}  // namespace

Fold find_arithmetic(const std::string& op) {
  static const std::map<std::string, Fold> table = {
      {"Add", fold_binary},
      {"Sub", fold_binary},
      {"Mul", fold_binary},
      {"Div", fold_binary},
      {"Pow", fold_binary},
      {"Min", fold_binary},
      {"Max", fold_binary},
      {"Mod", fold_binary},
      {"Equal", fold_comparison},
      {"Less", fold_comparison},
      {"LessOrEqual", fold_comparison},
      {"Greater", fold_comparison},
      {"GreaterOrEqual", fold_comparison},
      {"And", fold_comparison},
      {"Or", fold_comparison},
      {"Xor", fold_comparison},
      {"Not", fold_not},
      {"Clip", fold_clip},
      {"Neg", fold_unary},
      {"Abs", fold_unary},
      {"Sqrt", fold_unary},
      {"Exp", fold_unary},
      {"Log", fold_unary},
      {"Floor", fold_unary},
      {"Ceil", fold_unary},
      {"Round", fold_unary},
      {"Reciprocal", fold_unary},
      {"Relu", fold_unary},
      {"Sigmoid", fold_unary},
      {"Tanh", fold_unary},
      {"Where", fold_where},
      {"Cast", fold_cast},
      {"CastLike", fold_cast},
  };
  const auto found = table.find(op);
  return found != table.end() ? found->second : nullptr;
}

}  // namespace octet::loaders::onnx
