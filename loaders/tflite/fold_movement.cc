// Moves constants: other shapes, parts, joined.
#include <algorithm>
#include <map>

#include "loaders/tflite/fold.h"
#include "loaders/tflite/positions.h"

namespace octet::loaders::tflite {

using Code = format::BuiltinOperator;

namespace {

std::size_t count_of(const Shape& shape) {
  std::size_t count = 1;
  for (const int32_t extent : shape) count *= static_cast<std::size_t>(extent);
  return count;
}

/// Returns a result of `shape` whose element at each position is element index(position) of `from`.
template <class Index>
Constant taken(const Constant& from, const Shape& shape, const Index& index) {
  std::vector<ElementSource> elements;
  const std::size_t count = count_of(shape);
  std::vector<int32_t> position(shape.size(), 0);
  for (std::size_t n = 0; n < count; ++n) {
    elements.push_back({.constant = &from, .index = index(position)});
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++position[axis] < shape[axis]) break;
      position[axis] = 0;
    }
  }
  Constant out = take(shape, elements);
  out.is_float = from.is_float;
  return out;
}

std::size_t index_in(const Shape& shape, const std::vector<int32_t>& position) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < shape.size(); ++i)
    at = at * static_cast<std::size_t>(shape[i]) + static_cast<std::size_t>(position[i]);
  return at;
}

Constant under_shape(const Node& node, const Constant& from, const Shape& shape) {
  const bool has_negative = std::ranges::any_of(shape, [](int32_t extent) { return extent < 0; });
  if (has_negative || count_of(shape) != from.size()) {
    node.fail("reshapes " + shape_text(from.shape) + " to " + shape_text(shape) +
              ", which has another size");
  }
  std::size_t next = 0;
  return taken(from, shape, [&](const std::vector<int32_t>&) { return next++; });
}

