// Operators that give values another shape or another order of axes.
#include <algorithm>

#include "loaders/tflite/operators.h"
#include "loaders/tflite/positions.h"

namespace octet::loaders::tflite {

using graph::TensorId;

void check_count(const Node& node, int32_t said, std::size_t tensors) {
  if (said >= 0 && static_cast<std::size_t>(said) == tensors) return;
  node.fail("says that it has " + std::to_string(said) + " parts, and has " +
            std::to_string(tensors));
}

Shape reshape_shape(const Node& node, std::vector<int64_t> wanted, int64_t elements) {
  const auto open = std::ranges::find(wanted, -1);
  if (open != wanted.end()) {
    int64_t others = 1;
    for (const int64_t extent : wanted) {
      if (extent != -1) others *= std::clamp<int64_t>(extent, 0, 1 << 30);
      if (others > elements || others == 0) break;
    }
    if (others < 1 || elements % others != 0)
      node.fail("has a shape that does not hold its operand's " + std::to_string(elements) +
                " values");
    *open = elements / others;
  }
  Shape shape;
  for (const int64_t extent : wanted)
    shape.push_back(static_cast<int32_t>(std::clamp<int64_t>(extent, -1, 1 << 30)));
  return shape;
}

Shape squeezed_shape(const Node& node, const Shape& from) {
  std::vector<bool> gone(from.size(), false);
  const auto* o = node.find_options<format::SqueezeOptions>();
  if (o != nullptr && o->squeeze_dims() != nullptr && o->squeeze_dims()->size() > 0) {
    for (const int32_t given : *o->squeeze_dims()) {
      const auto axis = static_cast<std::size_t>(node.axis(given, from.size()));
      if (from[axis] != 1) node.fail("squeezes an axis whose extent is not 1");
      gone[axis] = true;
    }
  } else {
    for (std::size_t i = 0; i < from.size(); ++i) gone[i] = from[i] == 1;
  }
  Shape shape;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!gone[i]) shape.push_back(from[i]);
  }
  return shape;
}

namespace {

// Returns the shape that the operand or the options give. If the operand is computed, and octet
// cannot compute it while it converts, returns the shape of the result in the file.
std::vector<int64_t> wanted_shape(Builder& builder, const Node& node) {
  if (node.has_input(1)) {
    if (builder.constant(node, 1) != nullptr) return builder.integers(node, 1, "its shape");
  } else if (const auto* o = node.find_options<format::ReshapeOptions>();
             o != nullptr && o->new_shape() != nullptr) {
    return {o->new_shape()->begin(), o->new_shape()->end()};
  }
  const Shape shape = builder.firm_result_shape(node, 1, "its shape");
  return {shape.begin(), shape.end()};
}

}  // namespace

void load_reshape(Builder& builder, const Node& node) {
  const TensorId x = builder.any_operand(node, 0);
  const int64_t elements = element_count(builder.shape(x));
  const Shape shape = reshape_shape(node, wanted_shape(builder, node), elements);
  builder.finish(node, builder.reshaped(node, x, shape));
}

void load_squeeze(Builder& builder, const Node& node) {
  const TensorId x = builder.any_operand(node, 0);
  const Shape shape = squeezed_shape(node, builder.shape(x));
  builder.finish(node, builder.reshaped(node, x, shape));
}

void load_expand_dims(Builder& builder, const Node& node) {
  const TensorId x = builder.any_operand(node, 0);
  const std::vector<int64_t>& axis = builder.integers(node, 1, "its axis");
  if (axis.size() != 1) node.fail("has no single axis");
  Shape shape = builder.shape(x);
  shape.insert(shape.begin() + node.axis(axis[0], shape.size() + 1), 1);
  builder.finish(node, builder.reshaped(node, x, shape));
}

void load_transpose(Builder& builder, const Node& node) {
  const TensorId x = builder.any_operand(node, 0);
  TransposeAttributes a;
  for (const int64_t axis : builder.integers(node, 1, "its order of axes"))
    a.permutation.push_back(node.axis(axis, builder.shape(x).size()));
  builder.finish(node, builder.emit_moved(node, Op::transpose, std::move(a), x));
}

namespace {

int32_t checked_block(const Node& node, int32_t size) {
  if (size < 1 || size > 1 << 10) node.fail("has a block size out of range");
  return size;
}

// Splits [N, H, W, C] into five axes, with N and H as one, permutes them, and joins them as [N, h,
// w, c].
void move_blocks(Builder& builder, const Node& node, TensorId x, const Shape& split,
                 const Shape& image) {
  const TensorId parts = builder.reshaped(node, x, split, ".blocks");
  const TensorId moved = builder.emit_moved(node, Op::transpose,
                                            TransposeAttributes{{0, 2, 1, 3, 4}}, parts, ".moved");
  builder.finish(node, builder.reshaped(node, moved, image));
}

}  // namespace

void load_depth_to_space(Builder& builder, const Node& node) {
  const int32_t b = checked_block(node, node.options<format::DepthToSpaceOptions>().block_size());
  const TensorId x = builder.moved_image(node, 0);
  const Shape s = builder.shape(x);
  if (s[3] % (b * b) != 0) {
    node.fail("has " + std::to_string(s[3]) + " channels, which are no multiple of its block");
  }
  const int32_t c = s[3] / (b * b);
  move_blocks(builder, node, x, {s[0] * s[1], s[2], b, b, c}, {s[0], s[1] * b, s[2] * b, c});
}

void load_space_to_depth(Builder& builder, const Node& node) {
  const int32_t b = checked_block(node, node.options<format::SpaceToDepthOptions>().block_size());
  const TensorId x = builder.moved_image(node, 0);
  const Shape s = builder.shape(x);
  if (s[1] % b != 0 || s[2] % b != 0) node.fail("has a size that is no multiple of its block");
  move_blocks(builder, node, x, {s[0] * s[1] / b, b, s[2] / b, b, s[3]},
              {s[0], s[1] / b, s[2] / b, s[3] * b * b});
}

}  // namespace octet::loaders::tflite
