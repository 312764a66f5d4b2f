// Operators that move values, and resizing.
#include <stdexcept>

#include "tests/tflite/evaluator_call.h"

namespace octet::test {

// Calls visit(position) for all positions of a shape, in order.
void for_each_position(const Extents& shape, const std::function<void(const Extents&)>& visit) {
  Extents at(shape.size(), 0);
  for (std::size_t i = 0; i < count(shape); ++i) {
    visit(at);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++at[axis] < shape[axis]) break;
      at[axis] = 0;
    }
  }
}

// Returns the element of a tensor that is broadcast to position `at` of a larger one.
double broadcast_at(const Doubles& values, const Extents& shape, const Extents& at) {
  std::size_t index = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const int32_t position = at[at.size() - shape.size() + i];
    index = index * static_cast<std::size_t>(shape[i]) +
            static_cast<std::size_t>(shape[i] == 1 ? 0 : position);
  }
  return values[index];
}

Doubles concatenation(const Call& call) {
  const auto& o = call.options<tflite::ConcatenationOptions>();
  const Extents& y = call.output_shape();
  const auto axis =
      static_cast<std::size_t>(o.axis() < 0 ? o.axis() + static_cast<int32_t>(y.size()) : o.axis());
  Doubles out;
  for_each_position(y, [&](Extents at) {
    std::size_t part = 0;
    while (at[axis] >= call.shape(part)[axis]) at[axis] -= call.shape(part++)[axis];
    out.push_back(
        activated(broadcast_at(call.operand(part), call.shape(part), at), o.fused_activation()));
  });
  return out;
}

Doubles pack(const Call& call) {
  const int32_t given = call.options<tflite::PackOptions>().axis();
  const auto rank = static_cast<int32_t>(call.output_shape().size());
  const int32_t axis = given < 0 ? given + rank : given;
  Doubles out;
  for_each_position(call.output_shape(), [&](Extents at) {
    const auto part = static_cast<std::size_t>(at[static_cast<std::size_t>(axis)]);
    at.erase(at.begin() + axis);
    out.push_back(broadcast_at(call.operand(part), call.shape(part), at));
  });
  return out;
}

Doubles unpack(const Call& call) {
  const int32_t given = call.options<tflite::UnpackOptions>().axis();
  const auto rank = static_cast<int32_t>(call.shape(0).size());
  const int32_t axis = given < 0 ? given + rank : given;
  Doubles out;
  for_each_position(call.output_shape(), [&](Extents at) {
    at.insert(at.begin() + axis, static_cast<int32_t>(call.output));
    out.push_back(broadcast_at(call.operand(0), call.shape(0), at));
  });
  return out;
}

Doubles pad(const Call& call) {
  const Extents& x = call.shape(0);
  const std::vector<int64_t> pads = call.integers(1);
  const double value = call.has(2) ? call.operand(2)[0] : 0;
  Doubles out;
  for_each_position(call.output_shape(), [&](Extents at) {
    bool inside = true;
    for (std::size_t i = 0; i < x.size(); ++i) {
      at[i] -= static_cast<int32_t>(pads[2 * i]);
      inside = inside && at[i] >= 0 && at[i] < x[i];
    }
    out.push_back(inside ? broadcast_at(call.operand(0), x, at) : value);
  });
  return out;
}

Doubles slice(const Call& call) {
  const std::vector<int64_t> begin = call.integers(1);
  Doubles out;
  for_each_position(call.output_shape(), [&](Extents at) {
    for (std::size_t i = 0; i < at.size(); ++i) at[i] += static_cast<int32_t>(begin[i]);
    out.push_back(broadcast_at(call.operand(0), call.shape(0), at));
  });
  return out;
}

Doubles strided_slice(const Call& call) {
  const auto& o = call.options<tflite::StridedSliceOptions>();
  if (o.ellipsis_mask() != 0 || o.new_axis_mask() != 0 || o.shrink_axis_mask() != 0)
    throw std::runtime_error("no evaluation of such masks");
  const std::vector<int64_t> begin = call.integers(1);
  const std::vector<int64_t> stride = call.integers(3);
  Doubles out;
  for_each_position(call.output_shape(), [&](Extents at) {
    for (std::size_t i = 0; i < at.size(); ++i) {
      int64_t first = (o.begin_mask() >> i & 1) != 0 ? 0 : begin[i];
      if (first < 0) first += call.shape(0)[i];
      at[i] = static_cast<int32_t>(first + stride[i] * at[i]);
    }
    out.push_back(broadcast_at(call.operand(0), call.shape(0), at));
  });
  return out;
}

Doubles transpose(const Call& call) {
  const std::vector<int64_t> order = call.integers(1);
  Doubles out;
  for_each_position(call.output_shape(), [&](const Extents& at) {
    Extents from(at.size());
    for (std::size_t i = 0; i < at.size(); ++i) from[static_cast<std::size_t>(order[i])] = at[i];
    out.push_back(broadcast_at(call.operand(0), call.shape(0), from));
  });
  return out;
}

Doubles depth_to_space(const Call& call) {
  const int32_t b = call.options<tflite::DepthToSpaceOptions>().block_size();
  Doubles out;
  const int32_t channels = call.output_shape()[3];
  for_each_position(call.output_shape(), [&](const Extents& at) {
    const int32_t block = at[1] % b * b + at[2] % b;
    out.push_back(broadcast_at(call.operand(0), call.shape(0),
                               {at[0], at[1] / b, at[2] / b, block * channels + at[3]}));
  });
  return out;
}

Doubles space_to_depth(const Call& call) {
  const int32_t b = call.options<tflite::SpaceToDepthOptions>().block_size();
  Doubles out;
  const int32_t channels = call.shape(0)[3];
  for_each_position(call.output_shape(), [&](const Extents& at) {
    const int32_t block = at[3] / channels;
    out.push_back(
        broadcast_at(call.operand(0), call.shape(0),
                     {at[0], at[1] * b + block / b, at[2] * b + block % b, at[3] % channels}));
  });
  return out;
}

Doubles resize(const Call& call, const ResizeRule& rule) {
  const Extents& x = call.shape(0);
  const Extents& y = call.output_shape();
  const auto position = [&](int32_t at, int32_t in, int32_t out) {
    const double scale = rule.corners && out > 1 ? (in - 1.0) / (out - 1.0) : double(in) / out;
    const double offset = rule.half_pixel ? 0.5 : 0;
    const double p = (at + offset) * scale;
    if (rule.bilinear) return std::clamp(p - offset, 0.0, in - 1.0);
    return std::clamp(rule.corners ? std::round(p) : std::floor(p), 0.0, in - 1.0);
  };
  Doubles out;
  for_each_position(y, [&](const Extents& at) {
    const double h = position(at[1], x[1], y[1]);
    const double w = position(at[2], x[2], y[2]);
    double sum = 0;
    for (const int32_t below : {0, 1})
      for (const int32_t right : {0, 1}) {
        const auto row = static_cast<int32_t>(h);
        const auto column = static_cast<int32_t>(w);
        const double share =
            (below ? h - row : 1 - (h - row)) * (right ? w - column : 1 - (w - column));
        if (share == 0) continue;
        sum +=
            share * broadcast_at(call.operand(0), x, {at[0], row + below, column + right, at[3]});
      }
    out.push_back(sum);
  });
  return out;
}

}  // namespace octet::test
