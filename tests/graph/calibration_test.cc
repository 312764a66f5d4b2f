#include "graph/calibration/calibration.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "tests/graph/run_graph.h"

using namespace octet;
using namespace octet::test;
using graph::Calibration;
using graph::Calibrator;
using graph::Histogram;
using graph::Quantization;

namespace {

std::vector<float> normal_values(std::size_t count, float deviation = 1) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(count);
  std::ranges::generate(values, [&] { return normal(random); });
  return values;
}

double squared_error(const std::vector<float>& values, const Quantization& q) {
  double total = 0;
  for (const float value : values) {
    const float level = std::nearbyint(value / q.scale) + static_cast<float>(q.zero_point);
    const float back =
        q.scale * (std::clamp(level, 0.0f, 255.0f) - static_cast<float>(q.zero_point));
    total += static_cast<double>((back - value) * (back - value));
  }
  return total;
}

double highest(const Quantization& q) { return q.scale * static_cast<double>(255 - q.zero_point); }
double lowest(const Quantization& q) { return q.scale * static_cast<double>(-q.zero_point); }

}  // namespace

TEST_CASE("a histogram counts every value once, however its range grows") {
  Histogram histogram;
  std::vector<float> values = normal_values(5000);
  values.push_back(300);
  values.push_back(-7000);
  values.insert(values.end(), 40, 0.0f);
  histogram.observe(values);
  double count = 0;
  double sum = 0;
  for (const auto& bin : histogram.bins()) {
    count += bin.count;
    sum += bin.sum;
  }
  CHECK(count == 5002);
  CHECK(histogram.zeros() == 40);
  CHECK(histogram.count() == 5042);
  CHECK(histogram.low() == -7000);
  CHECK(histogram.high() == 300);
  double expected = 0;
  for (const float value : values) expected += static_cast<double>(value);
  CHECK(sum == Approx(expected));
}

TEST_CASE("a histogram of one value is one bin, and the value is counted as often as it came") {
  Histogram histogram;
  histogram.observe(std::vector<float>(7, 2.5f));
  REQUIRE(histogram.bins().size() == 1);
  CHECK(histogram.bins()[0].count == 7);
  CHECK(histogram.bins()[0].mean() == 2.5);
  histogram.observe(std::vector<float>{3.0f});
  double count = 0;
  for (const auto& bin : histogram.bins()) count += bin.count;
  CHECK(count == 8);
}

TEST_CASE("min-max covers all that was seen, and 0") {
  Histogram histogram;
  histogram.observe(std::vector<float>{1.0f, 5.1f});
  const Quantization q = choose_quantization(histogram, Calibrator::min_max);
  CHECK(q.zero_point == 0);
  CHECK(q.scale == Approx(5.1 / 255));
}

TEST_CASE("an outlier widens min-max, and not the calibrators that weigh it") {
  Histogram histogram;
  std::vector<float> values = normal_values(1000000);
  values.push_back(60);
  histogram.observe(values);
  CHECK(highest(choose_quantization(histogram, Calibrator::min_max)) == Approx(60).epsilon(0.01));
  for (const Calibrator calibrator :
       {Calibrator::percentile, Calibrator::mse, Calibrator::entropy}) {
    const Quantization q = choose_quantization(histogram, calibrator);
    CHECK(highest(q) < 30);
    CHECK(highest(q) > 2.5);
    CHECK(lowest(q) < -1);
  }
}

TEST_CASE(
    "mse gives less squared error than the whole range, and near the least of a fine search") {
  for (const float deviation : {0.01f, 1.0f, 300.0f}) {
    Histogram histogram;
    std::vector<float> values = normal_values(20000, deviation);
    for (float& value : values)
      value = std::max(value, -0.2f * deviation);  // the shape of a leaky activation's values
    histogram.observe(values);
    const double chosen = squared_error(values, choose_quantization(histogram, Calibrator::mse));
    CHECK(chosen <= squared_error(values, choose_quantization(histogram, Calibrator::min_max)));
    double least = std::numeric_limits<double>::infinity();
    for (double high = 1; high < 5; high += 0.05) {
      const auto range = graph::quantization_of_range(-0.2 * static_cast<double>(deviation),
                                                      high * static_cast<double>(deviation));
      least = std::min(least, squared_error(values, range));
    }
    CHECK(chosen < 1.02 * least);
  }
}

TEST_CASE("percentile leaves one value in ten thousand out at each end") {
  Histogram histogram;
  std::vector<float> values;
  for (int i = 1; i <= 100000; ++i) values.push_back(static_cast<float>(i));
  histogram.observe(values);
  const Quantization q = choose_quantization(histogram, Calibrator::percentile);
  CHECK(highest(q) == Approx(99990).epsilon(0.001));
  CHECK(q.zero_point == 0);
}

