// Whole numbers: their arithmetic, in 64 bits, and operators that take values at indices.
#include <stdexcept>

#include "tests/tflite/evaluator_call.h"

namespace octet::test {

using Code = tflite::BuiltinOperator;

bool is_whole(const TensorRecord& tensor) {
  return tensor.type == tflite::TensorType::INT32 || tensor.type == tflite::TensorType::INT64;
}

namespace {

int64_t computed(Code code, int64_t a, int64_t b) {
  if (code == Code::ADD) return a + b;
  if (code == Code::SUB) return a - b;
  if (code == Code::MUL) return a * b;
  if (b == 0) throw std::runtime_error("a division by 0");
  if (code == Code::DIV) return a / b;
  const int64_t rest = a % b;
  const bool turns = rest != 0 && (rest < 0) != (b < 0);
  if (code == Code::FLOOR_MOD) return turns ? rest + b : rest;
  return a / b - (turns ? 1 : 0);
}

// Returns a place along the first axes of `x`: one axis for each number of the place.
Extents place_in(const Extents& x, const Doubles& place) {
  Extents at;
  for (std::size_t i = 0; i < place.size(); ++i) {
    if (place[i] < 0 || place[i] >= x[i]) throw std::runtime_error("a place outside");
    at.push_back(static_cast<int32_t>(place[i]));
  }
  return at;
}

}  // namespace

Doubles whole_binary(const Call& call) {
  const bool wraps = call.result().type == tflite::TensorType::INT32;
  return binary(call, tflite::Activation::NONE, [&](double a, double b) {
    const int64_t y = computed(call.record.code, static_cast<int64_t>(a), static_cast<int64_t>(b));
    return static_cast<double>(wraps ? static_cast<int32_t>(y) : y);
  });
}

// A cast from bytes takes the numbers of the bytes. In float, where nothing is rounded, they may
// lie between whole numbers, but not beyond those of bytes. A cast from floats to whole numbers
// rounds towards 0.
Doubles cast(const Call& call) {
  const TensorRecord& x = call.tensor(call.record.inputs[0]);
  const double low = x.type == tflite::TensorType::INT8 ? -128 : 0;
  const bool truncates = is_whole(call.result());
  return unary(call, [&](double real) {
    double number = real;
    if (!x.scale.empty()) {
      number = real / double{x.scale[0]} + static_cast<double>(x.zero_point[0]);
      number = std::clamp(number, low, low + 255);
    }
    return truncates ? std::clamp(std::trunc(number), -2147483648.0, 2147483647.0) : number;
  });
}

Doubles gather_nd(const Call& call) {
  const auto depth = static_cast<std::size_t>(call.shape(1).back());
  const auto outer = static_cast<std::ptrdiff_t>(call.shape(1).size()) - 1;
  Doubles out;
  for_each_position(call.output_shape(), [&](const Extents& at) {
    Extents which(at.begin(), at.begin() + outer);
    Doubles place;
    for (std::size_t i = 0; i < depth; ++i) {
      which.push_back(static_cast<int32_t>(i));
      place.push_back(broadcast_at(call.operand(1), call.shape(1), which));
      which.pop_back();
    }
    Extents from = place_in(call.shape(0), place);
    from.insert(from.end(), at.begin() + outer, at.end());
    out.push_back(broadcast_at(call.operand(0), call.shape(0), from));
  });
  return out;
}

Doubles gather(const Call& call) {
  const int32_t given = call.options<tflite::GatherOptions>().axis();
  const auto axis = given < 0 ? given + static_cast<int32_t>(call.shape(0).size()) : given;
  const auto end = axis + static_cast<int32_t>(call.shape(1).size());
  Doubles out;
  for_each_position(call.output_shape(), [&](const Extents& at) {
    const double index =
        broadcast_at(call.operand(1), call.shape(1), Extents(at.begin() + axis, at.begin() + end));
    Extents from(at.begin(), at.begin() + axis);
    from.push_back(place_in({call.shape(0)[static_cast<std::size_t>(axis)]}, {index})[0]);
    from.insert(from.end(), at.begin() + end, at.end());
    out.push_back(broadcast_at(call.operand(0), call.shape(0), from));
  });
  return out;
}

}  // namespace octet::test