Constant transposed(const Constant& from, const std::vector<int32_t>& order) {
  Shape shape;
  for (const int32_t axis : order) shape.push_back(from.shape[static_cast<std::size_t>(axis)]);
  return taken(from, shape, [&](const std::vector<int32_t>& position) {
    std::vector<int32_t> at(position.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      at[static_cast<std::size_t>(order[i])] = position[i];
    return index_in(from.shape, at);
  });
}

Constant sliced(const Constant& from, const SliceAttributes& a) {
  return taken(from, a.count, [&](const std::vector<int32_t>& position) {
    std::vector<int32_t> at(position.size());
    for (std::size_t i = 0; i < position.size(); ++i)
      at[i] = a.begin[i] + a.stride[i] * position[i];
    return index_in(from.shape, at);
  });
}

std::vector<Constant> fold_reshape(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  std::vector<int64_t> wanted;
  if (node.has_input(1)) {
    wanted = integers_of(node, inputs, 1);
  } else if (const auto* o = node.find_options<format::ReshapeOptions>();
             o != nullptr && o->new_shape() != nullptr) {
    wanted.assign(o->new_shape()->begin(), o->new_shape()->end());
  }
  return {under_shape(node, x, reshape_shape(node, wanted, static_cast<int64_t>(x.size())))};
}

std::vector<Constant> fold_squeeze(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  return {under_shape(node, x, squeezed_shape(node, x.shape))};
}

std::vector<Constant> fold_expand_dims(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  const std::vector<int64_t>& axis = integers_of(node, inputs, 1);
  if (axis.size() != 1) node.fail("has no single axis");
  Shape shape = x.shape;
  shape.insert(shape.begin() + node.axis(axis[0], shape.size() + 1), 1);
  return {under_shape(node, x, shape)};
}

std::vector<Constant> fold_transpose(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  std::vector<int32_t> order;
  for (const int64_t axis : integers_of(node, inputs, 1))
    order.push_back(node.axis(axis, x.shape.size()));
  std::vector<int32_t> sorted = order;
  std::ranges::sort(sorted);
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  if (order.size() != x.shape.size() || sorted.size() != order.size())
    node.fail("has an order of axes that is none");
  return {transposed(x, order)};
}

std::vector<Constant> fold_slice(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  return {sliced(
      x, slice_of(node, x.shape, integers_of(node, inputs, 1), integers_of(node, inputs, 2)))};
}

std::vector<Constant> fold_strided_slice(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  const StridedPositions positions =
      strided_positions(node, x.shape, integers_of(node, inputs, 1), integers_of(node, inputs, 2),
                        integers_of(node, inputs, 3));
  return {under_shape(node, sliced(x, positions.slice), positions.shape)};
}

std::vector<Constant> fold_gather(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  const Constant& at = input_of(node, inputs, 1);
  const auto* o = node.find_options<format::GatherOptions>();
  if (o != nullptr && o->batch_dims() != 0) node.missing("with axes that are batches");
  const auto axis = static_cast<std::size_t>(node.axis(o ? o->axis() : 0, x.shape.size()));
  const std::vector<int64_t>& indices = integers_of(node, inputs, 1);
  for (const int64_t i : indices) {
    if (i < 0 || i >= x.shape[axis]) node.fail("gathers an element outside its operand");
  }
  const auto axis_at = static_cast<std::ptrdiff_t>(axis);
  Shape shape(x.shape.begin(), x.shape.begin() + axis_at);
  shape.insert(shape.end(), at.shape.begin(), at.shape.end());
  shape.insert(shape.end(), x.shape.begin() + axis_at + 1, x.shape.end());
  checked_count(node, inputs, shape);
  const auto rank = static_cast<std::ptrdiff_t>(at.shape.size());
  return {taken(x, shape, [&](const std::vector<int32_t>& p) {
    const std::vector<int32_t> inner(p.begin() + axis_at, p.begin() + axis_at + rank);
    std::vector<int32_t> from(p.begin(), p.begin() + axis_at);
    from.push_back(static_cast<int32_t>(indices[index_in(at.shape, inner)]));
    from.insert(from.end(), p.begin() + axis_at + rank, p.end());
    return index_in(x.shape, from);
  })};
}

Constant joined(const Node& node, ConstantInputs inputs, std::size_t axis) {
  Shape shape = input_of(node, inputs, 0).shape;
  if (axis >= shape.size()) node.fail("joins along an axis that its operands have not");
  shape[axis] = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Shape other = input_of(node, inputs, i).shape;
    if (other.size() != shape.size() || inputs[i]->is_float != inputs[0]->is_float)
      node.fail("joins tensors that do not fit each other");
    shape[axis] += other[axis];
    other[axis] = shape[axis];
    if (other != shape) node.fail("joins tensors that do not fit each other");
  }
  checked_count(node, inputs, shape);
  std::size_t outer = 1;
  for (std::size_t i = 0; i < axis; ++i) outer *= static_cast<std::size_t>(shape[i]);
  std::vector<ElementSource> elements;
  for (std::size_t n = 0; n < outer; ++n) {
    for (const Constant* input : inputs) {
      const std::size_t each = input->size() / outer;
      for (std::size_t k = 0; k < each; ++k)
        elements.push_back({.constant = input, .index = n * each + k});
    }
  }
  Constant out = take(shape, elements);
  out.is_float = inputs[0]->is_float;
  return out;
}

std::vector<Constant> fold_concatenation(const Node& node, ConstantInputs inputs) {
  const auto& o = node.options<format::ConcatenationOptions>();
  if (o.fused_activation() != format::Activation::NONE)
    node.missing("of constants with a fused activation");
  const std::size_t rank = input_of(node, inputs, 0).shape.size();
  return {joined(node, inputs, static_cast<std::size_t>(node.axis(o.axis(), rank)))};
}

std::vector<Constant> fold_pack(const Node& node, ConstantInputs inputs) {
  check_count(node, node.options<format::PackOptions>().values_count(), inputs.size());
  std::vector<Constant> parts;
  const std::size_t rank = input_of(node, inputs, 0).shape.size();
  const int32_t axis = node.axis(node.options<format::PackOptions>().axis(), rank + 1);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    parts.push_back(input_of(node, inputs, i));
    if (parts[i].shape.size() != rank) node.fail("joins tensors of different ranks");
    Shape shape = parts[i].shape;
    shape.insert(shape.begin() + axis, 1);
    parts[i] = under_shape(node, parts[i], shape);
  }
  std::vector<const Constant*> pointers;
  for (const Constant& part : parts) pointers.push_back(&part);
  return {joined(node, pointers, static_cast<std::size_t>(axis))};
}

