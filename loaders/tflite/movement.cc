// Operators that join, pad and split parts of tensors.
#include <algorithm>
#include <cmath>

#include "loaders/tflite/operators.h"
#include "loaders/tflite/options.h"
#include "loaders/tflite/positions.h"

namespace octet::loaders::tflite {

using graph::TensorId;

namespace {

// Takes `count` positions from `begin` on along one axis, backwards if `stride` is -1.
TensorId emit_part(Builder& builder, const Node& node, TensorId x, int32_t axis, int64_t begin,
                   int64_t count, int32_t stride, const std::string& suffix) {
  if (count < 1) node.missing("that leaves nothing of its operand");
  const Shape& shape = builder.shape(x);
  SliceAttributes a{.begin = std::vector<int32_t>(shape.size(), 0),
                    .stride = std::vector<int32_t>(shape.size(), 1),
                    .count = shape};
  const auto at = static_cast<std::size_t>(axis);
  a.begin[at] = static_cast<int32_t>(begin);
  a.stride[at] = stride;
  a.count[at] = static_cast<int32_t>(count);
  return builder.emit_moved(node, Op::slice, std::move(a), x, suffix);
}

// Joins the parts. Indices stay indices, and the parts may have different scales.
TensorId emit_concat(Builder& builder, const Node& node, std::vector<TensorId> parts, int32_t axis,
                     const std::string& suffix = "") {
  const Type type = builder.graph().tensor(parts[0]).type;
  for (const TensorId part : parts) {
    if (builder.graph().tensor(part).type != type) node.fail("joins indices with other values");
  }
  const TensorId y =
      builder.emit(node, Op::concat, AxisAttributes{.axis = axis}, std::move(parts), suffix);
  builder.graph().tensor(y).type = type;
  return y;
}

}  // namespace

void load_concatenation(Builder& builder, const Node& node) {
  const auto& o = node.options<format::ConcatenationOptions>();
  std::vector<TensorId> parts;
  for (std::size_t i = 0; i < node.input_count(); ++i)
    parts.push_back(builder.any_operand(node, i));
  if (parts.empty()) node.fail("joins nothing");
  const int32_t axis = node.axis(o.axis(), builder.shape(parts[0]).size());
  const Bounds bounds = bounds_of(node, o.fused_activation());
  if (!bounds.bounded()) return builder.finish(node, emit_concat(builder, node, parts, axis));
  const TensorId joined = emit_concat(builder, node, parts, axis, ".joined");
  // With the scale of the result, the activation only clips.
  if (!node.output_tensor().scale.empty())
    builder.graph().tensor(joined).quantization = quantization_of_result(node.output_tensor());
  builder.finish(node, builder.emit(node, Op::clip, ClipAttributes{bounds}, {joined}));
}

void load_pack(Builder& builder, const Node& node) {
  std::vector<TensorId> parts;
  if (node.input_count() == 0) node.fail("joins nothing");
  check_count(node, node.options<format::PackOptions>().values_count(), node.input_count());
  const std::size_t rank = builder.shape(builder.any_operand(node, 0)).size();
  const int32_t axis = node.axis(node.options<format::PackOptions>().axis(), rank + 1);
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    const TensorId x = builder.any_operand(node, i);
    Shape shape = builder.shape(x);
    if (shape.size() != rank) node.fail("joins tensors of different ranks");
    shape.insert(shape.begin() + axis, 1);
    parts.push_back(builder.reshaped(node, x, shape, ".part" + std::to_string(i)));
  }
  builder.finish(node, emit_concat(builder, node, std::move(parts), axis));
}

namespace {

struct AxisPadding {
  int32_t before = 0;
  int32_t after = 0;
};

std::vector<AxisPadding> read_padding(Builder& builder, const Node& node, std::size_t rank) {
  const std::vector<int64_t>& pads = builder.integers(node, 1, "its paddings");  // [rank, 2]
  if (pads.size() != 2 * rank) node.fail("has paddings of another rank than its operand");
  std::vector<AxisPadding> out;
  for (std::size_t i = 0; i < rank; ++i) {
    if (std::min(pads[2 * i], pads[2 * i + 1]) < 0 ||
        std::max(pads[2 * i], pads[2 * i + 1]) > 1 << 15)
      node.fail("has paddings out of range");
    out.push_back({static_cast<int32_t>(pads[2 * i]), static_cast<int32_t>(pads[2 * i + 1])});
  }
  return out;
}

// Returns the value that pads whole numbers, as a float, which is the type of octet's pad values.
float whole_value(const Node& node, const Constant& value) {
  if (value.is_float) node.fail("pads integers with a number that is none");
  const auto number = static_cast<float>(value.integers[0]);
  if (std::abs(number) > 0x1p24F) node.missing("with integers beyond 24 bits");
  return number;
}

}  // namespace

