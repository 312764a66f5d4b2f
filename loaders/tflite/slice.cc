// SLICE and STRIDED_SLICE.
#include "loaders/slice_range.h"
#include "loaders/tflite/operators.h"
#include "loaders/tflite/positions.h"

namespace octet::loaders::tflite {

using graph::TensorId;

SliceAttributes slice_of(const Node& node, const Shape& shape, const std::vector<int64_t>& begin,
                         const std::vector<int64_t>& size) {
  if (begin.size() != shape.size() || size.size() != shape.size())
    node.fail("has positions of another rank than its operand");
  SliceAttributes a;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (begin[i] < 0 || begin[i] >= shape[i]) node.fail("begins outside its operand");
    const int64_t rest = shape[i] - begin[i];
    const int64_t count = size[i] == -1 ? rest : size[i];
    if (count < 1 || count > rest) node.fail("takes more than its operand has, or nothing");
    a.begin.push_back(static_cast<int32_t>(begin[i]));
    a.stride.push_back(1);
    a.count.push_back(static_cast<int32_t>(count));
  }
  return a;
}

void load_slice(Builder& builder, const Node& node) {
  const TensorId x = builder.any_operand(node, 0);
  SliceAttributes a = slice_of(node, builder.shape(x), builder.integers(node, 1, "its begin"),
                               builder.integers(node, 2, "its size"));
  builder.finish(node, builder.emit_moved(node, Op::slice, std::move(a), x));
}

namespace {

bool has_bit(int32_t mask, std::size_t bit) {
  return bit < 32 && (static_cast<uint32_t>(mask) >> bit & 1U) != 0;
}

class StridedSlice {
 public:
  StridedSlice(const Node& node, const std::vector<int64_t>& begin, const std::vector<int64_t>& end,
               const std::vector<int64_t>& stride)
      : node_(node),
        options_(node.options<format::StridedSliceOptions>()),
        begin_(begin),
        end_(end),
        stride_(stride) {
    if (end_.size() != begin_.size() || stride_.size() != begin_.size())
      node.fail("has another number of begins, ends and strides");
    if (options_.offset()) node.missing("with ends that are offsets of the begins");
  }

  StridedPositions positions(const Shape& x) {
    for (std::size_t i = 0; i < begin_.size(); ++i) {
      if (has_bit(options_.ellipsis_mask(), i)) {
        take_ellipsis(x, i);
      } else if (has_bit(options_.new_axis_mask(), i)) {
        out_.shape.push_back(1);
      } else {
        take_range(x, i);
      }
    }
    while (axis_ < x.size()) take_all(x);
    return out_;
  }

 private:
  void take_all(const Shape& x) {
    if (axis_ >= x.size()) node_.fail("has more positions than its operand has axes");
    add(0, 1, x[axis_]);
    out_.shape.push_back(x[axis_++]);
  }

  // Takes all axes that neither the positions before nor the positions after name.
  void take_ellipsis(const Shape& x, std::size_t i) {
    std::size_t after = 0;
    for (std::size_t k = i + 1; k < begin_.size(); ++k)
      after += has_bit(options_.new_axis_mask(), k) ? 0 : 1;
    while (axis_ + after < x.size()) take_all(x);
  }

  void take_range(const Shape& x, std::size_t i) {
    if (axis_ >= x.size()) node_.fail("has more positions than its operand has axes");
    const int64_t extent = x[axis_];
    if (stride_[i] == 0) node_.fail("has a stride of 0");
    if (has_bit(options_.shrink_axis_mask(), i)) {  // one position; the axis is removed
      const int64_t at = begin_[i] < 0 ? begin_[i] + extent : begin_[i];
      if (at < 0 || at >= extent) node_.fail("takes a position outside its operand");
      add(at, 1, 1);
      ++axis_;
      return;
    }
    // If a mask leaves a bound open, the range reaches to the end of the axis in the direction of
    // the stride.
    const bool forwards = stride_[i] > 0;
    const int64_t begin = has_bit(options_.begin_mask(), i) ? (forwards ? 0 : extent) : begin_[i];
    const int64_t end =
        has_bit(options_.end_mask(), i) ? (forwards ? extent : -extent - 1) : end_[i];
    const SliceRange range = slice_range(begin, end, stride_[i], extent);
    if (range.count < 1) node_.missing("that leaves nothing of its operand");
    add(range.begin, range.stride, range.count);
    out_.shape.push_back(static_cast<int32_t>(range.count));
    ++axis_;
  }

  void add(int64_t begin, int64_t stride, int64_t count) {
    out_.slice.begin.push_back(static_cast<int32_t>(begin));
    out_.slice.stride.push_back(static_cast<int32_t>(stride));
    out_.slice.count.push_back(static_cast<int32_t>(count));
  }

  const Node& node_;
  const format::StridedSliceOptions& options_;
  const std::vector<int64_t>& begin_;
  const std::vector<int64_t>& end_;
  const std::vector<int64_t>& stride_;
  StridedPositions out_;
  std::size_t axis_ = 0;
};

}  // namespace

StridedPositions strided_positions(const Node& node, const Shape& shape,
                                   const std::vector<int64_t>& begin,
                                   const std::vector<int64_t>& end,
                                   const std::vector<int64_t>& stride) {
  return StridedSlice(node, begin, end, stride).positions(shape);
}

void load_strided_slice(Builder& builder, const Node& node) {
  const TensorId x = builder.any_operand(node, 0);
  const StridedPositions positions = strided_positions(
      node, builder.shape(x), builder.integers(node, 1, "its begin"),
      builder.integers(node, 2, "its end"), builder.integers(node, 3, "its strides"));
  const bool same_axes = positions.shape == positions.slice.count;
  const TensorId y =
      builder.emit_moved(node, Op::slice, positions.slice, x, same_axes ? "" : ".slice");
  builder.finish(node, builder.reshaped(node, y, positions.shape));
}

}  // namespace octet::loaders::tflite
