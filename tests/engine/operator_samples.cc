#include "tests/engine/operator_samples.h"

#include <algorithm>
#include <cstdlib>

#include "engine/operator_table.h"
#include "tests/engine/functions.h"
#include "tests/graph/graph_maker.h"

namespace octet::test {
namespace {

constexpr Window window = {.kernel_h = 3,
                           .kernel_w = 2,
                           .stride_h = 1,
                           .stride_w = 2,
                           .dilation_h = 2,
                           .dilation_w = 3,
                           .pad_top = 1,
                           .pad_left = 0,
                           .pad_bottom = 2,
                           .pad_right = 1};
constexpr Bounds bounds = {.min = -0.75F, .max = 1.5F};
constexpr Quantization scale = {.scale = 1.0F / 32, .zero_point = 120};

std::vector<TensorId> layer(GraphMaker& m, Op op, const Shape& x, const Shape& weight,
                            const Shape& residual, ConvAttributes a) {
  a.bounds = bounds;
  a.inner_bounds = {.min = 0, .max = 1.25F};
  a.has_bias = a.has_residual = true;
  std::vector<TensorId> operands = {m.input(x), m.random_constant("weight", weight, 0.3F),
                                    m.random_constant("bias", {weight[0]}), m.input(residual)};
  return {m.node(sample_name, op, a, operands)};
}

std::vector<TensorId> arithmetic_of(GraphMaker& m, Op op) {
  if (row_of(op).arithmetic == Arithmetic::floor_div) {
    const auto x = m.to_whole("whole", m.input({3, 4}));
    const auto divisors = m.whole_constant("divisors", {4}, {1, 2, -3, 7});
    // Whole numbers have no bounds.
    return {m.whole(sample_name, op, BinaryAttributes{}, {x, divisors})};
  }
  std::vector<float> factors(12);
  for (std::size_t i = 0; i < factors.size(); ++i) factors[i] = 1 + 0.1F * static_cast<float>(i);
  return {m.node(sample_name, op, BinaryAttributes{.bounds = bounds},
                 {m.input({2, 3, 4}), m.constant("factors", {3, 4}, factors)})};
}

std::vector<TensorId> by_channel(GraphMaker& m, Op op) {
  const auto positive = [&](const char* name) {
    return m.constant(name, {4}, {0.5F, 1.5F, 0.25F, 1});
  };
  const auto x = m.input({1, 3, 5, 4});
  return {m.node(sample_name, op, ScalarAttributes{.value = 0.125F},
                 {x, m.random_constant("gamma", {4}), m.random_constant("beta", {4}),
                  m.random_constant("mean", {4}), positive("variance")})};
}

std::vector<TensorId> nodes_of(GraphMaker& m, Op op) {
  const auto name = sample_name;
  switch (kind_of(op)) {
    case Kind::conv2d:
      return layer(m, op, {1, 7, 9, 4}, {6, 3, 2, 2}, {1, 6, 4, 6},
                   {.window = window, .groups = 2});
    case Kind::linear:
      return layer(m, op, {3, 5}, {4, 5}, {3, 4}, {});
    case Kind::arithmetic:
      return arithmetic_of(m, op);
    case Kind::max_pool:
    case Kind::average_pool: {
      Window plain = window;
      plain.dilation_h = plain.dilation_w = 1;
      plain.pad_bottom = 1;
      plain.pad_right = 1;
      const bool averages = kind_of(op) == Kind::average_pool;
      return {m.node(name, op,
                     PoolAttributes{.window = averages ? plain : window,
                                    .count_include_pad = averages,
                                    .ceil_mode = true,
                                    .bounds = bounds},
                     {m.input({1, 7, 9, 4})})};
    }
    case Kind::softmax:
    case Kind::log_softmax:
      return {m.node(name, op, AxisAttributes{.axis = 1}, {m.input({3, 5})})};
    case Kind::argmax:
      return {m.whole(name, op, AxisAttributes{.axis = 1, .keepdims = true}, {m.input({3, 5})})};
    case Kind::top_k:
      return m.top_k(name, m.input({3, 5}), {.axis = 1, .k = 3, .largest = false});
    case Kind::concat:
      return {m.concat(name, {m.input({2, 3}), m.input({2, 4})}, 1)};
    case Kind::slice:
      return {m.node(name, op, SliceAttributes{.begin = {1, 4}, .stride = {1, -2}, .count = {2, 3}},
                     {m.input({3, 5})})};
    case Kind::pad:
      return {m.node(name, op, PadAttributes{.before = {1, 0}, .after = {0, 2}, .value = -0.5F},
                     {m.input({3, 5})})};
    case Kind::reshape:
      return {m.reshape(name, m.input({3, 4}), {2, 6})};
    case Kind::transpose:
      return {m.transpose(name, m.input({2, 3, 4}), {2, 0, 1})};
    case Kind::resize:
      return {m.node(
          name, op,
          ResizeAttributes{
              .output_h = 7, .output_w = 6, .mode = ResizeMode::bilinear, .align_corners = true},
          {m.input({1, 4, 3, 2})})};
    case Kind::clip:
      return {m.clip(name, m.input({3, 5}), bounds)};
    case Kind::lookup: {
      const auto bytes = m.quantize("bytes", m.input({3, 5}), scale);
      const auto found = m.node(name, Op::elu, ScalarAttributes{.value = 0.375F}, {bytes});
      m.scale(found, 1.0F / 32, 64);
      return {m.dequantize("real", found)};
    }
    case Kind::quantize:
      return {m.dequantize("real", m.relu("bytes", m.quantize(name, m.input({3, 5}), scale)))};
    case Kind::dequantize:
      return {m.dequantize(name, m.relu("relu", m.quantize("bytes", m.input({3, 5}), scale)))};
    case Kind::requantize: {
      const auto bytes = m.quantize("bytes", m.input({3, 5}), scale);
      const auto wider = m.node(name, op, ClipAttributes{.bounds = bounds}, {bytes});
      m.scale(wider, 1.0F / 16, 64);
      return {m.dequantize("real", wider)};
    }
    case Kind::mean:
      return {m.mean(name, m.input({1, 3, 5, 4}), {1, 2}, true)};
    case Kind::batch_norm:
      return by_channel(m, op);
    case Kind::prelu:
      return {m.node(name, op, NoAttributes{},
                     {m.input({3, 4}), m.constant("slope", {4}, {0.25F, 0.5F, -0.125F, 2})})};
    case Kind::function:
      return {m.node(name, op, function_attributes(op, 0.375F), {m.input({3, 5})})};
    case Kind::cast:
      return {m.to_whole(name, m.input({3, 5}))};
    case Kind::gather_nd:
      return {m.node(name, op, GatherAttributes{.from_end = true},
                     {m.input({3, 5}), m.whole_constant("places", {2, 2}, {0, -1, 2, 3})})};
    case Kind::identity:
      return {m.simple(name, op, m.input({3, 5}))};
  }
  std::abort();
}

}  // namespace

graph::Graph sample_of(Op op) {
  GraphMaker m;
  auto outputs = nodes_of(m, op);
  return m.finish(std::move(outputs));
}

}  // namespace octet::test
