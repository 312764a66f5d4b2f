// Moves, repeats and makes constants.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "loaders/onnx/fold.h"
#include "loaders/onnx/static_shape.h"
#include "loaders/slice_range.h"

namespace octet::loaders::onnx {
namespace {

using Results = std::vector<Constant>;
using Dims = std::vector<int64_t>;

const std::vector<int64_t>& integers_of(const Node& node, const Constant& constant) {
  if (constant.is_float()) node.fail("takes integers where it is given floats");
  return constant.integers;
}

std::size_t product(std::span<const int64_t> extents) {
  std::size_t out = 1;
  for (const int64_t extent : extents) out *= static_cast<std::size_t>(extent);
  return out;
}

// Returns the same values with other dims.
Constant with_dims(const Node& node, ConstantInputs inputs, const Constant& from, Dims dims) {
  checked_count(node, inputs, dims);
  std::vector<std::size_t> source(from.size());
  std::iota(source.begin(), source.end(), std::size_t{0});
  return take(from, std::move(dims), source);
}

Results fold_constant(const Node& node, ConstantInputs) {
  if (const TensorProto* tensor = node.tensor("value")) return {decode_tensor(*tensor)};
  Constant out;
  if (node.has("value_float")) {
    out.floats = {node.number("value_float", 0)};
    return {out};
  }
  if (node.has("value_floats")) {
    out.floats = node.numbers("value_floats");
    out.dims = {static_cast<int64_t>(out.floats.size())};
    return {out};
  }
  if (node.has("value_ints")) return {make_integers(node.integers("value_ints"))};
  if (node.has("value_int")) {
    out.type = DataType::int64;
    out.integers = {node.integer("value_int", 0)};
    return {out};
  }
  node.missing("a Constant of text or of sparse values");
}

Results fold_constant_of_shape(const Node& node, ConstantInputs inputs) {
  Constant value{.dims = {1}, .floats = {0}};
  if (const TensorProto* tensor = node.tensor("value")) {
    value = decode_tensor(*tensor);
    if (value.size() != 1) node.fail("has a 'value' of more than one number");
  }
  const Dims dims = integers_of(node, input_of(node, inputs, 0));
  return {take(value, dims, std::vector<std::size_t>(checked_count(node, inputs, dims), 0))};
}

Results fold_same(const Node& node, ConstantInputs inputs) { return {input_of(node, inputs, 0)}; }

Results fold_shape(const Node& node, ConstantInputs inputs) {
  return {shape_constant(node, input_of(node, inputs, 0).dims)};
}

Results fold_gather(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  const Constant& indices = input_of(node, inputs, 1);
  const auto axis = static_cast<std::size_t>(node.axis(node.integer("axis", 0), x.dims.size()));
  const std::size_t inner = product(std::span(x.dims).subspan(axis + 1));
  const std::size_t outer = product(std::span(x.dims).first(axis));
  const int64_t extent = x.dims[axis];
  Dims dims(x.dims.begin(), x.dims.begin() + static_cast<std::ptrdiff_t>(axis));
  dims.insert(dims.end(), indices.dims.begin(), indices.dims.end());
  dims.insert(dims.end(), x.dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.dims.end());
  std::vector<std::size_t> source;
  source.reserve(checked_count(node, inputs, dims));
  for (std::size_t o = 0; o < outer; ++o) {
    for (int64_t index : integers_of(node, indices)) {
      if (index < 0) index += extent;
      if (index < 0 || index >= extent) node.fail("gathers outside its input");
      const std::size_t row =
          o * static_cast<std::size_t>(extent) + static_cast<std::size_t>(index);
      for (std::size_t i = 0; i < inner; ++i) source.push_back(row * inner + i);
    }
  }
  return {take(x, dims, source)};
}

Results fold_concat(const Node& node, ConstantInputs inputs) {
  const Constant& first = input_of(node, inputs, 0);
  const auto axis = static_cast<std::size_t>(node.axis(node.integer("axis", 0), first.dims.size()));
  Constant out{.type = first.type, .dims = first.dims};
  out.dims[axis] = 0;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Constant& x = input_of(node, inputs, k);
    Dims expected = x.dims;
    if (x.is_float() != first.is_float() || x.dims.size() != first.dims.size())
      node.fail("joins tensors of different types or ranks");
    expected[axis] = first.dims[axis];
    if (expected != first.dims) node.fail("joins tensors that do not fit");
    out.dims[axis] += x.dims[axis];
  }
  checked_count(node, inputs, out.dims);
  const std::size_t outer = product(std::span(first.dims).first(axis));
  std::vector<ElementSource> source;
  for (std::size_t o = 0; o < outer; ++o) {
    for (const Constant* x : inputs) {
      const std::size_t row = product(std::span(x->dims).subspan(axis));
      for (std::size_t i = o * row; i < (o + 1) * row; ++i)
        source.push_back({.constant = x, .index = i});
    }
  }
  return {take(out.type, std::move(out.dims), source)};
}

Results fold_reshape(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  const Dims wanted = integers_of(node, input_of(node, inputs, 1));
  return {with_dims(node, inputs, x, reshaped_dims(node, x.dims, wanted))};
}

Results fold_flatten(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  return {with_dims(node, inputs, x, flattened_dims(node, x.dims))};
}

Results fold_unsqueeze(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  return {with_dims(
      node, inputs, x,
      unsqueezed_dims(node, x.dims, axes_of(node, inputs.size() > 1 ? inputs[1] : nullptr)))};
}

Results fold_squeeze(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  return {with_dims(
      node, inputs, x,
      squeezed_dims(node, x.dims, axes_of(node, inputs.size() > 1 ? inputs[1] : nullptr)))};
}

Results fold_transpose(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  checked_count(node, inputs, x.dims);
  return {permuted(x, permutation_of(node, x.dims.size()))};
}

/// Returns the elements of a row-major tensor of `dims` whose position on each axis is one of
/// `places[axis]`.
std::vector<std::size_t> elements_at(const Dims& dims, std::span<const Dims> places) {
  std::vector<std::size_t> elements = {0};
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    std::vector<std::size_t> next;
    next.reserve(elements.size() * places[axis].size());
    for (const std::size_t base : elements) {
      for (const int64_t place : places[axis]) {
        next.push_back(base * static_cast<std::size_t>(dims[axis]) +
                       static_cast<std::size_t>(place));
      }
    }
    elements = std::move(next);
  }
  return elements;
}

