// Plain evaluation in double of the operators in random graphs: ONNX's definitions, element by
// element. It shares no code with the loader or the engine.
#pragma once

#include <cstdint>
#include <vector>

namespace octet::test {

using Dims = std::vector<int64_t>;

/// A tensor of reals, row-major.
struct RealTensor {
  Dims dims;
  std::vector<double> values;
};

int64_t count_of(const Dims& dims);

struct Window {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t pad = 0;  ///< On every side.
};

/// Images are [N, C, H, W].
RealTensor max_pool(const RealTensor& x, const Window& window);
RealTensor average_pool(const RealTensor& x, const Window& window, bool count_include_pad);
RealTensor reduced_image(const RealTensor& x, bool maximum);  ///< gives [N, C, 1, 1]
RealTensor conv(const RealTensor& x, const RealTensor& weights, const std::vector<double>& bias,
                const Window& window);
RealTensor depth_to_space(const RealTensor& x, int64_t block);
RealTensor space_to_depth(const RealTensor& x, int64_t block);
/// Doubles height and width, with ONNX's coordinates: half_pixel for linear, asymmetric for
/// nearest.
RealTensor doubled(const RealTensor& x, bool linear);

RealTensor with_dims(RealTensor x, Dims dims);
RealTensor transposed(const RealTensor& x, const std::vector<int64_t>& permutation);
RealTensor sliced(const RealTensor& x, std::size_t axis, int64_t begin, int64_t stride,
                  int64_t count);
enum class PadMode { constant, reflect, edge };
RealTensor padded(const RealTensor& x, const Dims& before, const Dims& after, PadMode mode,
                  double value);
RealTensor joined(const std::vector<RealTensor>& parts, std::size_t axis);
RealTensor softmax_of_last_axis(const RealTensor& x);

/// Returns f(a, b) for all elements, with NumPy's broadcasting.
template <class F>
RealTensor combined(const RealTensor& a, const RealTensor& b, const F& f);
template <class F>
RealTensor mapped(RealTensor x, const F& f) {
  for (double& v : x.values) v = f(v);
  return x;
}

/// Returns the element of a tensor of `from` that NumPy broadcasts to `position` in a larger one.
std::size_t broadcast_index(const Dims& from, const Dims& position);
/// Moves on to the next position, the last axis first. Returns false after the last position.
bool advance(Dims& position, const Dims& dims);

template <class F>
RealTensor combined(const RealTensor& a, const RealTensor& b, const F& f) {
  RealTensor out{.dims = a.dims.size() >= b.dims.size() ? a.dims : b.dims};
  Dims position(out.dims.size(), 0);
  do {
    out.values.push_back(f(a.values[broadcast_index(a.dims, position)],
                           b.values[broadcast_index(b.dims, position)]));
  } while (advance(position, out.dims));
  return out;
}

}  // namespace octet::test
