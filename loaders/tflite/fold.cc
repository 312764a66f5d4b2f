#include "loaders/tflite/fold.h"

#include <algorithm>
#include <limits>

namespace octet::loaders::tflite {

using Code = format::BuiltinOperator;

const Constant& input_of(const Node& node, ConstantInputs inputs, std::size_t index) {
  if (index >= inputs.size() || inputs[index] == nullptr)
    node.fail("has no input " + std::to_string(index) + ", which it needs");
  return *inputs[index];
}

const std::vector<int64_t>& integers_of(const Node& node, ConstantInputs inputs,
                                        std::size_t index) {
  const Constant& input = input_of(node, inputs, index);
  if (input.is_float) node.fail("has floats where it takes integers");
  return input.integers;
}

std::size_t checked_count(const Node& node, ConstantInputs inputs, const Shape& shape) {
  constexpr std::size_t always_fine = std::size_t{1} << 22;
  std::size_t given = 0;
  for (const Constant* input : inputs) given += input != nullptr ? input->size() : 0;
  const std::size_t most = std::max(always_fine, given);
  std::size_t count = 1;
  for (const int32_t extent : shape) {
    if (extent < 0) node.fail("makes a constant of the shape " + shape_text(shape));
    count *= static_cast<std::size_t>(extent);
    if (count > most) node.fail("makes a constant that is too large");
  }
  return count;
}

double value_at(const Constant& constant, std::size_t i) {
  return constant.is_float ? static_cast<double>(constant.floats[i])
                           : static_cast<double>(constant.integers[i]);
}

Shape broadcast_shape(const Node& node, const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int32_t ea = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int32_t eb = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (ea != eb && ea != 1 && eb != 1) {
      node.fail("takes operands " + shape_text(a) + " and " + shape_text(b) +
                ", which do not fit each other");
    }
    out[out.size() - 1 - i] = ea == 1 ? eb : ea;
  }
  return out;
}

std::vector<std::size_t> broadcast_source(const Shape& from, const Shape& to) {
  std::size_t count = 1;
  for (const int32_t extent : to) count *= static_cast<std::size_t>(extent);
  std::vector<std::size_t> source;
  source.reserve(count);
  const std::size_t first = to.size() - from.size();
  std::vector<int32_t> position(to.size(), 0);
  for (std::size_t n = 0; n < count; ++n) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < from.size(); ++i) {
      at = at * static_cast<std::size_t>(from[i]) +
           static_cast<std::size_t>(from[i] == 1 ? 0 : position[first + i]);
    }
    source.push_back(at);
    for (std::size_t axis = to.size(); axis-- > 0;) {
      if (++position[axis] < to[axis]) break;
      position[axis] = 0;
    }
  }
  return source;
}

namespace {

struct ByteScale {
  float scale = 0;
  int32_t zero_point = 0;

  bool operator==(const ByteScale&) const = default;
};

ByteScale scale_at(const ElementSource& element) {
  const QuantizedValues& q = *element.constant->quantized;
  std::size_t inner = 1;
  const Shape& shape = element.constant->shape;
  for (std::size_t i = static_cast<std::size_t>(q.axis) + 1; i < shape.size(); ++i)
    inner *= static_cast<std::size_t>(shape[i]);
  const std::size_t s = q.scale.size() == 1 ? 0 : element.index / inner % q.scale.size();
  return {q.scale[s], q.zero_point[s]};
}

// Returns the scale of each position along `axis`; empty if a position has several scales.
std::vector<ByteScale> scales_along(const Shape& shape, std::size_t axis,
                                    std::span<const ByteScale> scales) {
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < shape.size(); ++i) inner *= static_cast<std::size_t>(shape[i]);
  const auto extent = static_cast<std::size_t>(shape[axis]);
  std::vector<ByteScale> out(extent);
  for (std::size_t i = 0; i < scales.size(); ++i) {
    ByteScale& known = out[i / inner % extent];
    if (i < extent * inner && i % inner == 0) known = scales[i];
    if (known != scales[i]) return {};
  }
  return out;
}

std::optional<QuantizedValues> quantized_elements(const Shape& shape,
                                                  std::span<const ElementSource> elements) {
  const bool all_bytes = !elements.empty() && std::ranges::all_of(elements, [](const auto& e) {
    return e.constant->quantized.has_value();
  });
  if (!all_bytes) return std::nullopt;
  QuantizedValues out;
  std::vector<ByteScale> scales;
  for (const ElementSource& e : elements) {
    out.values.push_back(e.constant->quantized->values[e.index]);
    scales.push_back(scale_at(e));
  }
  std::vector<ByteScale> along(1, scales[0]);
  if (std::ranges::any_of(scales, [&](const ByteScale& s) { return s != scales[0]; })) {
    along.clear();
    for (std::size_t axis = 0; axis < shape.size() && along.empty(); ++axis) {
      along = scales_along(shape, axis, scales);
      out.axis = static_cast<int32_t>(axis);
    }
    if (along.empty()) return std::nullopt;
  }
  for (const ByteScale& s : along) {
    out.scale.push_back(s.scale);
    out.zero_point.push_back(s.zero_point);
  }
  return out;
}

// SHAPE and RANK need no value of their operand. Its shape is known, or it is the file's if the
// file gives all extents.
bool fold_shape(Builder& builder, const Node& node) {
  const std::optional<Shape> shape = builder.known_shape(node, 0);
  if (!shape) return false;
  Constant out{.is_float = false};
  if (node.code() == Code::RANK) {
    out.integers = {static_cast<int64_t>(shape->size())};
  } else {
    out.shape = {static_cast<int32_t>(shape->size())};
    out.integers.assign(shape->begin(), shape->end());
  }
  builder.set_constant(node.output(), std::move(out));
  return true;
}

}  // namespace

Constant take(const Shape& shape, std::span<const ElementSource> elements) {
  Constant out{.shape = shape};
  out.is_float = elements.empty() ? false : elements[0].constant->is_float;
  for (const ElementSource& e : elements) {
    if (out.is_float) {
      out.floats.push_back(static_cast<float>(value_at(*e.constant, e.index)));
    } else {
      out.integers.push_back(e.constant->integers[e.index]);
    }
  }
  out.quantized = quantized_elements(shape, elements);
  return out;
}

bool fold(Builder& builder, const Node& node) {
  if (node.code() == Code::SHAPE || node.code() == Code::RANK) return fold_shape(builder, node);
  Fold compute = find_movement_fold(node.code());
  if (compute == nullptr) {
    // Arithmetic of bytes rounds to the scale of the result, which only an operator of the model
    // does.
    if (node.output_count() == 0 || is_byte_type(node.output_tensor().type)) return false;
    compute = find_arithmetic_fold(node.code());
  }
  if (compute == nullptr || node.input_count() == 0) return false;
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    if (node.has_input(i) && !builder.is_constant(node.input(i))) return false;
  }
  std::vector<const Constant*> inputs;
  for (std::size_t i = 0; i < node.input_count(); ++i) inputs.push_back(builder.constant(node, i));
  std::vector<Constant> results = compute(node, inputs);
  for (std::size_t i = 0; i < results.size() && i < node.output_count(); ++i)
    builder.set_constant(node.output(i), std::move(results[i]));
  return true;
}

}  // namespace octet::loaders::tflite
