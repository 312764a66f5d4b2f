// Weights that are rounded with regard to what layers read: the sums over windows, the rounding,
// and whole networks.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "engine/checksum.h"
#include "graph/calibration/calibration.h"
#include "graph/rounding/least_squares.h"
#include "graph/rounding/weight_rounding.h"
#include "tests/graph/run_graph.h"
#include "tests/kernels/random.h"

namespace octet::test {
namespace {

using graph::InputMoments;
using graph::LayerWindows;
using graph::Moments;
using graph::RoundedWeights;

const ThreadPool one_thread(1);

/// Moments of values that depend on one another: each is mixed from a few common ones.
Moments mixed_moments(Draw& random, std::size_t values) {
  constexpr std::size_t samples = 400;
  const std::size_t common = values / 2 + 1;
  const auto mix = random.reals(values * common, -1, 1);
  std::vector<double> all(samples * values);
  Moments out{.mean = std::vector<double>(values),
              .covariance = std::vector<double>(values * values)};
  for (std::size_t s = 0; s < samples; ++s) {
    const auto sources = random.reals(common, -10, 10);
    for (std::size_t v = 0; v < values; ++v) {
      double sum = 5;
      for (std::size_t k = 0; k < common; ++k)
        sum += double{mix[v * common + k]} * double{sources[k]};
      all[s * values + v] = sum;
      out.mean[v] += sum / samples;
    }
  }
  for (std::size_t s = 0; s < samples; ++s) {
    for (std::size_t i = 0; i < values; ++i) {
      for (std::size_t j = 0; j < values; ++j) {
        out.covariance[i * values + j] +=
            (all[s * values + i] - out.mean[i]) * (all[s * values + j] - out.mean[j]) / samples;
      }
    }
  }
  for (std::size_t i = 0; i < values; ++i) out.covariance[i * values + i] += 0.1;
  return out;
}

std::vector<float> scales_of(const std::vector<float>& weights, std::size_t values) {
  std::vector<float> scales;
  for (std::size_t begin = 0; begin < weights.size(); begin += values) {
    float largest = 0;
    for (std::size_t k = begin; k < begin + values; ++k)
      largest = std::max(largest, std::abs(weights[k]));
    scales.push_back(largest / 127);
  }
  return scales;
}

/// The variance of what the rounding of one filter changes in its sums.
double variance_of(const Moments& moments, const float* weights, const int8_t* values,
                   float scale) {
  const std::size_t n = moments.mean.size();
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const double a = double{weights[i]} - double{scale} * values[i];
      const double b = double{weights[j]} - double{scale} * values[j];
      sum += a * b * moments.covariance[i * n + j];
    }
  }
  return sum;
}

}  // namespace

TEST_CASE(
    "weights rounded by least squares change sums much less than weights rounded to nearest") {
  Random random(161);
  INFO("seed " << random.seed);
  for (const std::size_t values : {1UL, 2UL, 9UL, 31UL, 100UL}) {
    const Moments moments = mixed_moments(random, values);
    constexpr std::size_t filters = 21;
    const auto weights = random.reals(filters * values, -1, 1);
    const auto scales = scales_of(weights, values);
    const RoundedWeights rounded = graph::round_by_least_squares(
        weights, moments, scales, std::vector<bool>(filters, false), one_thread);
    double by_least_squares = 0;
    double to_nearest = 0;
    for (std::size_t f = 0; f < filters; ++f) {
      std::vector<int8_t> nearest;
      double lost = 0;
      for (std::size_t k = 0; k < values; ++k) {
        const float w = weights[f * values + k];
        nearest.push_back(static_cast<int8_t>(std::nearbyint(w / scales[f])));
        const int8_t q = rounded.values[f * values + k];
        CHECK(q >= -127);
        lost += (double{w} - double{rounded.scales[f]} * q) * moments.mean[k];
      }
      CHECK(rounded.lost[f] == Approx(lost).margin(1e-6));
      CHECK(rounded.scales[f] <= scales[f]);
      by_least_squares += variance_of(moments, &weights[f * values], &rounded.values[f * values],
                                      rounded.scales[f]);
      to_nearest += variance_of(moments, &weights[f * values], nearest.data(), scales[f]);
    }
    INFO(values << " values");
    // A single weight is the scale's 127, exactly.
    CHECK(by_least_squares <= (values == 1 ? 1.0 : values == 2 ? 0.5 : 0.3) * to_nearest + 1e-9);
  }
}

TEST_CASE("no single step of a rounded weight makes the sums' error less") {
  Random random(162);
  INFO("seed " << random.seed);
  const Moments moments = mixed_moments(random, 12);
  const auto weights = random.reals(5 * 12, -1, 1);
  RoundedWeights rounded = graph::round_by_least_squares(weights, moments, scales_of(weights, 12),
                                                         std::vector<bool>(5, false), one_thread);
  for (std::size_t f = 0; f < 5; ++f) {
    int8_t* values = &rounded.values[f * 12];
    const double least = variance_of(moments, &weights[f * 12], values, rounded.scales[f]);
    for (std::size_t k = 0; k < 12; ++k) {
      for (const int step : {-1, 1}) {
        if (std::abs(values[k] + step) > 127) continue;
        values[k] = static_cast<int8_t>(values[k] + step);
        CHECK(variance_of(moments, &weights[f * 12], values, rounded.scales[f]) >=
              least * (1 - 1e-9));
        values[k] = static_cast<int8_t>(values[k] - step);
      }
    }
  }
}

