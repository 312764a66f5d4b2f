#include "tests/engine/float_oracle.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "engine/operator_table.h"
#include "tests/engine/index.h"

namespace octet::test {
namespace {

/// Returns the value at an index. An axis of extent 1 repeats, and leading axes may be missing.
double at(const Array& array, const Index& index) {
  std::size_t position = 0;
  const std::size_t missing = index.size() - array.shape.size();
  for (std::size_t i = 0; i < array.shape.size(); ++i) {
    const int32_t where = array.shape[i] == 1 ? 0 : index[i + missing];
    position =
        position * static_cast<std::size_t>(array.shape[i]) + static_cast<std::size_t>(where);
  }
  return array.values[position];
}

bool inside(int32_t h, int32_t w, const Shape& image) {
  return h >= 0 && h < image[1] && w >= 0 && w < image[2];
}

double bounded(double value, const Bounds& bounds) {
  return std::min(std::max(value, static_cast<double>(bounds.min)),
                  static_cast<double>(bounds.max));
}

double conv(const ConvAttributes& a, const std::vector<Array>& in, const Index& o, const Shape& y) {
  const Window& w = a.window;
  const int32_t inputs = in[1].shape[3];
  const int32_t group = o[3] / (y[3] / a.groups);
  double sum = a.has_bias ? at(in[2], {o[3]}) : 0;
  for (int32_t kh = 0; kh < w.kernel_h; ++kh) {
    for (int32_t kw = 0; kw < w.kernel_w; ++kw) {
      const int32_t h = o[1] * w.stride_h + kh * w.dilation_h - w.pad_top;
      const int32_t v = o[2] * w.stride_w + kw * w.dilation_w - w.pad_left;
      if (!inside(h, v, in[0].shape)) continue;
      const Shape& x = in[0].shape;
      const int32_t pixel = ((o[0] * x[1] + h) * x[2] + v) * x[3] + group * inputs;
      const int32_t filter = ((o[3] * w.kernel_h + kh) * w.kernel_w + kw) * inputs;
      for (int32_t i = 0; i < inputs; ++i) {
        sum += in[0].values[static_cast<std::size_t>(pixel + i)] *
               in[1].values[static_cast<std::size_t>(filter + i)];
      }
    }
  }
  return sum;
}

double linear(const ConvAttributes& a, const std::vector<Array>& in, const Index& o) {
  double sum = a.has_bias ? at(in[2], {o.back()}) : 0;
  Index from = o;
  for (int32_t i = 0; i < in[1].shape[1]; ++i) {
    from.back() = i;
    sum += at(in[0], from) * at(in[1], {o.back(), i});
  }
  return sum;
}

double pool(Op op, const PoolAttributes& a, const Array& x, const Index& o) {
  const Window& w = a.window;
  double largest = -std::numeric_limits<double>::infinity();
  double sum = 0;
  int32_t count = 0;
  for (int32_t kh = 0; kh < w.kernel_h; ++kh) {
    for (int32_t kw = 0; kw < w.kernel_w; ++kw) {
      const int32_t h = o[1] * w.stride_h + kh * w.dilation_h - w.pad_top;
      const int32_t v = o[2] * w.stride_w + kw * w.dilation_w - w.pad_left;
      if (inside(h, v, x.shape)) {
        largest = std::max(largest, at(x, {o[0], h, v, o[3]}));
        sum += at(x, {o[0], h, v, o[3]});
        ++count;
      } else if (a.count_include_pad && h < x.shape[1] + w.pad_bottom &&
                 v < x.shape[2] + w.pad_right) {
        ++count;
      }
    }
  }
  return op == Op::max_pool ? largest : sum / std::max(count, 1);
}

double resize(const ResizeAttributes& a, const Array& x, const Index& o) {
  if (a.mode == ResizeMode::nearest) {
    return at(x, {o[0], o[1] * x.shape[1] / a.output_h, o[2] * x.shape[2] / a.output_w, o[3]});
  }
  const auto source = [&](int32_t i, int32_t in, int32_t out) {
    const double position = a.align_corners ? (out == 1 ? 0.0 : i * (in - 1.0) / (out - 1.0))
                                            : (i + 0.5) * in / out - 0.5;
    return std::clamp(position, 0.0, in - 1.0);
  };
  // Sums over all pixels, each with a weight that depends on how near it is.
  double sum = 0;
  for (int32_t h = 0; h < x.shape[1]; ++h) {
    const double near_h = 1 - std::abs(source(o[1], x.shape[1], a.output_h) - h);
    for (int32_t w = 0; w < x.shape[2]; ++w) {
      const double near_w = 1 - std::abs(source(o[2], x.shape[2], a.output_w) - w);
      if (near_h > 0 && near_w > 0) sum += near_h * near_w * at(x, {o[0], h, w, o[3]});
    }
  }
  return sum;
}

/// Returns the values along an axis through an index of the input.
std::vector<double> along(const Array& x, Index index, int32_t axis) {
  std::vector<double> values;
  for (int32_t i = 0; i < x.shape[static_cast<std::size_t>(axis)]; ++i) {
    index[static_cast<std::size_t>(axis)] = i;
    values.push_back(at(x, index));
  }
  return values;
}

double softmax(int32_t axis, const Array& x, const Index& o) {
  double sum = 0;
  for (const double v : along(x, o, axis)) sum += std::exp(v - at(x, o));
  return 1 / sum;
}

double argmax(const AxisAttributes& a, const Array& x, Index o) {
  if (!a.keepdims) o.insert(o.begin() + a.axis, 0);
  const std::vector<double> values = along(x, o, a.axis);
  return static_cast<double>(std::max_element(values.begin(), values.end()) - values.begin());
}

double mean(const MeanAttributes& a, const Array& x, const Index& o) {
  double sum = 0;
  double count = 0;
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    const Index from = unravel(x.shape, i);
    Index to;
    for (std::size_t axis = 0; axis < from.size(); ++axis) {
      const bool reduced = std::count(a.axes.begin(), a.axes.end(), static_cast<int32_t>(axis)) > 0;
      if (!reduced) to.push_back(from[axis]);
      if (reduced && a.keepdims) to.push_back(0);
    }
    if (to != o) continue;
    sum += x.values[i];
    ++count;
  }
  return sum / count;
}

/// What top_k gives at `o`: its value, or the value's place along the axis. Of equal values, the
/// first counts first.
double top_k(const AxisAttributes& a, const Array& x, const Index& o, bool wants_place) {
  const std::vector<double> values = along(x, o, a.axis);
  std::vector<std::size_t> places(values.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::ranges::sort(places, [&](std::size_t i, std::size_t j) {
    if (values[i] == values[j]) return i < j;
    return a.largest ? values[i] > values[j] : values[i] < values[j];
  });
  const std::size_t place = places[static_cast<std::size_t>(o[static_cast<std::size_t>(a.axis)])];
  return wants_place ? static_cast<double>(place) : values[place];
}

double arithmetic(Arithmetic operation, double a, double b) {
  switch (operation) {
    case Arithmetic::add:
      return a + b;
    case Arithmetic::sub:
      return a - b;
    case Arithmetic::mul:
      return a * b;
    case Arithmetic::div:
      return a / b;
    case Arithmetic::floor_div:
      return std::floor(a / b);
  }
  std::abort();
}

double function(Function function, double alpha, double x) {
  const double ramp = std::clamp(x + 3, 0.0, 6.0) / 6;
  switch (function) {
    case Function::leaky_relu:
      return x < 0 ? alpha * x : x;
    case Function::elu:
      return x < 0 ? alpha * std::expm1(x) : x;
    case Function::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Function::tanh:
      return std::tanh(x);
    case Function::hard_sigmoid:
      return ramp;
    case Function::hard_swish:
      return x * ramp;
    case Function::silu:
      return x / (1 + std::exp(-x));
    case Function::gelu:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Function::exp:
      return std::exp(x);
    case Function::log:
      return std::log(x);
    case Function::sqrt:
      return std::sqrt(x);
    case Function::abs:
      return std::abs(x);
    case Function::neg:
      return -x;
    case Function::softsign:
      return x / (1 + std::abs(x));
    case Function::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    case Function::erf:
      return std::erf(x);
    case Function::softplus:
      return std::log1p(std::exp(x));
    case Function::mish:
      return x * std::tanh(std::log1p(std::exp(x)));
  }
  std::abort();
}

double concat(int32_t axis, const std::vector<Array>& in, Index o) {
  int32_t& place = o[static_cast<std::size_t>(axis)];
  std::size_t i = 0;
  while (place >= in[i].shape[static_cast<std::size_t>(axis)])
    place -= in[i++].shape[static_cast<std::size_t>(axis)];
  return at(in[i], o);
}

double slice(const SliceAttributes& a, const Array& x, Index o) {
  for (std::size_t i = 0; i < o.size(); ++i) o[i] = a.begin[i] + o[i] * a.stride[i];
  return at(x, o);
}

double pad(const PadAttributes& a, const Array& x, Index o) {
  for (std::size_t i = 0; i < o.size(); ++i) {
    o[i] -= a.before[i];
    if (o[i] < 0 || o[i] >= x.shape[i]) return static_cast<double>(a.value);
  }
  return at(x, o);
}

double transpose(const TransposeAttributes& a, const Array& x, const Index& o) {
  Index from(o.size());
  for (std::size_t i = 0; i < o.size(); ++i)
    from[static_cast<std::size_t>(a.permutation[i])] = o[i];
  return at(x, from);
}

double batch_norm(const ScalarAttributes& a, const std::vector<Array>& in, const Index& o) {
  const Index c = {o.back()};
  return (at(in[0], o) - at(in[3], c)) / std::sqrt(at(in[4], c) + static_cast<double>(a.value)) *
             at(in[1], c) +
         at(in[2], c);
}

double value_at(Op op, const Attributes& attributes, const std::vector<Array>& in, const Index& o,
                const Shape& shape, std::size_t result) {
  const Operator& row = row_of(op);
  switch (row.kind) {
    case Kind::conv2d:
    case Kind::linear: {
      const auto& a = std::get<ConvAttributes>(attributes);
      const double sum = row.kind == Kind::conv2d ? conv(a, in, o, shape) : linear(a, in, o);
      if (!a.has_residual) return bounded(sum, a.bounds);
      return bounded(bounded(sum, a.inner_bounds) + at(in.back(), o), a.bounds);
    }
    case Kind::arithmetic:
      return bounded(arithmetic(row.arithmetic, at(in[0], o), at(in[1], o)),
                     std::get<BinaryAttributes>(attributes).bounds);
    case Kind::max_pool:
    case Kind::average_pool: {
      const auto& a = std::get<PoolAttributes>(attributes);
      return bounded(pool(op, a, in[0], o), a.bounds);
    }
    case Kind::resize:
      return resize(std::get<ResizeAttributes>(attributes), in[0], o);
    case Kind::softmax:
      return softmax(std::get<AxisAttributes>(attributes).axis, in[0], o);
    case Kind::log_softmax:
      return std::log(softmax(std::get<AxisAttributes>(attributes).axis, in[0], o));
    case Kind::argmax:
      return argmax(std::get<AxisAttributes>(attributes), in[0], o);
    case Kind::top_k:
      return top_k(std::get<AxisAttributes>(attributes), in[0], o, result == 1);
    case Kind::mean:
      return mean(std::get<MeanAttributes>(attributes), in[0], o);
    case Kind::prelu:
      return at(in[0], o) * (at(in[0], o) < 0 ? at(in[1], {o.back()}) : 1);
    case Kind::batch_norm:
      return batch_norm(std::get<ScalarAttributes>(attributes), in, o);
    case Kind::concat:
      return concat(std::get<AxisAttributes>(attributes).axis, in, o);
    case Kind::slice:
      return slice(std::get<SliceAttributes>(attributes), in[0], o);
    case Kind::pad:
      return pad(std::get<PadAttributes>(attributes), in[0], o);
    case Kind::transpose:
      return transpose(std::get<TransposeAttributes>(attributes), in[0], o);
    case Kind::reshape:
      return in[0].values[ravel(shape, o)];
    case Kind::clip:
      return bounded(at(in[0], o), std::get<ClipAttributes>(attributes).bounds);
    case Kind::function: {
      const auto* scalar = std::get_if<ScalarAttributes>(&attributes);
      const double alpha = scalar != nullptr ? static_cast<double>(scalar->value) : 0;
      return function(row.function, alpha, at(in[0], o));
    }
    case Kind::identity:
      return at(in[0], o);
    case Kind::lookup:
    case Kind::quantize:
    case Kind::dequantize:
    case Kind::requantize:
    case Kind::cast:
    case Kind::gather_nd:
      break;
  }
  FAIL("the oracle does not know " << op_name(op) << ", which has no float form");
  return 0;
}

}  // namespace

Array evaluate(Op op, const Attributes& attributes, const std::vector<Array>& inputs,
               const Shape& output, std::size_t result) {
  Array array{.shape = output, .values = {}};
  for (std::size_t i = 0; i < static_cast<std::size_t>(element_count(output)); ++i) {
    array.values.push_back(value_at(op, attributes, inputs, unravel(output, i), output, result));
  }
  return array;
}

}  // namespace octet::test