Dims count_up(int64_t begin, int64_t stride, int64_t count) {
  Dims out;
  for (int64_t n = 0; n < count; ++n) out.push_back(begin + n * stride);
  return out;
}

Results fold_slice(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  std::vector<SliceRange> ranges;
  for (const int64_t extent : x.dims) ranges.push_back({.begin = 0, .stride = 1, .count = extent});
  for (const AxisSlice& slice : slices_of(node, inputs.subspan(1), x.dims.size())) {
    ranges[static_cast<std::size_t>(slice.axis)] = slice_range(
        slice.start, slice.end, slice.stride, x.dims[static_cast<std::size_t>(slice.axis)]);
  }
  Dims dims;
  for (const SliceRange& range : ranges) dims.push_back(range.count);
  if (checked_count(node, inputs, dims) == 0) return {take(x, dims, {})};
  std::vector<Dims> places;
  for (const SliceRange& range : ranges)
    places.push_back(count_up(range.begin, range.stride, range.count));
  return {take(x, dims, elements_at(x.dims, places))};
}

Results fold_split(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  const auto axis = static_cast<std::size_t>(node.axis(node.integer("axis", 0), x.dims.size()));
  checked_count(node, inputs, x.dims);
  std::vector<Dims> places;
  for (const int64_t extent : x.dims) places.push_back(count_up(0, 1, extent));
  Results out;
  int64_t begin = 0;
  for (const int64_t size :
       splits_of(node, inputs.size() > 1 ? inputs[1] : nullptr, x.dims[axis])) {
    Dims dims = x.dims;
    dims[axis] = size;
    places[axis] = count_up(begin, 1, size);
    out.push_back(take(x, dims, elements_at(x.dims, places)));
    begin += size;
  }
  return out;
}

// Returns as many elements as `like` has, all with one value. They are quantized like `like` if the
// value is a level of every scale.
Constant filled(const Constant& like, double value) {
  Constant out = like;
  std::ranges::fill(out.floats, static_cast<float>(value));
  std::ranges::fill(out.integers, static_cast<int64_t>(value));
  if (!out.quantized) return out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto [scale, zero_point] = scale_of(like, i);
    const double level = value / static_cast<double>(scale) + zero_point;
    if (level != std::floor(level) || level < -128 || level > 127) {
      out.quantized.reset();
      return out;
    }
    out.quantized->values[i] = static_cast<int8_t>(level);
  }
  return out;
}

// Where the elements of a padded axis come from: positions in the operand. An element that gets the
// pad's value has the nearest position.
struct PaddedAxis {
  Dims places;
  std::vector<bool> is_added;
};

PaddedAxis pad_axis(const Node& node, int64_t extent, const AxisPadding& p,
                    const std::string& mode) {
  const int64_t first = std::max<int64_t>(-p.before, 0);
  const int64_t last = extent - std::max<int64_t>(-p.after, 0) - 1;
  const int64_t kept = last - first + 1;
  const int64_t added = std::max({p.before, p.after, int64_t{0}});
  if (kept < 1) node.fail("cuts off all of its operand");
  if (mode == "reflect" && added >= kept) node.fail("reflects more than its operand has");
  PaddedAxis out;
  for (int64_t n = -p.before; n < extent + p.after; ++n) {
    int64_t at = std::clamp(n, first, last);
    out.is_added.push_back(mode == "constant" && at != n);
    if (mode == "reflect") at += at - n;
    if (mode == "wrap") at = first + ((n - first) % kept + kept) % kept;
    out.places.push_back(at);
  }
  return out;
}