TEST_CASE("channels that need their scale keep it, and threads change nothing") {
  SeededDraw random(3);
  const Moments moments = mixed_moments(random, 30);
  const auto weights = random.reals(100 * 30, -1, 1);
  auto scales = scales_of(weights, 30);
  std::vector<bool> fixed(100, false);
  for (std::size_t f = 0; f < 100; f += 3) {
    fixed[f] = true;
    scales[f] = 1;
  }
  const RoundedWeights one =
      graph::round_by_least_squares(weights, moments, scales, fixed, one_thread);
  for (std::size_t f = 0; f < 100; f += 3) CHECK(one.scales[f] == 1);
  const ThreadPool two_threads(2);
  const RoundedWeights two =
      graph::round_by_least_squares(weights, moments, scales, fixed, two_threads);
  CHECK(one.values == two.values);
  CHECK(one.scales == two.scales);
  CHECK(one.lost == two.lost);
  // The same on every machine.
  CHECK(checksum_of(std::as_bytes(std::span(one.values)), one.values.size()) ==
        0xceeafad117e38550U);
}

TEST_CASE("moments of windows are those that plain sums over all windows give") {
  Random random(163);
  INFO("seed " << random.seed);
  for (const int32_t groups : {1, 2, 6}) {
    for (const int32_t stride : {1, 2}) {
      LayerWindows w{.window = {.kernel_h = 3, .kernel_w = 2, .stride_h = stride, .stride_w = 1},
                     .batch = 2,
                     .height = 7,
                     .width = 5,
                     .channels = 6,
                     .groups = groups};
      w.window.dilation_w = 2;
      w.window.pad_top = 1;
      w.window.pad_right = 1;
      w.output_h = (7 + 1 - 3) / stride + 1;
      w.output_w = 5 + 1 - 3 + 1;
      for (int c = 0; c < 6; ++c) w.zero_points.push_back(random.integer(0, 255));
      constexpr std::size_t inputs = 30;
      InputMoments moments(w, inputs);
      const ThreadPool pool(2);
      const std::size_t values = w.values();
      const std::size_t in_group = 6 / static_cast<std::size_t>(groups);
      std::vector<std::vector<double>> windows(static_cast<std::size_t>(groups));
      for (std::size_t input = 0; input < inputs; ++input) {
        const auto bytes = random.bytes(2 * 7 * 5 * 6);
        moments.observe(bytes, pool);
        for (int n = 0; n < 2; ++n) {
          for (int y = 0; y < w.output_h; ++y) {
            for (int x = 0; x < w.output_w; ++x) {
              for (int g = 0; g < groups; ++g) {
                for (int ky = 0; ky < 3; ++ky) {
                  for (int kx = 0; kx < 2; ++kx) {
                    for (std::size_t c = 0; c < in_group; ++c) {
                      const int row = y * stride - 1 + ky;
                      const int column = x + 2 * kx;
                      const auto channel = static_cast<std::size_t>(g) * in_group + c;
                      const bool inside = row >= 0 && row < 7 && column < 5;
                      const auto at =
                          static_cast<std::size_t>(((n * 7 + row) * 5 + column) * 6) + channel;
                      windows[static_cast<std::size_t>(g)].push_back(
                          inside ? static_cast<double>(bytes[at] - w.zero_points[channel]) : 0.0);
                    }
                  }
                }
              }
            }
          }
        }
      }
      for (std::size_t g = 0; g < windows.size(); ++g) {
        const std::size_t count = windows[g].size() / values;
        const Moments got = moments.moments(g);
        std::vector<double> mean(values);
        for (std::size_t i = 0; i < windows[g].size(); ++i)
          mean[i % values] += windows[g][i] / static_cast<double>(count);
        double trace = 0;
        const auto covariance = [&](std::size_t i, std::size_t j) {
          double sum = 0;
          for (std::size_t k = 0; k < count; ++k) {
            sum += (windows[g][k * values + i] - mean[i]) * (windows[g][k * values + j] - mean[j]);
          }
          return sum / static_cast<double>(count);
        };
        for (std::size_t i = 0; i < values; ++i) trace += covariance(i, i);
        const double added = 0.01 * trace / static_cast<double>(values);
        for (std::size_t i = 0; i < values; ++i) {
          CHECK(got.mean[i] == Approx(mean[i]).margin(1e-9));
          CHECK(got.covariance[i * values + i] == Approx(covariance(i, i) + added).epsilon(1e-9));
          // What is chance is taken from the others.
          for (std::size_t j = 0; j < i; ++j) {
            CHECK(got.covariance[i * values + j] == got.covariance[j * values + i]);
            CHECK(std::abs(got.covariance[i * values + j]) <=
                  std::abs(covariance(i, j)) * (1 + 1e-9));
          }
        }
      }
    }
  }
}