TEST_CASE("calibrated by octet itself, a network in int8 answers as in float") {
  GraphMaker m;
  const auto x = m.input({1, 16, 16, 3});
  const auto a = m.relu("r", m.batch_norm("b", m.conv("c", x, {.channels = 8, .kernel = 3})));
  const auto b = m.add("sum", m.conv("d", a, {.channels = 8}), a);
  graph::Graph graph = m.finish({m.linear("fc", m.mean("mean", b, {1, 2}), {.channels = 5})});
  const auto expected = run(build(graph, {.float_only = true}), random_inputs(graph));
  for (const Calibrator calibrator :
       {Calibrator::min_max, Calibrator::percentile, Calibrator::mse, Calibrator::entropy}) {
    graph::Graph calibrated = graph;
    auto calibration = Calibration::create(calibrated, 1);
    INFO((calibration ? "" : calibration.error().message));
    REQUIRE(calibration);
    for (uint32_t seed = 7; seed < 12; ++seed) {
      REQUIRE(calibration->observe(random_inputs(graph, seed)));
    }
    const auto remarks = calibration->apply(calibrated, calibrator);
    REQUIRE(remarks);
    CHECK(remarks->empty());
    const Model model = build(calibrated);
    CHECK_FALSE(model.has_float_island());
    CHECK(relative_error(run(model, random_inputs(graph))[0], expected[0]) < 0.1f);
  }
}

TEST_CASE("what was constant, zero or infinite in calibration is said with the tensor's name") {
  GraphMaker m;
  const auto x = m.input({1, 1, 1, 4});
  const auto zero = m.mul("zero", x, m.constant("zeros", {4}, {0, 0, 0, 0}));
  const auto two = m.add("two", zero, m.constant("twos", {4}, {2, 2, 2, 2}));
  const auto huge = m.simple("huge", Op::exp, x);
  graph::Graph graph = m.finish({two, huge});
  auto calibration = Calibration::create(graph, 1);
  REQUIRE(calibration);
  REQUIRE(calibration->observe({{1, 2, 3, 200}}));
  const auto remarks = calibration->apply(graph, Calibrator::mse);
  REQUIRE(remarks);
  REQUIRE(remarks->size() == 3);
  CHECK_THAT((*remarks)[0], Catch::Contains("'zero' was always 0"));
  CHECK_THAT((*remarks)[1], Catch::Contains("'two' was always 2"));
  CHECK_THAT((*remarks)[2], Catch::Contains("'huge' had 1 values that are infinite"));
}

TEST_CASE("without an input there is nothing to calibrate with") {
  GraphMaker m;
  const auto x = m.input({1, 1, 1, 4});
  graph::Graph graph = m.finish({m.relu("r", x)});
  auto calibration = Calibration::create(graph, 1);
  REQUIRE(calibration);
  const auto remarks = calibration->apply(graph, Calibrator::mse);
  REQUIRE_FALSE(remarks);
  CHECK_THAT(remarks.error().message, Catch::Contains("saw no input"));
}

TEST_CASE("outputs, and what only hands values on to them, are not clipped by any calibrator") {
  // One value in a hundred thousand is ten times as large as the others.
  Values values;
  for (int i = 0; i < 100000; ++i) values.push_back(static_cast<float>(i % 100) * 0.01f);
  values[500] = 10;
  GraphMaker m;
  const auto x = m.input({1, 100, 1000, 1});
  const auto inner = m.simple("inner", Op::abs, x);
  const auto answer = m.simple("answer", Op::abs, m.simple("bent", Op::tanh, inner));
  const auto doubled =
      m.mul("doubled", m.simple("last", Op::abs, inner), m.constant("two", {1}, {2}));
  const auto turned = m.transpose("turned", doubled, {0, 3, 1, 2});
  const auto below = m.simple("below", Op::neg, m.simple("before", Op::abs, inner));
  const graph::Graph graph = m.finish({answer, turned, below});
  auto calibration = Calibration::create(graph, 1);
  REQUIRE(calibration);
  REQUIRE(calibration->observe({values}));
  for (const Calibrator calibrator :
       {Calibrator::min_max, Calibrator::percentile, Calibrator::mse, Calibrator::entropy}) {
    graph::Graph calibrated = graph;
    REQUIRE(calibration->apply(calibrated, calibrator));
    const auto most = [&](const char* name) {
      return highest(*tensor_named(calibrated, name).quantization);
    };
    CHECK(most("answer") == Approx(1));
    CHECK(most("last") == Approx(10));
    CHECK(most("before") == Approx(10));
    CHECK(most("doubled") == Approx(20));
    CHECK(most("turned") == Approx(20));
    if (calibrator == Calibrator::percentile) CHECK(most("inner") < 2);
  }
}