void load_pad(Builder& builder, const Node& node) {
  const TensorId x = builder.any_operand(node, 0);
  PadAttributes a;
  for (const AxisPadding& p : read_padding(builder, node, builder.shape(x).size())) {
    a.before.push_back(p.before);
    a.after.push_back(p.after);
  }
  if (node.has_input(2)) {
    const Constant& value = builder.required_constant(node, 2, "its value");
    if (value.size() != 1) node.fail("has a value that is no single number");
    a.value =
        builder.is_whole(node, 0) ? whole_value(node, value) : builder.real_beside(node, value, 0);
  }
  builder.finish(node, builder.emit_moved(node, Op::pad, std::move(a), x));
}

void load_mirror_pad(Builder& builder, const Node& node) {
  TensorId x = builder.any_operand(node, 0);
  const bool symmetric =
      node.options<format::MirrorPadOptions>().mode() == format::MirrorPadMode::SYMMETRIC;
  const std::size_t rank = builder.shape(x).size();
  const std::vector<AxisPadding> padding = read_padding(builder, node, rank);
  for (std::size_t i = 0; i < rank; ++i) {
    const AxisPadding& p = padding[i];
    if (p.before == 0 && p.after == 0) continue;
    const auto axis = static_cast<int32_t>(i);
    const int32_t extent = builder.shape(x)[i];
    // Symmetric padding repeats the edge itself, too.
    const int32_t skipped = symmetric ? 0 : 1;
    if (std::max(p.before, p.after) > extent - skipped)
      node.fail("mirrors more than its operand has");
    const std::string suffix = ".axis" + std::to_string(axis);
    std::vector<TensorId> parts;
    if (p.before > 0) {
      parts.push_back(
          emit_part(builder, node, x, axis, p.before - 1 + skipped, p.before, -1, suffix));
    }
    parts.push_back(x);
    if (p.after > 0)
      parts.push_back(emit_part(builder, node, x, axis, extent - 1 - skipped, p.after, -1, suffix));
    const auto scale = builder.graph().tensor(x).quantization;
    x = emit_concat(builder, node, std::move(parts), axis, suffix);
    builder.graph().tensor(x).quantization = scale;
  }
  builder.finish(node, x);
}

namespace {

void split(Builder& builder, const Node& node, TensorId x, int32_t axis,
           const std::vector<int64_t>& sizes) {
  int64_t begin = 0;
  const int64_t extent = builder.shape(x)[static_cast<std::size_t>(axis)];
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 0 || sizes[i] > extent - begin) node.fail("splits more than there is");
    builder.finish(
        node, emit_part(builder, node, x, axis, begin, sizes[i], 1, "." + std::to_string(i)), i);
    begin += sizes[i];
  }
  if (begin != extent) node.fail("splits less than there is");
}

int32_t split_axis(Builder& builder, const Node& node, std::size_t index, TensorId x) {
  const std::vector<int64_t>& axis = builder.integers(node, index, "its axis");
  if (axis.size() != 1) node.fail("has no single axis");
  return node.axis(axis[0], builder.shape(x).size());
}

}  // namespace

void load_split(Builder& builder, const Node& node) {
  const TensorId x = builder.any_operand(node, 1);
  const int32_t axis = split_axis(builder, node, 0, x);
  const auto parts = static_cast<int32_t>(node.output_count());
  const int32_t extent = builder.shape(x)[static_cast<std::size_t>(axis)];
  if (parts < 1 || extent % parts != 0 ||
      node.options<format::SplitOptions>().num_splits() != parts)
    node.fail("has a number of parts that does not divide its axis");
  split(builder, node, x, axis,
        std::vector<int64_t>(static_cast<std::size_t>(parts), extent / parts));
}

void load_split_v(Builder& builder, const Node& node) {
  const TensorId x = builder.any_operand(node, 0);
  const int32_t axis = split_axis(builder, node, 2, x);
  std::vector<int64_t> sizes = builder.integers(node, 1, "its sizes");
  if (sizes.size() != node.output_count()) node.fail("has sizes for another number of outputs");
  if (const auto* o = node.find_options<format::SplitVOptions>())
    check_count(node, o->num_splits(), node.output_count());
  // One size may be -1: it takes what the others leave.
  const auto open = std::ranges::find(sizes, -1);
  if (open != sizes.end()) {
    int64_t rest = builder.shape(x)[static_cast<std::size_t>(axis)];
    for (const int64_t size : sizes) rest -= std::clamp<int64_t>(size, 0, 1 << 30);
    *open = rest;
  }
  split(builder, node, x, axis, sizes);
}

void load_unpack(Builder& builder, const Node& node) {
  const auto& o = node.options<format::UnpackOptions>();
  const TensorId x = builder.any_operand(node, 0);
  Shape shape = builder.shape(x);
  const int32_t axis = node.axis(o.axis(), shape.size());
  check_count(node, o.num(), node.output_count());
  if (o.num() != shape[static_cast<std::size_t>(axis)])
    node.fail("has another number of parts than its operand has along axis " +
              std::to_string(axis));
  shape.erase(shape.begin() + axis);
  for (int32_t i = 0; i < o.num(); ++i) {
    const std::string suffix = "." + std::to_string(i);
    const TensorId part = emit_part(builder, node, x, axis, i, 1, 1, suffix + ".part");
    builder.finish(node, builder.reshaped(node, part, shape, suffix), static_cast<std::size_t>(i));
  }
}

}  // namespace octet::loaders::tflite