namespace {

/// Layers of all kinds: dense, depthwise, grouped, linear.
Graph network() {
  GraphMaker m(5);
  TensorId x =
      m.simple("silu", Op::silu,
               m.conv("stem", m.input({1, 16, 16, 3}), {.channels = 16, .kernel = 3, .stride = 2}));
  x = m.relu("a.relu", m.conv("a", x, {.channels = 16, .kernel = 3, .padding = 1, .groups = 16}));
  const TensorId y = m.conv("b", x, {.channels = 16, .kernel = 3, .padding = 1, .groups = 2});
  x = m.relu("sum.relu", m.add("sum", x, y));
  x = m.average_pool("pool", x, {.kernel = 7});
  Graph graph = m.finish({m.linear("last", m.reshape("flat", x, {1, 16}), {.channels = 10})});
  // A large weight in each filter leaves the others few levels.
  for (const graph::Node& node : graph.nodes) {
    if (!graph::is_layer(node)) continue;
    graph::Tensor& weight = graph.tensor(node.inputs[1]);
    auto w = graph::float_values(weight);
    const std::size_t in_filter = w.size() / static_cast<std::size_t>(weight.shape[0]);
    for (std::size_t k = 0; k < w.size(); k += in_filter) w[k] *= 12;
  }
  return graph;
}

/// An image of a few smooth patterns, so that pixels depend on one another.
std::vector<Values> smooth_image(Draw& random) {
  Values values(16 * 16 * 3);
  const auto w = random.reals(9, -1, 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto c = i % 3;
    const auto x = static_cast<float>(i / 3 % 16);
    const auto y = static_cast<float>(i / 48);
    values[i] = std::sin(w[c] * x) + std::cos(w[3 + c] * y) + w[6 + c];
  }
  return {values};
}

}  // namespace

TEST_CASE("a network whose weights are rounded on inputs answers others more like float") {
  Graph graph = network();
  auto calibration = graph::Calibration::create(graph, 1);
  REQUIRE(calibration);
  SeededDraw images(5);
  for (int i = 0; i < 40; ++i) REQUIRE(calibration->observe(smooth_image(images)));
  REQUIRE(calibration->apply(graph, graph::Calibrator::min_max));
  const Model in_float = build(graph, {.float_only = true});
  const auto lowered = graph::lower(graph, {});
  REQUIRE(lowered);
  const auto round = [&](int inputs, int threads) {
    SeededDraw random(1);
    Graph rounded = *lowered;
    auto rounding =
        graph::WeightRounding::create(rounded, static_cast<std::size_t>(inputs), threads);
    REQUIRE(rounding);
    CHECK(rounding->passes() == 1);
    while (!rounding->done()) {
      for (int i = 0; i < inputs; ++i) REQUIRE(rounding->observe(smooth_image(random)));
      rounding->finish_pass(rounded);
    }
    const auto bytes = graph::finish_model(rounded);
    REQUIRE(bytes);
    return *bytes;
  };
  const auto error_of = [&](const std::vector<std::byte>& bytes) {
    const auto model = Model::from_memory(bytes, "rounded");
    REQUIRE(model);
    SeededDraw random(99);
    double error = 0;
    for (int i = 0; i < 40; ++i) {
      const auto image = smooth_image(random);
      const Values got = run(*model, image)[0];
      const Values expected = run(in_float, image)[0];
      for (std::size_t k = 0; k < got.size(); ++k)
        error += std::pow(double{got[k]} - double{expected[k]}, 2);
    }
    return error;
  };
  const auto plain = graph::finish_model(*lowered);
  REQUIRE(plain);
  const auto rounded = round(40, 1);
  CHECK(error_of(rounded) < 0.8 * error_of(*plain));
  CHECK(rounded == round(40, 2));
  CHECK(round(7, 1) == *plain);  // too few to tell anything
}

TEST_CASE("weights that came quantized, or with a wish for it, are not rounded again") {
  Graph graph = network();
  calibrate(graph);
  for (graph::Node& node : graph.nodes) {
    if (node.op != Op::linear)
      node.weight_quantization = graph::WeightQuantization{.scale = {0.01F}};
  }
  auto lowered = graph::lower(graph, {});
  REQUIRE(lowered);
  const Graph before = *lowered;
  auto rounding = graph::WeightRounding::create(*lowered, 8, 1);
  REQUIRE(rounding);
  SeededDraw random(1);
  for (int i = 0; i < 8; ++i) REQUIRE(rounding->observe(smooth_image(random)));
  rounding->finish_pass(*lowered);
  CHECK(rounding->done());
  for (std::size_t i = 0; i < before.nodes.size(); ++i) {
    if (!graph::is_layer(before.nodes[i])) continue;
    const bool same = lowered->nodes[i].inputs[1] == before.nodes[i].inputs[1];
    CHECK(same == (before.nodes[i].op != Op::linear));
  }
}

}  // namespace octet::test
