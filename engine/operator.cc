#include "engine/operator.h"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <utility>

#include "engine/operator_table.h"

namespace octet {
namespace {

OperandCount operand_count(Op op, const Attributes& attributes) {
  OperandCount count = row_of(op).operands;
  if (const auto* layer = std::get_if<ConvAttributes>(&attributes)) {
    const int more = (layer->has_bias ? 1 : 0) + (layer->has_residual ? 1 : 0);
    count.least = static_cast<uint16_t>(count.least + more);
    count.most = static_cast<uint16_t>(count.most + more);
  }
  return count;
}

}  // namespace

const char* op_name(Op op) { return row_of(op).name; }

std::optional<Op> find_op(std::string_view name) {
  for (int i = 0; i < op_count; ++i) {
    if (name == op_name(static_cast<Op>(i))) return static_cast<Op>(i);
  }
  return std::nullopt;
}

bool has_float_form(Op op) { return row_of(op).has_float_form; }

bool is_exact_in_float(Op op) { return row_of(op).is_exact_in_float; }

bool is_function_of_one_value(Op op) { return kind_of(op) == Kind::function; }

std::size_t result_count(Op op) { return row_of(op).results; }

Attributes default_attributes(Op op) {
  Attributes attributes;
  [&]<std::size_t... index>(std::index_sequence<index...>) {
    ((index == row_of(op).attributes ? void(attributes.emplace<index>()) : void()), ...);
  }(std::make_index_sequence<std::variant_size_v<Attributes>>());
  return attributes;
}

int64_t element_count(std::span<const int32_t> shape) {
  int64_t count = 1;
  for (const int32_t extent : shape) count *= extent;
  return count;
}

std::string shape_text(std::span<const int32_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Expected<void> check_shape(std::span<const int32_t> shape) {
  if (shape.size() > static_cast<std::size_t>(kernels::max_rank)) {
    return fail("has rank " + std::to_string(shape.size()) + "; octet's tensors have at most " +
                std::to_string(kernels::max_rank));
  }
  int64_t count = 1;
  for (const int32_t extent : shape) {
    if (extent < 1) return fail("has the shape " + shape_text(shape) + ", with an extent below 1");
    count *= extent;
    if (count > max_elements)
      return fail("has the shape " + shape_text(shape) + ", which is too large");
  }
  return {};
}

Expected<std::vector<Shape>> infer_shapes(Op op, const Attributes& attributes,
                                          std::span<const Shape> inputs) {
  if (attributes.index() != row_of(op).attributes)
    return fail("has the attributes of another operator");
  const OperandCount operands = operand_count(op, attributes);
  if (inputs.size() < operands.least || inputs.size() > operands.most) {
    return fail("takes " + std::to_string(operands.least) + " operands, not " +
                std::to_string(inputs.size()));
  }
  for (const Shape& shape : inputs) {
    if (auto ok = check_shape(shape); !ok) return tl::unexpected(ok.error());
  }
  const auto shape = shape_by(row_of(op).shape, attributes, inputs);
  if (!shape) return tl::unexpected(shape.error());
  if (auto ok = check_shape(*shape); !ok) return tl::unexpected(ok.error());
  return std::vector<Shape>(result_count(op), *shape);
}

Expected<Shape> infer_shape(Op op, const Attributes& attributes, std::span<const Shape> inputs) {
  auto shapes = infer_shapes(op, attributes, inputs);
  if (!shapes) return tl::unexpected(shapes.error());
  assert(shapes->size() == 1);
  return std::move(shapes->front());
}

Expected<void> check_places(std::span<const int32_t> places, std::size_t depth, const Shape& shape,
                            bool from_end) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::size_t axis = i % depth;
    const int32_t extent = shape[axis];
    if (places[i] < extent && places[i] >= (from_end ? -extent : 0)) continue;
    char text[96];
    std::snprintf(text, sizeof(text), "takes place %d along axis %d, which has %d", places[i],
                  static_cast<int>(axis), extent);
    return fail(text);
  }
  return {};
}

bool average_pool_fits(const PoolAttributes& pool, const Shape& input) {
  // Padding adds nothing to the sum, so only taps inside the image count.
  const auto most_taps = [](int32_t extent, int32_t kernel, int32_t dilation) {
    return std::min(int64_t{kernel}, (int64_t{extent} - 1) / dilation + 1);
  };
  const Window& w = pool.window;
  const int64_t pixels =
      most_taps(input[1], w.kernel_h, w.dilation_h) * most_taps(input[2], w.kernel_w, w.dilation_w);
  return pixels * 255 <= std::numeric_limits<int32_t>::max();
}

bool is_depthwise(Op op, const ConvAttributes& layer, int32_t inputs, int32_t outputs) {
  return op == Op::conv2d && layer.groups == inputs && layer.groups == outputs;
}

int64_t count_macs(Op op, std::span<const Shape> inputs, const Shape& output) {
  if (op == Op::conv2d) return element_count(output) * inputs[1][1] * inputs[1][2] * inputs[1][3];
  if (op == Op::linear) return element_count(output) * inputs[1][1];
  return 0;
}

}  // namespace octet
