// Functions of one and of two values, reductions, softmax.
#include "tests/tflite/evaluator_call.h"

namespace octet::test {

Doubles binary(const Call& call, tflite::Activation activation,
               const std::function<double(double, double)>& f) {
  Doubles out;
  const Doubles& a = call.operand(0);
  const Doubles& b = call.operand(1);
  for_each_position(call.output_shape(), [&](const Extents& at) {
    out.push_back(activated(
        f(broadcast_at(a, call.shape(0), at), broadcast_at(b, call.shape(1), at)), activation));
  });
  return out;
}

Doubles unary(const Call& call, const std::function<double(double)>& f) {
  Doubles out;
  for (const double v : call.operand(0)) out.push_back(f(v));
  return out;
}

Doubles mean(const Call& call, bool is_sum) {
  const Extents& x = call.shape(0);
  std::vector<bool> reduced(x.size(), false);
  for (const int64_t axis : call.integers(1))
    reduced[static_cast<std::size_t>(axis < 0 ? axis + static_cast<int64_t>(x.size()) : axis)] =
        true;
  Extents kept = x;
  for (std::size_t i = 0; i < x.size(); ++i) kept[i] = reduced[i] ? 1 : x[i];
  Doubles out(count(kept), 0.0);
  const Doubles& input = call.operand(0);
  std::size_t from = 0;
  for_each_position(x, [&](const Extents& at) {
    std::size_t to = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      to =
          to * static_cast<std::size_t>(kept[i]) + static_cast<std::size_t>(reduced[i] ? 0 : at[i]);
    out[to] += input[from++];
  });
  const double n = static_cast<double>(input.size()) / static_cast<double>(out.size());
  if (!is_sum)
    for (double& v : out) v /= n;
  return out;
}

// A maximum over height and width.
Doubles reduce_max(const Call& call) {
  const Extents& x = call.shape(0);
  const auto channels = static_cast<std::size_t>(x[3]);
  const auto image = static_cast<std::size_t>(x[1] * x[2]) * channels;
  Doubles out(static_cast<std::size_t>(x[0]) * channels, -1e300);
  for (std::size_t i = 0; i < call.operand(0).size(); ++i) {
    double& largest = out[i / image * channels + i % channels];
    largest = std::max(largest, call.operand(0)[i]);
  }
  return out;
}

Doubles softmax(const Call& call, bool logarithm) {
  const auto length = static_cast<std::size_t>(call.shape(0).back());
  Doubles out = call.operand(0);
  for (std::size_t row = 0; row < out.size(); row += length) {
    const double largest = *std::max_element(&out[row], &out[row] + length);
    double sum = 0;
    for (std::size_t i = 0; i < length; ++i) sum += std::exp(out[row + i] - largest);
    for (std::size_t i = 0; i < length; ++i) {
      const double log_share = out[row + i] - largest - std::log(sum);
      out[row + i] = logarithm ? log_share : std::exp(log_share);
    }
  }
  return out;
}

Doubles argmax(const Call& call) {
  const Extents& x = call.shape(0);
  const auto axis = static_cast<std::size_t>(
      (call.integers(1)[0] + static_cast<int64_t>(x.size())) % static_cast<int64_t>(x.size()));
  Doubles out;
  for_each_position(call.output_shape(), [&](Extents at) {
    at.insert(at.begin() + static_cast<std::ptrdiff_t>(axis), 0);
    int32_t best = 0;
    double largest = -1e300;
    for (int32_t i = 0; i < x[axis]; ++i) {
      at[axis] = i;
      const double value = broadcast_at(call.operand(0), x, at);
      if (value > largest) largest = value, best = i;
    }
    out.push_back(best);
  });
  return out;
}

}  // namespace octet::test