std::vector<Constant> fold_unpack(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  const auto axis = static_cast<std::size_t>(
      node.axis(node.options<format::UnpackOptions>().axis(), x.shape.size()));
  check_count(node, node.options<format::UnpackOptions>().num(), node.output_count());
  if (static_cast<std::size_t>(x.shape[axis]) != node.output_count())
    node.fail("has another number of outputs than its axis is long");
  std::vector<Constant> out;
  for (int32_t i = 0; i < x.shape[axis]; ++i) {
    SliceAttributes a{.begin = std::vector<int32_t>(x.shape.size(), 0),
                      .stride = std::vector<int32_t>(x.shape.size(), 1),
                      .count = x.shape};
    a.begin[axis] = i;
    a.count[axis] = 1;
    Shape shape = x.shape;
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
    out.push_back(under_shape(node, sliced(x, a), shape));
  }
  return out;
}

Shape as_shape(const Node& node, const std::vector<int64_t>& extents) {
  Shape shape;
  for (const int64_t extent : extents) {
    if (extent < 0 || extent > 1 << 30) node.fail("has a shape with an extent out of range");
    shape.push_back(static_cast<int32_t>(extent));
  }
  return shape;
}

std::vector<Constant> fold_broadcast_to(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  const Shape shape = as_shape(node, integers_of(node, inputs, 1));
  checked_count(node, inputs, shape);
  if (x.shape.size() > shape.size() || broadcast_shape(node, x.shape, shape) != shape)
    node.fail("broadcasts " + shape_text(x.shape) + " to " + shape_text(shape));
  const std::vector<std::size_t> source = broadcast_source(x.shape, shape);
  std::size_t next = 0;
  return {taken(x, shape, [&](const std::vector<int32_t>&) { return source[next++]; })};
}

std::vector<Constant> fold_tile(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  const Shape times = as_shape(node, integers_of(node, inputs, 1));
  if (times.size() != x.shape.size()) node.fail("has repetitions for another rank");
  Shape shape = x.shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (int64_t{shape[i]} * times[i] > 1 << 30) node.fail("makes a constant that is too large");
    shape[i] *= times[i];
  }
  checked_count(node, inputs, shape);
  return {taken(x, shape, [&](std::vector<int32_t> p) {
    for (std::size_t i = 0; i < p.size(); ++i) p[i] %= x.shape[i];
    return index_in(x.shape, p);
  })};
}

std::vector<Constant> fold_fill(const Node& node, ConstantInputs inputs) {
  const Constant& value = input_of(node, inputs, 1);
  if (value.size() != 1) node.fail("has no single value");
  const Shape shape = as_shape(node, integers_of(node, inputs, 0));
  checked_count(node, inputs, shape);
  return {taken(value, shape, [](const std::vector<int32_t>&) { return std::size_t{0}; })};
}

}  // namespace

Fold find_movement_fold(Code code) {
  static const std::map<Code, Fold> table = {
      {Code::RESHAPE, fold_reshape},
      {Code::SQUEEZE, fold_squeeze},
      {Code::EXPAND_DIMS, fold_expand_dims},
      {Code::TRANSPOSE, fold_transpose},
      {Code::SLICE, fold_slice},
      {Code::STRIDED_SLICE, fold_strided_slice},
      {Code::GATHER, fold_gather},
      {Code::CONCATENATION, fold_concatenation},
      {Code::PACK, fold_pack},
      {Code::UNPACK, fold_unpack},
      {Code::BROADCAST_TO, fold_broadcast_to},
      {Code::TILE, fold_tile},
      {Code::FILL, fold_fill},
  };
  const auto found = table.find(code);
  return found != table.end() ? found->second : nullptr;
}

}  // namespace octet::loaders::tflite
