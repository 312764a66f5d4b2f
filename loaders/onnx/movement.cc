// Operators that cut out, join and pad parts of tensors.
#include <algorithm>

#include "loaders/onnx/operators.h"
#include "loaders/onnx/static_shape.h"
#include "loaders/slice_range.h"

namespace octet::loaders::onnx {

using graph::TensorId;

namespace {

SliceAttributes whole(Builder& builder, const Value& x) {
  const Shape& stored = builder.graph().tensor(x.id).shape;
  return {.begin = std::vector<int32_t>(stored.size(), 0),
          .stride = std::vector<int32_t>(stored.size(), 1),
          .count = stored};
}

// Restricts one logical axis to one range.
void restrict(const Node& node, const Value& x, int32_t axis, const SliceRange& range,
              SliceAttributes& slice) {
  if (range.count < 1) node.missing("that leaves nothing of its operand");
  const auto at = static_cast<std::size_t>(stored_axis(x.order, axis));
  slice.begin[at] = static_cast<int32_t>(range.begin);
  slice.stride[at] = static_cast<int32_t>(range.stride);
  slice.count[at] = static_cast<int32_t>(range.count);
}

// Adds a node whose output has the type of its operand: indices stay indices.
Value emit_moved(Builder& builder, const Node& node, Op op, Attributes attributes, const Value& x,
                 const std::string& suffix = "") {
  const Type type = builder.graph().tensor(x.id).type;
  const Value y = builder.emit(node, op, std::move(attributes), {x.id}, x.order, suffix);
  builder.graph().tensor(y.id).type = type;
  return y;
}

Value emit_slice(Builder& builder, const Node& node, const Value& x, int32_t axis,
                 const SliceRange& range, const std::string& suffix = "") {
  SliceAttributes slice = whole(builder, x);
  restrict(node, x, axis, range, slice);
  return emit_moved(builder, node, Op::slice, std::move(slice), x, suffix);
}

Value emit_concat(Builder& builder, const Node& node, const std::vector<Value>& values,
                  int32_t axis, const std::string& suffix = "") {
  // All operands are stored in the order of the first activation.
  const auto computed = [&](const Value& v) { return !builder.graph().tensor(v.id).is_constant(); };
  const auto first = std::ranges::find_if(values, computed);
  const AxisOrder order = (first != values.end() ? *first : values[0]).order;
  std::vector<TensorId> inputs;
  for (const Value& value : values) {
    if (value.order.size() != order.size()) node.fail("joins tensors of different ranks");
    inputs.push_back(builder.stored_as(value, order).id);
  }
  const Type type = builder.graph().tensor(inputs[0]).type;
  const Value y = builder.emit(node, Op::concat, AxisAttributes{.axis = stored_axis(order, axis)},
                               std::move(inputs), order, suffix);
  builder.graph().tensor(y.id).type = type;
  return y;
}

}  // namespace

namespace {

// Returns the operands of a concat of bytes. The bytes of a constant stand for reals with the scale
// of the computed operands.
std::vector<Value> bytes_of_one_scale(Builder& builder, const Node& node) {
  std::size_t computed = 0;
  while (builder.constant(node, computed) != nullptr) ++computed;
  const std::string& first = node.input(computed);
  const auto scale = builder.graph().tensor(builder.order_operand(node, computed).id).quantization;
  std::vector<Value> values;
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    const std::string& name = node.input(i);
    if (!builder.is_bytes(name) || builder.byte_type(name) != builder.byte_type(first))
      node.fail("joins '" + name + "' with '" + first + "', which is of another type");
    if (const Constant* constant = builder.constant(node, i)) {
      const Shape shape = shape_of(constant->dims, node.where() + "its operand '" + name + "' ");
      std::vector<float> reals;
      for (const int64_t byte : constant->integers)
        reals.push_back(builder.real_of_byte(node, byte, computed));
      const TensorId id =
          builder.add_floats(node, ".bytes" + std::to_string(i), shape, std::move(reals));
      builder.graph().tensor(id).quantization = scale;
      values.push_back({.id = id, .shape = shape, .order = identity_order(shape.size())});
      continue;
    }
    values.push_back(builder.order_operand(node, i));
    if (builder.graph().tensor(values.back().id).quantization != scale) {
      node.missing("of bytes with several scales ('" + first + "' and '" + name +
                   "'); dequantize them first");
    }
  }
  return values;
}

}  // namespace