Results fold_pad(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  const auto input = [&](std::size_t i) { return i < inputs.size() ? inputs[i] : nullptr; };
  const std::string mode = pad_mode_of(node);
  const std::vector<AxisPadding> padding = pads_of(node, input(1), input(3), x.dims);
  Dims dims;
  std::vector<Dims> places;
  std::vector<bool> is_added = {false};
  for (std::size_t axis = 0; axis < x.dims.size(); ++axis) {
    PaddedAxis padded = pad_axis(node, x.dims[axis], padding[axis], mode);
    dims.push_back(static_cast<int64_t>(padded.places.size()));
    checked_count(node, inputs, dims);
    std::vector<bool> next;
    for (const bool outer : is_added) {
      for (const bool inner : padded.is_added) next.push_back(outer || inner);
    }
    is_added = std::move(next);
    places.push_back(std::move(padded.places));
  }
  const Constant fill =
      filled(x, input(2) != nullptr ? value_at(*input(2), 0) : double{node.number("value", 0)});
  std::vector<ElementSource> source;
  const std::vector<std::size_t> elements = elements_at(x.dims, places);
  for (std::size_t i = 0; i < elements.size(); ++i)
    source.push_back({.constant = is_added[i] ? &fill : &x, .index = elements[i]});
  return {take(x.type, std::move(dims), source)};
}

Results fold_range(const Node& node, ConstantInputs inputs) {
  const Constant& start = input_of(node, inputs, 0);
  const Constant& limit = input_of(node, inputs, 1);
  const Constant& delta = input_of(node, inputs, 2);
  if (start.size() != 1 || limit.size() != 1 || delta.size() != 1 ||
      start.is_float() != limit.is_float() || start.is_float() != delta.is_float()) {
    node.fail("takes three numbers of one type");
  }
  const auto number = [](const Constant& c) {
    return c.is_float() ? double{c.floats[0]} : static_cast<double>(c.integers[0]);
  };
  const double length = std::ceil((number(limit) - number(start)) / number(delta));
  if (!(length < 1 << 22)) node.fail("makes a range without end, or one that is too long");
  Constant out{.type = start.type, .dims = {static_cast<int64_t>(std::max(length, 0.0))}};
  for (int64_t i = 0; i < out.dims[0]; ++i) {
    const double value = number(start) + static_cast<double>(i) * number(delta);
    if (out.is_float()) {
      out.floats.push_back(static_cast<float>(value));
    } else {
      out.integers.push_back(static_cast<int64_t>(std::clamp(value, -9.2e18, 9.2e18)));
    }
  }
  return {out};
}

Results fold_expand(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  const Dims dims = broadcast_dims(node, x.dims, integers_of(node, input_of(node, inputs, 1)));
  checked_count(node, inputs, dims);
  return {take(x, dims, broadcast_source(x.dims, dims))};
}

Results fold_tile(const Node& node, ConstantInputs inputs) {
  const Constant& x = input_of(node, inputs, 0);
  const Dims& repeats = integers_of(node, input_of(node, inputs, 1));
  if (repeats.size() != x.dims.size()) node.fail("needs a number of repeats for each axis");
  Dims dims;
  for (std::size_t i = 0; i < repeats.size(); ++i) {
    if (repeats[i] < 0 || repeats[i] > (int64_t{1} << 26)) node.fail("repeats too often");
    dims.push_back(x.dims[i] * repeats[i]);
  }
  if (checked_count(node, inputs, dims) == 0) return {take(x, dims, {})};
  std::vector<std::size_t> source = {0};
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    std::vector<std::size_t> next;
    for (const std::size_t base : source) {
      for (int64_t n = 0; n < dims[axis]; ++n) {
        next.push_back(base * static_cast<std::size_t>(x.dims[axis]) +
                       static_cast<std::size_t>(n % x.dims[axis]));
      }
    }
    source = std::move(next);
  }
  return {take(x, dims, source)};
}

}  // namespace

Fold find_movement(const std::string& op) {
  static const std::map<std::string, Fold> table = {
      {"Constant", fold_constant},
      {"ConstantOfShape", fold_constant_of_shape},
      {"Identity", fold_same},
      {"Dropout", fold_same},
      {"Shape", fold_shape},
      {"Size", fold_shape},
      {"Gather", fold_gather},
      {"Concat", fold_concat},
      {"Reshape", fold_reshape},
      {"Flatten", fold_flatten},
      {"Unsqueeze", fold_unsqueeze},
      {"Squeeze", fold_squeeze},
      {"Transpose", fold_transpose},
      {"Slice", fold_slice},
      {"Range", fold_range},
      {"Expand", fold_expand},
      {"Tile", fold_tile},
      {"Split", fold_split},
      {"Pad", fold_pad},
  };
  const auto found = table.find(op);
  return found != table.end() ? found->second : nullptr;
}

}  // namespace octet::loaders::onnx
