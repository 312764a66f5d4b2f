// Operators that give values another shape or another order of axes.
#include <algorithm>

#include "loaders/onnx/fold.h"
#include "loaders/onnx/operators.h"
#include "loaders/onnx/static_shape.h"

namespace octet::loaders::onnx {

void load_reshape(Builder& builder, const Node& node) {
  const Value x = builder.any_operand(node, 0);
  const Dims from(x.shape.begin(), x.shape.end());
  const auto input = [&](const char* what) -> const Constant* {
    return node.has_input(1) ? &builder.required_constant(node, 1, what) : nullptr;
  };
  Dims to;
  if (node.op() == "Reshape") {
    const Constant& shape = builder.required_constant(node, 1, "its shape");
    if (shape.is_float()) node.fail("has a shape that is no integers");
    to = reshaped_dims(node, from, shape.integers);
  } else if (node.op() == "Flatten") {
    to = flattened_dims(node, from);
  } else if (node.op() == "Squeeze") {
    to = squeezed_dims(node, from, axes_of(node, input("its axes")));
  } else {
    to = unsqueezed_dims(node, from, axes_of(node, input("its axes")));
  }
  builder.finish(node, builder.reshaped(node, x, shape_of(to, node.where() + "its result ")));
}

void load_transpose(Builder& builder, const Node& node) {
  const Value x = builder.any_operand(node, 0);
  builder.finish(node, builder.transposed(x, permutation_of(node, x.shape.size())));
}

namespace {

int32_t block_size(const Node& node) {
  const int64_t size = node.required_integer("blocksize");
  if (size < 1 || size > 1 << 10) node.fail("has a blocksize out of range");
  return static_cast<int32_t>(size);
}

// Splits [N, H, W, C] into six axes, permutes them, and joins them as [N, h, w, c]. N and H share
// an axis, because the rank is at most 6.
Value move_blocks(Builder& builder, const Node& node, const Value& x, const Shape& split,
                  const std::vector<int32_t>& order, const Shape& image) {
  const AxisOrder axes = identity_order(split.size());
  const Value parts =
      builder.emit(node, Op::reshape, ReshapeAttributes{split}, {x.id}, axes, ".blocks");
  const Value moved =
      builder.emit(node, Op::transpose, TransposeAttributes{order}, {parts.id}, axes, ".moved");
  return builder.emit(node, Op::reshape, ReshapeAttributes{image}, {moved.id},
                      channels_last_order(4));
}

}  // namespace

void load_depth_to_space(Builder& builder, const Node& node) {
  const Value x = builder.order_image(node, 0);
  const int32_t b = block_size(node);
  const Shape s = builder.graph().tensor(x.id).shape;
  const std::string mode = node.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") node.fail("has the unknown mode '" + mode + "'");
  if (s[3] % (b * b) != 0)
    node.fail("has " + std::to_string(s[3]) + " channels, which are no multiple of its block");
  const int32_t c = s[3] / (b * b);
  const Shape image = {s[0], s[1] * b, s[2] * b, c};
  const bool depth_first = mode == "DCR";
  const Shape split =
      depth_first ? Shape{s[0] * s[1], s[2], b, b, c} : Shape{s[0] * s[1], s[2], c, b, b};
  const std::vector<int32_t> order =
      depth_first ? std::vector<int32_t>{0, 2, 1, 3, 4} : std::vector<int32_t>{0, 3, 1, 4, 2};
  builder.finish(node, move_blocks(builder, node, x, split, order, image));
}

void load_space_to_depth(Builder& builder, const Node& node) {
  const Value x = builder.order_image(node, 0);
  const int32_t b = block_size(node);
  const Shape s = builder.graph().tensor(x.id).shape;
  if (s[1] % b != 0 || s[2] % b != 0) node.fail("has a size that is no multiple of its block");
  const Shape split = {s[0] * s[1] / b, b, s[2] / b, b, s[3]};
  const Shape image = {s[0], s[1] / b, s[2] / b, s[3] * b * b};
  builder.finish(node, move_blocks(builder, node, x, split, {0, 2, 1, 3, 4}, image));
}

}  // namespace octet::loaders::onnx