void load_concat(Builder& builder, const Node& node) {
  if (node.input_count() == 0) node.fail("joins nothing");
  std::vector<Value> values;
  bool has_bytes = false;
  bool has_whole = false;
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    has_bytes = has_bytes || builder.is_bytes(node.input(i));
    has_whole = has_whole || builder.is_whole(node, i);
  }
  if (has_bytes) {
    values = bytes_of_one_scale(builder, node);
  } else {
    for (std::size_t i = 0; i < node.input_count(); ++i)
      values.push_back(has_whole ? builder.whole_operand(node, i) : builder.operand(node, i));
  }
  const int32_t axis = node.axis(node.required_integer("axis"), values[0].shape.size());
  const Value y = emit_concat(builder, node, values, axis);
  if (has_bytes) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (builder.constant(node, i) != nullptr) continue;
      builder.graph().tensor(y.id).quantization = builder.graph().tensor(values[i].id).quantization;
    }
  }
  builder.finish(node, y);
}

void load_split(Builder& builder, const Node& node) {
  const Value x = builder.any_operand(node, 0);
  const int32_t axis = node.axis(node.integer("axis", 0), x.shape.size());
  const int64_t extent = x.shape[static_cast<std::size_t>(axis)];
  const Constant* given =
      node.has_input(1) ? &builder.required_constant(node, 1, "its sizes") : nullptr;
  const Dims sizes = splits_of(node, given, extent);
  int64_t begin = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (node.has_output(i)) {
      const Value part =
          emit_slice(builder, node, x, axis, {.begin = begin, .stride = 1, .count = sizes[i]},
                     "." + std::to_string(i));
      builder.finish(node, part, i);
    }
    begin += sizes[i];
  }
}

void load_slice(Builder& builder, const Node& node) {
  const Value x = builder.any_operand(node, 0);
  std::vector<const Constant*> inputs;
  for (std::size_t i = 1; i < node.input_count(); ++i) {
    inputs.push_back(node.has_input(i) ? &builder.required_constant(node, i, "its positions")
                                       : nullptr);
  }
  SliceAttributes attributes = whole(builder, x);
  for (const AxisSlice& slice : slices_of(node, inputs, x.shape.size())) {
    const int64_t extent = x.shape[static_cast<std::size_t>(slice.axis)];
    restrict(node, x, slice.axis, slice_range(slice.start, slice.end, slice.stride, extent),
             attributes);
  }
  builder.finish(node, emit_moved(builder, node, Op::slice, std::move(attributes), x));
}

void load_gather(Builder& builder, const Node& node) {
  const Value x = builder.any_operand(node, 0);
  const int32_t axis = node.axis(node.integer("axis", 0), x.shape.size());
  if (builder.constant(node, 1) == nullptr) {
    const Value indices = builder.whole_operand(node, 1);
    return builder.finish(node, gather_along(builder, node, x, axis, indices));
  }
  const Constant& indices = builder.required_constant(node, 1, "its indices");
  const int64_t extent = x.shape[static_cast<std::size_t>(axis)];
  if (indices.is_float() || indices.integers.empty())
    node.fail("has indices that are no integers, or none");
  std::vector<int64_t> at = indices.integers;
  for (int64_t& index : at) {
    if (index < 0) index += extent;
    if (index < 0 || index >= extent) node.fail("gathers outside its input");
  }
  // Indices at equal distances make one slice. Otherwise each index has its own slice, and a concat
  // joins them.
  const int64_t stride = at.size() > 1 ? at[1] - at[0] : 1;
  bool regular = stride != 0;
  for (std::size_t i = 1; i < at.size(); ++i) regular = regular && at[i] - at[i - 1] == stride;
  Value y;
  if (regular) {
    y = emit_slice(builder, node, x, axis,
                   {.begin = at[0], .stride = stride, .count = static_cast<int64_t>(at.size())});
  } else {
    if (builder.graph().tensor(x.id).type != Type::f32 || at.size() > 4096)
      node.missing("of indices, or of more than 4096 places without order");
    std::vector<Value> parts;
    for (std::size_t i = 0; i < at.size(); ++i)
      parts.push_back(emit_slice(builder, node, x, axis, {.begin = at[i], .stride = 1, .count = 1},
                                 "." + std::to_string(i)));
    y = emit_concat(builder, node, parts, axis);
  }
  if (indices.dims.size() != 1) {  // the axes of the indices take the place of the axis
    std::vector<int64_t> dims(x.shape.begin(), x.shape.end());
    dims.erase(dims.begin() + axis);
    dims.insert(dims.begin() + axis, indices.dims.begin(), indices.dims.end());
    y = builder.reshaped(node, y, shape_of(dims, node.where() + "its result "), ".shaped");
  }
  builder.finish(node, y);
}