TEST_CASE("what the last layers read is not clipped by how rare it is") {
  Values values;
  for (int i = 0; i < 100000; ++i) values.push_back(static_cast<float>(i % 100) * 0.01f);
  for (int i = 0; i < 5; ++i) values[static_cast<std::size_t>(i)] = 100;
  GraphMaker m;
  const auto x = m.input({1, 100, 1000, 1});
  const auto early = m.conv("early", x, {.channels = 1, .bias = false, .weights = {1}});
  const auto late = m.conv("late", early, {.channels = 1, .bias = false, .weights = {1}});
  const graph::Graph graph = m.finish({m.softmax("scores", late)});
  auto calibration = Calibration::create(graph, 1);
  REQUIRE(calibration);
  REQUIRE(calibration->observe({values}));
  graph::Graph calibrated = graph;
  REQUIRE(calibration->apply(calibrated, Calibrator::percentile));
  CHECK(highest(*tensor_named(calibrated, "early").quantization) > 50);  // the largest is 100
  CHECK(highest(*tensor_named(calibrated, tensor_named(graph, "x0").name).quantization) < 2);
}

namespace {

// The warnings of a calibration with these inputs, one after the other.
std::vector<std::string> warnings_of(const graph::Graph& graph, const std::vector<Values>& inputs) {
  auto calibration = Calibration::create(graph, 2);
  REQUIRE(calibration);
  for (const Values& values : inputs) REQUIRE(calibration->observe({values}));
  return calibration->warnings(graph);
}

std::vector<Values> different_inputs(const graph::Graph& graph, uint32_t count) {
  std::vector<Values> inputs;
  for (uint32_t seed = 1; seed <= count; ++seed) inputs.push_back(random_inputs(graph, seed).at(0));
  return inputs;
}

graph::Graph two_layers(const std::vector<float>& factors) {
  GraphMaker m;
  const auto x = m.input({1, 8, 8, static_cast<int32_t>(factors.size())});
  const auto scaled =
      m.mul("scaled", x, m.constant("factors", {static_cast<int32_t>(factors.size())}, factors));
  return m.finish({m.conv("last", m.conv("deep", scaled, {.channels = 8, .groups = 8}))});
}

}  // namespace

TEST_CASE("few images are warned of, and enough are not") {
  const graph::Graph graph = two_layers(std::vector<float>(8, 1));
  const auto three = warnings_of(graph, different_inputs(graph, 3));
  REQUIRE(three.size() == 1);
  CHECK_THAT(three[0], Catch::Contains("calibrated with 3 images") &&
                           Catch::Contains("give some tens of typical ones"));
  CHECK(warnings_of(graph, different_inputs(graph, 10)).empty());
}

TEST_CASE("images that are all alike are warned of") {
  const graph::Graph graph = two_layers(std::vector<float>(8, 1));
  const Values picture = random_inputs(graph).at(0);
  std::vector<Values> alike(12, picture);
  for (std::size_t i = 0; i < alike.size(); ++i) alike[i][0] += 0.001F * static_cast<float>(i);
  const auto warnings = warnings_of(graph, alike);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Contains("all 12 images of the calibration are alike"));
  // One that differs in one corner is enough.
  for (std::size_t i = 0; i < 16; ++i) alike[5][i] += 2;
  CHECK(warnings_of(graph, alike).empty());
}

TEST_CASE("an activation with values far beyond the usual ones is warned of, with what reads it") {
  const graph::Graph graph = two_layers(std::vector<float>(8, 1));
  auto inputs = different_inputs(graph, 12);
  inputs[3][100] = 900;
  const auto warnings = warnings_of(graph, inputs);
  REQUIRE(warnings.size() >= 2);  // the input, the product, and perhaps the layer behind it
  CHECK_THAT(warnings[1], Catch::Contains("activation 'scaled' reaches 900") &&
                              Catch::Contains("999 of 1,000 values stay within ") &&
                              Catch::Contains("--keep-float deep"));
}

TEST_CASE("a layer whose input has channels a thousand times apart is warned of") {
  const auto warned = [](const std::vector<float>& factors) {
    const graph::Graph graph = two_layers(factors);
    return warnings_of(graph, different_inputs(graph, 12));
  };
  const auto warnings = warned({1, 1, 1, 9000, 9000, 9000, 9000, 1});
  REQUIRE(!warnings.empty());
  CHECK_THAT(warnings[0], Catch::Contains("activation 'scaled' has channels") &&
                              Catch::Contains("--keep-float deep"));
  CHECK(warned({1, 1, 1, 300, 300, 300, 300, 1}).empty());
  // Channels without values are no reason to warn.
  CHECK(warned({0, 0, 0, 1, 1, 1, 1, 1}).empty());
}
