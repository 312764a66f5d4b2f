#include "tests/onnx/real_tensor.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace octet::test {
namespace {

std::size_t index_of(const Dims& dims, const Dims& position) {
  int64_t at = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) at = at * dims[i] + position[i];
  return static_cast<std::size_t>(at);
}

// Makes a tensor: `value` gives the element at each position.
template <class F>
RealTensor made(const Dims& dims, const F& value) {
  RealTensor out{.dims = dims};
  Dims position(dims.size(), 0);
  do out.values.push_back(value(position));
  while (advance(position, dims));
  return out;
}

int64_t pooled(int64_t extent, const Window& w) {
  return (extent + 2 * w.pad - w.kernel) / w.stride + 1;
}

bool is_inside(int64_t i, int64_t extent) { return i >= 0 && i < extent; }

}  // namespace

int64_t count_of(const Dims& dims) {
  int64_t count = 1;
  for (const int64_t extent : dims) count *= extent;
  return count;
}

bool advance(Dims& position, const Dims& dims) {
  for (std::size_t i = dims.size(); i-- > 0;) {
    if (++position[i] < dims[i]) return true;
    position[i] = 0;
  }
  return false;
}

std::size_t broadcast_index(const Dims& from, const Dims& position) {
  int64_t at = 0;
  const std::size_t first = position.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i)
    at = at * from[i] + (from[i] == 1 ? 0 : position[first + i]);
  return static_cast<std::size_t>(at);
}

RealTensor max_pool(const RealTensor& x, const Window& w) {
  const Dims dims = {x.dims[0], x.dims[1], pooled(x.dims[2], w), pooled(x.dims[3], w)};
  return made(dims, [&](const Dims& p) {
    double largest = -std::numeric_limits<double>::infinity();
    for (int64_t i = 0; i < w.kernel; ++i) {
      for (int64_t j = 0; j < w.kernel; ++j) {
        const int64_t h = p[2] * w.stride + i - w.pad;
        const int64_t v = p[3] * w.stride + j - w.pad;
        if (is_inside(h, x.dims[2]) && is_inside(v, x.dims[3]))
          largest = std::max(largest, x.values[index_of(x.dims, {p[0], p[1], h, v})]);
      }
    }
    return largest;
  });
}

RealTensor average_pool(const RealTensor& x, const Window& w, bool count_include_pad) {
  const Dims dims = {x.dims[0], x.dims[1], pooled(x.dims[2], w), pooled(x.dims[3], w)};
  return made(dims, [&](const Dims& p) {
    double sum = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < w.kernel; ++i) {
      for (int64_t j = 0; j < w.kernel; ++j) {
        const int64_t h = p[2] * w.stride + i - w.pad;
        const int64_t v = p[3] * w.stride + j - w.pad;
        const bool inside = is_inside(h, x.dims[2]) && is_inside(v, x.dims[3]);
        if (inside) sum += x.values[index_of(x.dims, {p[0], p[1], h, v})];
        if (inside || count_include_pad) ++count;
      }
    }
    return sum / static_cast<double>(count);
  });
}

RealTensor reduced_image(const RealTensor& x, bool maximum) {
  return made({x.dims[0], x.dims[1], 1, 1}, [&](const Dims& p) {
    const auto begin = static_cast<std::ptrdiff_t>(index_of(x.dims, {p[0], p[1], 0, 0}));
    const auto size = static_cast<std::ptrdiff_t>(x.dims[2] * x.dims[3]);
    const auto first = x.values.begin() + begin;
    if (maximum) return *std::max_element(first, first + size);
    double sum = 0;
    for (auto v = first; v != first + size; ++v) sum += *v;
    return sum / static_cast<double>(size);
  });
}

RealTensor conv(const RealTensor& x, const RealTensor& weights, const std::vector<double>& bias,
                const Window& w) {
  const Dims dims = {x.dims[0], weights.dims[0], pooled(x.dims[2], w), pooled(x.dims[3], w)};
  return made(dims, [&](const Dims& p) {
    double sum = bias[static_cast<std::size_t>(p[1])];
    for (int64_t c = 0; c < x.dims[1]; ++c) {
      for (int64_t i = 0; i < w.kernel; ++i) {
        for (int64_t j = 0; j < w.kernel; ++j) {
          const int64_t h = p[2] * w.stride + i - w.pad;
          const int64_t v = p[3] * w.stride + j - w.pad;
          if (!is_inside(h, x.dims[2]) || !is_inside(v, x.dims[3])) continue;
          sum += x.values[index_of(x.dims, {p[0], c, h, v})] *
                 weights.values[index_of(weights.dims, {p[1], c, i, j})];
        }
      }
    }
    return sum;
  });
}