namespace {

// Pads with the operand's own values. reflect: the neighbours of the edge in reverse order; wrap:
// the values at the other end; edge: the edge itself, repeated.
Value pad_with_itself(Builder& builder, const Node& node, Value x, int32_t axis,
                      const AxisPadding& padding, const std::string& mode) {
  const int64_t extent = x.shape[static_cast<std::size_t>(axis)];
  const std::string suffix = ".axis" + std::to_string(axis);
  std::vector<Value> parts;
  const auto add = [&](int64_t count, bool in_front) {
    if (count == 0) return;
    if (mode == "wrap") {
      if (count > extent) node.missing("that wraps around more than once");
      parts.push_back(emit_slice(
          builder, node, x, axis,
          {.begin = in_front ? extent - count : 0, .stride = 1, .count = count}, suffix));
      return;
    }
    if (mode == "reflect") {
      if (count >= extent) node.fail("reflects more than its operand has");
      parts.push_back(emit_slice(
          builder, node, x, axis,
          {.begin = in_front ? count : extent - 2, .stride = -1, .count = count}, suffix));
      return;
    }
    if (count > 1024) node.missing("of more than 1024 copies of an edge");
    const Value edge =
        emit_slice(builder, node, x, axis,
                   {.begin = in_front ? 0 : extent - 1, .stride = 1, .count = 1}, suffix);
    parts.insert(parts.end(), static_cast<std::size_t>(count), edge);
  };
  add(padding.before, true);
  parts.push_back(x);
  add(padding.after, false);
  return parts.size() == 1 ? x : emit_concat(builder, node, parts, axis, suffix);
}

}  // namespace

void load_pad(Builder& builder, const Node& node) {
  Value x = builder.order_operand(node, 0);
  const std::size_t rank = x.shape.size();
  const std::string mode = pad_mode_of(node);
  const auto input = [&](std::size_t i, const char* what) {
    return node.has_input(i) ? &builder.required_constant(node, i, what) : nullptr;
  };
  std::vector<AxisPadding> padding =
      pads_of(node, input(1, "its pads"), input(3, "its axes"), {x.shape.begin(), x.shape.end()});

  SliceAttributes kept = whole(builder, x);
  PadAttributes added{.before = std::vector<int32_t>(rank, 0),
                      .after = std::vector<int32_t>(rank, 0),
                      .value = node.number("value", 0)};
  const bool needs_value = mode == "constant";
  if (needs_value && node.has_input(2)) {
    added.value = builder.real_number(node, 2, "its value");
  } else if (needs_value && builder.is_bytes(node.input(0))) {
    added.value = builder.real_of_byte(node, 0);  // a pad value that is left out is byte 0
  }
  bool cuts = false;
  bool adds = false;
  for (std::size_t i = 0; i < rank; ++i) {  // a negative pad cuts values off
    const auto axis = static_cast<int32_t>(i);
    const int64_t extent = x.shape[i];
    AxisPadding& p = padding[i];
    const AxisPadding cut = {std::max<int64_t>(-p.before, 0), std::max<int64_t>(-p.after, 0)};
    restrict(node, x, axis,
             {.begin = cut.before, .stride = 1, .count = extent - cut.before - cut.after}, kept);
    cuts = cuts || cut.before + cut.after > 0;
    p = {std::max<int64_t>(p.before, 0), std::max<int64_t>(p.after, 0)};
    adds = adds || p.before + p.after > 0;
    const auto at = static_cast<std::size_t>(stored_axis(x.order, axis));
    added.before[at] = static_cast<int32_t>(p.before);
    added.after[at] = static_cast<int32_t>(p.after);
  }
  if (cuts) x = emit_moved(builder, node, Op::slice, std::move(kept), x, ".cut");
  if (mode == "constant") {
    if (adds || !cuts) x = emit_moved(builder, node, Op::pad, std::move(added), x);
    return builder.finish(node, x);
  }
  for (std::size_t i = 0; i < rank; ++i) {
    x = pad_with_itself(builder, node, x, static_cast<int32_t>(i), padding[i], mode);
  }
  builder.finish(node, x);
}

}  // namespace octet::loaders::onnx
