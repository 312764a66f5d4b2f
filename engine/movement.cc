#include "engine/movement.h"

#include "engine/operator_table.h"

namespace octet {
namespace {

/// One loop of a strided copy.
struct Axis {
  int64_t extent = 1;
  int64_t source_stride = 0;
  int64_t target_stride = 0;
};

/// Returns the distance between neighbours along each axis of a contiguous tensor, in elements.
std::vector<int64_t> strides_of(const Shape& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

/// Returns the same copy with fewer axes. Axes of extent 1 are dropped. Two neighbouring axes
/// become one if, on both sides, the outer one walks over exactly the elements that the inner one
/// covers.
std::vector<Axis> merged(const std::vector<Axis>& axes) {
  std::vector<Axis> result;
  for (const Axis& axis : axes) {
    if (axis.extent == 1) continue;
    if (!result.empty() && result.back().source_stride == axis.source_stride * axis.extent &&
        result.back().target_stride == axis.target_stride * axis.extent) {
      result.back() = {.extent = result.back().extent * axis.extent,
                       .source_stride = axis.source_stride,
                       .target_stride = axis.target_stride};
    } else {
      result.push_back(axis);
    }
  }
  if (result.empty()) result.push_back({.extent = 1, .source_stride = 1, .target_stride = 1});
  return result;
}

/// Collects the copies of a plan.
class Planner {
 public:
  explicit Planner(std::size_t element_size) : element_size_(element_size) {}

  /// Adds a copy. `axes` has at most kernels::max_rank axes.
  void copy(int32_t input, int64_t source_offset, int64_t target_offset,
            const std::vector<Axis>& axes) {
    PlannedCopy& planned = plan.copies.emplace_back();
    planned.input = input;
    planned.source_offset = source_offset;
    planned.target_offset = target_offset;
    planned.params.element_size = element_size_;
    const std::vector<Axis> fewer = merged(axes);
    planned.params.rank = static_cast<int32_t>(fewer.size());
    for (std::size_t i = 0; i < fewer.size(); ++i) {
      planned.params.extent[i] = fewer[i].extent;
      planned.params.source_stride[i] = fewer[i].source_stride;
      planned.params.target_stride[i] = fewer[i].target_stride;
    }
  }

  MovementPlan plan;

 private:
  std::size_t element_size_;
};

void plan_concat(std::size_t axis, std::span<const Shape> inputs, const Shape& output,
                 Planner& planner) {
  const std::vector<int64_t> target_strides = strides_of(output);
  int64_t position = 0;
  for (std::size_t input = 0; input < inputs.size(); ++input) {
    const Shape& shape = inputs[input];
    const std::vector<int64_t> source_strides = strides_of(shape);
    std::vector<Axis> axes;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      axes.push_back({shape[i], source_strides[i], target_strides[i]});
    }
    planner.copy(static_cast<int32_t>(input), 0, position * target_strides[axis], axes);
    position += shape[axis];
  }
}

void plan_slice(const SliceAttributes& slice, const Shape& input, const Shape& output,
                Planner& planner) {
  const std::vector<int64_t> source_strides = strides_of(input);
  const std::vector<int64_t> target_strides = strides_of(output);
  int64_t source_offset = 0;
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < output.size(); ++i) {
    source_offset += slice.begin[i] * source_strides[i];
    axes.push_back({output[i], slice.stride[i] * source_strides[i], target_strides[i]});
  }
  planner.copy(0, source_offset, 0, axes);
}

void plan_pad(const PadAttributes& pad, const Shape& input, const Shape& output, Planner& planner) {
  const std::vector<int64_t> source_strides = strides_of(input);
  const std::vector<int64_t> target_strides = strides_of(output);
  int64_t target_offset = 0;
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < output.size(); ++i) {
    target_offset += pad.before[i] * target_strides[i];
    axes.push_back({input[i], source_strides[i], target_strides[i]});
  }
  planner.plan.fill_first = input != output;
  planner.copy(0, 0, target_offset, axes);
}

void plan_transpose(const TransposeAttributes& transpose, const Shape& input, const Shape& output,
                    Planner& planner) {
  const std::vector<int64_t> source_strides = strides_of(input);
  const std::vector<int64_t> target_strides = strides_of(output);
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < output.size(); ++i) {
    const auto from = static_cast<std::size_t>(transpose.permutation[i]);
    axes.push_back({output[i], source_strides[from], target_strides[i]});
  }
  planner.copy(0, 0, 0, axes);
}

}  // namespace

bool is_movement(Op op, const Attributes& attributes) {
  if (op == Op::resize) return std::get<ResizeAttributes>(attributes).mode == ResizeMode::nearest;
  return op == Op::concat || op == Op::slice || op == Op::pad || op == Op::reshape ||
         op == Op::transpose;
}

MovementPlan plan_movement(Op op, const Attributes& attributes, std::span<const Shape> inputs,
                           const Shape& output, std::size_t element_size) {
  Planner planner(element_size);
  switch (kind_of(op)) {
    case Kind::concat:
      plan_concat(static_cast<std::size_t>(std::get<AxisAttributes>(attributes).axis), inputs,
                  output, planner);
      break;
    case Kind::slice:
      plan_slice(std::get<SliceAttributes>(attributes), inputs[0], output, planner);
      break;
    case Kind::pad:
      plan_pad(std::get<PadAttributes>(attributes), inputs[0], output, planner);
      break;
    case Kind::transpose:
      plan_transpose(std::get<TransposeAttributes>(attributes), inputs[0], output, planner);
      break;
    case Kind::resize:
      planner.plan.nearest = {.images = output[0],
                              .input_h = inputs[0][1],
                              .input_w = inputs[0][2],
                              .output_h = output[1],
                              .output_w = output[2],
                              .pixel_bytes = static_cast<std::size_t>(output[3]) * element_size};
      break;
    case Kind::reshape:
      planner.copy(0, 0, 0, {{element_count(output), 1, 1}});
      break;
    case Kind::conv2d:  // these are no movements
    case Kind::linear:
    case Kind::arithmetic:
    case Kind::max_pool:
    case Kind::average_pool:
    case Kind::softmax:
    case Kind::log_softmax:
    case Kind::argmax:
    case Kind::clip:
    case Kind::lookup:
    case Kind::quantize:
    case Kind::dequantize:
    case Kind::requantize:
    case Kind::mean:
    case Kind::batch_norm:
    case Kind::prelu:
    case Kind::function:
    case Kind::cast:
    case Kind::gather_nd:
    case Kind::top_k:
    case Kind::identity:
      break;
  }
  return std::move(planner.plan);
}

}  // namespace octet