RealTensor depth_to_space(const RealTensor& x, int64_t b) {  // DCR mode
  const int64_t channels = x.dims[1] / (b * b);
  return made({x.dims[0], channels, x.dims[2] * b, x.dims[3] * b}, [&](const Dims& p) {
    const int64_t block = (p[2] % b) * b + p[3] % b;
    return x.values[index_of(x.dims, {p[0], block * channels + p[1], p[2] / b, p[3] / b})];
  });
}

RealTensor space_to_depth(const RealTensor& x, int64_t b) {
  const int64_t channels = x.dims[1];
  return made({x.dims[0], channels * b * b, x.dims[2] / b, x.dims[3] / b}, [&](const Dims& p) {
    const int64_t block = p[1] / channels;
    return x.values[index_of(x.dims,
                             {p[0], p[1] % channels, p[2] * b + block / b, p[3] * b + block % b})];
  });
}

RealTensor doubled(const RealTensor& x, bool linear) {
  return made({x.dims[0], x.dims[1], 2 * x.dims[2], 2 * x.dims[3]}, [&](const Dims& p) {
    if (!linear) return x.values[index_of(x.dims, {p[0], p[1], p[2] / 2, p[3] / 2})];
    const double at_h = (static_cast<double>(p[2]) + 0.5) / 2 - 0.5;
    const double at_w = (static_cast<double>(p[3]) + 0.5) / 2 - 0.5;
    double sum = 0;
    for (int64_t i = 0; i < 2; ++i) {
      for (int64_t j = 0; j < 2; ++j) {
        const auto h = static_cast<int64_t>(std::floor(at_h)) + i;
        const auto w = static_cast<int64_t>(std::floor(at_w)) + j;
        const double share_h = i == 1 ? at_h - std::floor(at_h) : 1 - (at_h - std::floor(at_h));
        const double share_w = j == 1 ? at_w - std::floor(at_w) : 1 - (at_w - std::floor(at_w));
        sum += share_h * share_w *
               x.values[index_of(x.dims, {p[0], p[1], std::clamp<int64_t>(h, 0, x.dims[2] - 1),
                                          std::clamp<int64_t>(w, 0, x.dims[3] - 1)})];
      }
    }
    return sum;
  });
}

RealTensor with_dims(RealTensor x, Dims dims) {
  x.dims = std::move(dims);
  return x;
}

RealTensor transposed(const RealTensor& x, const std::vector<int64_t>& permutation) {
  Dims dims;
  for (const int64_t axis : permutation) dims.push_back(x.dims[static_cast<std::size_t>(axis)]);
  return made(dims, [&](const Dims& p) {
    Dims from(p.size());
    for (std::size_t i = 0; i < p.size(); ++i)
      from[static_cast<std::size_t>(permutation[i])] = p[i];
    return x.values[index_of(x.dims, from)];
  });
}

RealTensor sliced(const RealTensor& x, std::size_t axis, int64_t begin, int64_t stride,
                  int64_t count) {
  Dims dims = x.dims;
  dims[axis] = count;
  return made(dims, [&](Dims p) {
    p[axis] = begin + stride * p[axis];
    return x.values[index_of(x.dims, p)];
  });
}

RealTensor padded(const RealTensor& x, const Dims& before, const Dims& after, PadMode mode,
                  double value) {
  Dims dims = x.dims;
  for (std::size_t i = 0; i < dims.size(); ++i) dims[i] += before[i] + after[i];
  return made(dims, [&](Dims p) {
    for (std::size_t i = 0; i < p.size(); ++i) {
      int64_t& at = p[i];
      at -= before[i];
      const int64_t last = x.dims[i] - 1;
      if (mode == PadMode::constant && !is_inside(at, x.dims[i])) return value;
      if (mode == PadMode::edge) at = std::clamp<int64_t>(at, 0, last);
      if (mode == PadMode::reflect) at = at < 0 ? -at : at > last ? 2 * last - at : at;
    }
    return x.values[index_of(x.dims, p)];
  });
}

RealTensor joined(const std::vector<RealTensor>& parts, std::size_t axis) {
  Dims dims = parts[0].dims;
  dims[axis] = 0;
  for (const RealTensor& part : parts) dims[axis] += part.dims[axis];
  return made(dims, [&](Dims p) {
    std::size_t k = 0;
    while (p[axis] >= parts[k].dims[axis]) p[axis] -= parts[k++].dims[axis];
    return parts[k].values[index_of(parts[k].dims, p)];
  });
}

RealTensor softmax_of_last_axis(const RealTensor& x) {
  RealTensor out = x;
  const auto row = static_cast<std::size_t>(x.dims.back());
  for (std::size_t begin = 0; begin < out.values.size(); begin += row) {
    const auto first = out.values.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = first + static_cast<std::ptrdiff_t>(row);
    const double largest = *std::max_element(first, last);
    double sum = 0;
    for (auto v = first; v != last; ++v) sum += * v = std::exp(*v - largest);
    for (auto v = first; v != last; ++v) *v /= sum;
  }
  return out;
}

}  // namespace octet::test
