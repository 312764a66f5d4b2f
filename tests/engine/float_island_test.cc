// Float islands: each operator on XNNPACK and on loops, and small chains of them, against an oracle
// in double.
#include <cstring>
#include <numeric>

#include "engine/float/island.h"
#include "engine/float/step.h"
#include "tests/engine/float_oracle.h"
#include "tests/engine/functions.h"
#include "tests/kernels/random.h"

namespace octet {
namespace {

using test::Array;
using test::Random;

/// Builds an island: values, nodes, and the oracle's result for each node that is added.
class Network {
 public:
  explicit Network(Random& random) : random_(random) {}

  int32_t input(const Shape& shape, float low = -1, float high = 1) {
    const int32_t id = add_value(shape, low, high);
    external_[static_cast<std::size_t>(id)] = true;
    return id;
  }
  int32_t constant(const Shape& shape, float low = -1, float high = 1) {
    const int32_t id = add_value(shape, low, high);
    constant_[static_cast<std::size_t>(id)] = true;
    return id;
  }
  int32_t node(Op op, const Attributes& attributes, const std::vector<int32_t>& inputs) {
    std::vector<Shape> shapes;
    for (const int32_t i : inputs) shapes.push_back(values_[static_cast<std::size_t>(i)].shape);
    const auto shape = infer_shape(op, attributes, shapes);
    if (!shape) FAIL(op_name(op) << " " << shape.error().message);
    const int32_t id = add_value(*shape, 0, 0);
    nodes_.push_back({.name = "node " + std::to_string(nodes_.size()),
                      .op = op,
                      .attributes = attributes,
                      .inputs = inputs,
                      .outputs = {id}});
    return id;
  }
  void output(int32_t id) { external_[static_cast<std::size_t>(id)] = true; }
  void randomize(int32_t id) {
    for (float& v : data_[static_cast<std::size_t>(id)]) v = random_.real(-1, 1);
  }

  Expected<std::unique_ptr<FloatIsland>> island(FloatBackend backend, pthreadpool_t pool = nullptr,
                                                const ThreadPool* threads = nullptr) {
    std::vector<FloatValue> values = values_;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (constant_[i]) values[i].constant = data_[i].data();
      if (external_[i]) values[i].external = data_[i].data();
    }
    return create_float_island(nodes_, values, pool, kernels::best_table(), backend, threads);
  }

  /// Runs the nodes in double and compares every output.
  void compare() {
    std::vector<Array> expected(values_.size());
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const auto count = element_count(values_[i].shape);
      expected[i] = {.shape = values_[i].shape,
                     .values = {data_[i].begin(), data_[i].begin() + count}};
    }
    for (const FloatNode& node : nodes_) {
      std::vector<Array> inputs;
      for (const int32_t i : node.inputs) inputs.push_back(expected[static_cast<std::size_t>(i)]);
      const auto y = static_cast<std::size_t>(node.output());
      expected[y] = test::evaluate(node.op, node.attributes, inputs, values_[y].shape);
      if (external_[y]) compare_output(node, expected[y].values, data_[y]);
    }
  }

  /// Checks the network on XNNPACK, if it is built in, and on loops.
  void check() {
    for (const FloatBackend backend : {FloatBackend::fastest, FloatBackend::loops}) {
      INFO((backend == FloatBackend::loops ? "loops" : "fastest") << ", seed " << random_.seed);
      auto made = island(backend);
      if (!made) FAIL(made.error().message);
      for (const FloatNode& node : nodes_) {
        if (external_[static_cast<std::size_t>(node.output())]) clear(node.output());
      }
      REQUIRE((*made)->run().has_value());
      compare();
    }
  }

  bool all_on_xnnpack() const {
    return std::all_of(nodes_.begin(), nodes_.end(), [&](const FloatNode& node) {
      std::vector<Shape> shapes;
      for (const int32_t i : node.inputs) {
        shapes.push_back(values_[static_cast<std::size_t>(i)].shape);
      }
      return xnnpack_runs(node.op, node.attributes, shapes,
                          values_[static_cast<std::size_t>(node.output())].shape);
    });
  }

  const std::vector<float>& data(int32_t id) const { return data_[static_cast<std::size_t>(id)]; }
  std::vector<FloatNode>& nodes() { return nodes_; }

 private:
  int32_t add_value(const Shape& shape, float low, float high) {
    const auto count = static_cast<std::size_t>(element_count(shape));
    values_.push_back({.shape = shape});
    data_.push_back(random_.reals(count + 4, low, high));  // XNNPACK reads 16 bytes beyond
    constant_.push_back(false);
    external_.push_back(false);
    return static_cast<int32_t>(values_.size()) - 1;
  }

  void clear(int32_t id) {
    std::vector<float>& values = data_[static_cast<std::size_t>(id)];
    std::fill(values.begin(), values.end(), 1e30F);
  }

  void compare_output(const FloatNode& node, const std::vector<double>& expected,
                      const std::vector<float>& actual) {
    INFO(node.name << ": " << op_name(node.op) << " of "
                   << shape_text(values_[static_cast<std::size_t>(node.inputs[0])].shape) << " to "
                   << shape_text(values_[static_cast<std::size_t>(node.output())].shape));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      double value = static_cast<double>(actual[i]);
      if (node.op == Op::argmax) {
        int32_t index = 0;
        std::memcpy(&index, &actual[i], sizeof(index));
        value = index;
      }
      const double error = std::abs(value - expected[i]);
      if (!(error <= 1e-5 * std::max(1.0, std::abs(expected[i])))) {
        FAIL("value " << i << " is " << value << ", not " << expected[i]);
      }
    }
    CHECK(expected.size() + 4 == actual.size());
  }

  Random& random_;
  std::vector<FloatValue> values_;
  std::vector<FloatNode> nodes_;
  std::vector<std::vector<float>> data_;
  std::vector<bool> constant_;
  std::vector<bool> external_;
};

bool has_xnnpack() {
  const std::vector<Shape> shapes = {{1, 4}};
  return xnnpack_runs(Op::abs, NoAttributes{}, shapes, shapes[0]);
}

Bounds random_bounds(Random& random) {
  return random.pick({Bounds{}, Bounds{}, Bounds{.min = 0}, Bounds{.min = 0, .max = 0.8F}});
}

TEST_CASE("float convolutions of random shapes, with bias, residual and bounds") {
  Random random(61);
  for (int round = 0; round < 80; ++round) {
    ConvAttributes a;
    Window& w = a.window;
    w.kernel_h = random.pick({1, 3, 3, 5, random.integer(1, 7)});
    w.kernel_w = random.chance(0.8) ? w.kernel_h : random.integer(1, 7);
    w.stride_h = random.integer(1, 2);
    w.stride_w = random.integer(1, 2);
    w.dilation_h = w.dilation_w = random.pick({1, 1, 1, 2});
    w.pad_top = random.integer(0, 3);
    w.pad_left = random.integer(0, 3);
    w.pad_bottom = random.integer(0, 3);
    w.pad_right = random.integer(0, 3);
    const int32_t style = random.integer(0, 3);
    int32_t inputs = random.integer(1, 40);
    int32_t outputs = random.integer(1, 40);
    if (style == 0) a.groups = outputs = inputs;
    if (style == 1) {
      a.groups = random.integer(2, 4);
      inputs = a.groups * random.integer(1, 9);
      outputs = a.groups * random.integer(1, 9);
    }
    a.has_bias = random.chance(0.7);
    a.has_residual = random.chance(0.3);
    a.bounds = random_bounds(random);
    const Shape x = {random.pick({1, 1, 2}), random.integer(13, 15), random.integer(13, 17),
                     inputs};
    const Shape weight = {outputs, w.kernel_h, w.kernel_w, inputs / a.groups};

    Network network(random);
    // The weights are so small that rounding in long sums stays within the tolerance.
    const float reach = 1 / std::sqrt(static_cast<float>(element_count(weight) / outputs));
    std::vector<int32_t> operands = {network.input(x), network.constant(weight, -reach, reach)};
    if (a.has_bias) operands.push_back(network.constant({outputs}));
    ConvAttributes plain = a;
    plain.has_residual = false;
    std::vector<Shape> shapes = {x, weight};
    if (a.has_bias) shapes.push_back({outputs});
    const Shape y = *infer_shape(Op::conv2d, plain, shapes);
    if (a.has_residual) operands.push_back(network.input(y));
    network.output(network.node(Op::conv2d, a, operands));
    INFO("round " << round << ", groups " << a.groups << ", kernel " << w.kernel_h << "x"
                  << w.kernel_w);
    CHECK(network.all_on_xnnpack() == has_xnnpack());
    network.check();
  }
}

TEST_CASE("float linear layers of rank 2 and 3, with bias, residual and bounds") {
  Random random(62);
  for (int round = 0; round < 40; ++round) {
    ConvAttributes a;
    a.has_bias = random.chance(0.7);
    a.has_residual = random.chance(0.3);
    a.bounds = random_bounds(random);
    const int32_t inputs = random.integer(1, 70);
    const int32_t outputs = random.integer(1, 70);
    Shape x = {random.integer(1, 9), inputs};
    if (random.chance()) x.insert(x.begin(), random.integer(1, 3));
    Shape y = x;
    y.back() = outputs;
    Network network(random);
    std::vector<int32_t> operands = {network.input(x), network.constant({outputs, inputs})};
    if (a.has_bias) operands.push_back(network.constant({outputs}));
    if (a.has_residual) operands.push_back(network.input(y));
    network.output(network.node(Op::linear, a, operands));
    network.check();
  }
}

TEST_CASE("float linear layers of one vector") {
  Random random(63);
  Network network(random);
  network.output(
      network.node(Op::linear, ConvAttributes{}, {network.input({9}), network.constant({5, 9})}));
  network.check();
}

TEST_CASE("float binary operators broadcast either operand, constant or not") {
  Random random(64);
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{1, 5, 7, 9}, {1, 5, 7, 9}}, {{1, 5, 7, 9}, {9}},          {{9}, {1, 5, 7, 9}},
      {{1, 5, 7, 9}, {}},           {{1, 5, 7, 9}, {1, 1, 1, 9}}, {{2, 5, 7, 9}, {2, 1, 1, 9}},
      {{1, 5, 7, 9}, {1, 5, 7, 1}}, {{1, 5, 1, 9}, {1, 1, 7, 1}}, {{3}, {3}},
      {{2, 3, 4}, {3, 1}}};
  for (const Op op : {Op::add, Op::sub, Op::mul, Op::div}) {
    for (const auto& [a, b] : shapes) {
      for (const bool is_constant : {false, true}) {
        Network network(random);
        const int32_t x = network.input(a);
        const int32_t y = is_constant ? network.constant(b, 0.5F, 2) : network.input(b, 0.5F, 2);
        network.output(network.node(op, BinaryAttributes{.bounds = random_bounds(random)}, {x, y}));
        CHECK(network.all_on_xnnpack() == has_xnnpack());
        network.check();
      }
    }
  }
}

TEST_CASE("a float value combined with itself") {
  Random random(65);
  Network network(random);
  const int32_t x = network.input({1, 3, 3, 5});
  network.output(network.node(Op::mul, BinaryAttributes{}, {x, x}));
  network.check();
}

TEST_CASE("float pools of random windows, ceil mode and counted padding included") {
  Random random(66);
  int on_xnnpack = 0;
  for (int round = 0; round < 150; ++round) {
    PoolAttributes a;
    Window& w = a.window;
    w.kernel_h = random.integer(1, 5);
    w.kernel_w = random.integer(1, 5);
    w.stride_h = random.integer(1, 4);
    w.stride_w = random.integer(1, 4);
    w.pad_top = random.chance() ? random.integer(0, w.kernel_h - 1) : 0;
    w.pad_left = random.chance() ? random.integer(0, w.kernel_w - 1) : 0;
    w.pad_bottom = random.chance() ? random.integer(0, w.kernel_h - 1) : 0;
    w.pad_right = random.chance() ? random.integer(0, w.kernel_w - 1) : 0;
    const Op op = random.pick({Op::max_pool, Op::average_pool});
    if (op == Op::max_pool && random.chance(0.3)) w.dilation_h = w.dilation_w = 2;
    a.ceil_mode = random.chance(0.3);
    a.count_include_pad = random.chance();
    a.bounds = random_bounds(random);
    Network network(random);
    const Shape x = {random.pick({1, 1, 2}), random.integer(9, 14), random.integer(9, 14),
                     random.integer(1, 40)};
    network.output(network.node(op, a, {network.input(x)}));
    on_xnnpack += network.all_on_xnnpack();
    INFO("round " << round << ", kernel " << w.kernel_h << "x" << w.kernel_w << ", stride "
                  << w.stride_h << "x" << w.stride_w << ", padding " << w.pad_top << " "
                  << w.pad_left << " " << w.pad_bottom << " " << w.pad_right);
    network.check();
  }
  CHECK((on_xnnpack > 40) == has_xnnpack());
}

TEST_CASE("float global average pools") {
  Random random(67);
  for (const int32_t size : {1, 2, 7, 20}) {
    Network network(random);
    const int32_t x = network.input({1, size, size, 33});
    PoolAttributes a;
    a.window.kernel_h = a.window.kernel_w = size;
    network.output(network.node(Op::average_pool, a, {x}));
    network.output(network.node(Op::mean, MeanAttributes{.axes = {1, 2}, .keepdims = true}, {x}));
    network.output(network.node(Op::mean, MeanAttributes{.axes = {2, 1}}, {x}));
    network.check();
  }
}

TEST_CASE("float means over any axes") {
  Random random(68);
  for (const std::vector<int32_t>& axes :
       {std::vector<int32_t>{0}, {3}, {1}, {1, 3}, {0, 1, 2, 3}, {2, 3}}) {
    for (const bool keepdims : {false, true}) {
      Network network(random);
      const int32_t x = network.input({2, 5, 4, 9});
      network.output(
          network.node(Op::mean, MeanAttributes{.axes = axes, .keepdims = keepdims}, {x}));
      network.check();
    }
  }
}

TEST_CASE("float batch norms of rank 2 and 4") {
  Random random(69);
  for (const Shape& shape : {Shape{3, 19}, Shape{1, 4, 5, 19}}) {
    Network network(random);
    const std::vector<int32_t> operands = {network.input(shape), network.constant({19}),
                                           network.constant({19}), network.constant({19}),
                                           network.constant({19}, 0.1F, 2)};
    network.output(network.node(Op::batch_norm, ScalarAttributes{.value = 1e-3F}, operands));
    CHECK(network.all_on_xnnpack() == has_xnnpack());
    network.check();
  }
}

TEST_CASE("float functions of one value") {
  Random random(70);
  const auto scalar = [](float value) { return ScalarAttributes{.value = value}; };
  std::vector<std::pair<Op, Attributes>> functions = {
      {Op::clip, ClipAttributes{.bounds = {.min = 0}}},
      {Op::clip, ClipAttributes{.bounds = {.min = 0, .max = 6}}},
      {Op::clip, ClipAttributes{.bounds = {.max = 1}}},
      {Op::clip, ClipAttributes{.bounds = {.min = 1, .max = 1}}},
      {Op::clip, ClipAttributes{}},
      {Op::leaky_relu, scalar(0.01F)},
      {Op::leaky_relu, scalar(-0.5F)},
      {Op::leaky_relu, scalar(0)},
      {Op::elu, scalar(1)},
      {Op::elu, scalar(0.3F)},
      {Op::elu, scalar(-1)}};
  for (const Op op : test::functions_of_one_value()) {
    if (test::takes_all_numbers(op))
      functions.emplace_back(op, test::function_attributes(op, 0.2F));
  }
  for (const auto& [op, attributes] : functions) {
    for (const float range : {0.1F, 8.0F, 60.0F}) {
      Network network(random);
      network.output(network.node(op, attributes, {network.input({1, 7, 5, 9}, -range, range)}));
      network.check();
    }
  }
  for (const Op op : {Op::log, Op::sqrt}) {
    Network network(random);
    network.output(network.node(op, NoAttributes{}, {network.input({1, 7, 5, 9}, 1e-6F, 20)}));
    network.check();
  }
}

TEST_CASE("float functions of large values go to their limits") {
  Random random(71);
  for (const Op op : {Op::sigmoid, Op::tanh, Op::silu, Op::gelu, Op::hard_swish}) {
    Network network(random);
    network.output(network.node(op, NoAttributes{}, {network.input({40}, 90, 1000)}));
    network.output(network.node(op, NoAttributes{}, {network.input({40}, -1000, -90)}));
    network.check();
  }
}

TEST_CASE("prelu with a slope a channel, one for all, or a computed one") {
  Random random(72);
  for (const int32_t slopes : {1, 13}) {
    for (const bool computed : {false, true}) {
      Network network(random);
      const int32_t x = network.input({1, 4, 5, 13});
      const int32_t slope = computed ? network.input({slopes}) : network.constant({slopes});
      network.output(network.node(Op::prelu, NoAttributes{}, {x, slope}));
      network.check();
    }
  }
}

TEST_CASE("float softmax and argmax along any axis") {
  Random random(73);
  for (int32_t axis = 0; axis < 4; ++axis) {
    Network network(random);
    const int32_t x = network.input({2, 5, 4, 9}, -20, 20);
    network.output(network.node(Op::softmax, AxisAttributes{.axis = axis}, {x}));
    network.output(network.node(Op::log_softmax, AxisAttributes{.axis = axis}, {x}));
    network.output(network.node(Op::argmax, AxisAttributes{.axis = axis, .keepdims = true}, {x}));
    network.output(network.node(Op::argmax, AxisAttributes{.axis = axis}, {x}));
    network.check();
  }
}

TEST_CASE("float resizes, bilinear with and without aligned corners, and nearest") {
  Random random(74);
  for (int round = 0; round < 40; ++round) {
    ResizeAttributes a;
    a.output_h = random.integer(1, 19);
    a.output_w = random.integer(1, 19);
    a.mode = random.chance(0.8) ? ResizeMode::bilinear : ResizeMode::nearest;
    a.align_corners = random.chance();
    Network network(random);
    const Shape x = {random.integer(1, 2), random.integer(1, 9), random.integer(1, 9),
                     random.integer(1, 20)};
    network.output(network.node(Op::resize, a, {network.input(x)}));
    INFO("to " << a.output_h << "x" << a.output_w << (a.align_corners ? ", aligned corners" : ""));
    network.check();
  }
}

TEST_CASE("float movements") {
  Random random(75);
  Network network(random);
  const int32_t x = network.input({1, 6, 5, 8});
  const int32_t y = network.input({1, 6, 5, 3});
  network.output(network.node(Op::concat, AxisAttributes{.axis = 3}, {x, y, x}));
  network.output(network.node(
      Op::slice,
      SliceAttributes{.begin = {0, 5, 0, 1}, .stride = {1, -2, 1, 2}, .count = {1, 3, 5, 3}}, {x}));
  network.output(network.node(
      Op::pad, PadAttributes{.before = {0, 1, 0, 2}, .after = {0, 0, 3, 1}, .value = -0.5F}, {x}));
  network.output(network.node(Op::reshape, ReshapeAttributes{.shape = {30, 8}}, {x}));
  network.output(
      network.node(Op::transpose, TransposeAttributes{.permutation = {0, 3, 1, 2}}, {x}));
  network.check();
}

/// Convolutions, a shuffle that XNNPACK lacks, a shortcut, a gate and a classifier.
int32_t small_network(Network& network, int32_t x) {
  ConvAttributes conv;
  conv.window = {
      .kernel_h = 3, .kernel_w = 3, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
  conv.has_bias = true;
  const int32_t a =
      network.node(Op::conv2d, conv, {x, network.constant({12, 3, 3, 3}), network.constant({12})});
  const int32_t b = network.node(Op::clip, ClipAttributes{.bounds = {.min = 0, .max = 6}}, {a});
  const int32_t c = network.node(Op::reshape, ReshapeAttributes{.shape = {1, 64, 3, 4}}, {b});
  const int32_t d =
      network.node(Op::transpose, TransposeAttributes{.permutation = {0, 1, 3, 2}}, {c});
  const int32_t e = network.node(Op::reshape, ReshapeAttributes{.shape = {1, 8, 8, 12}}, {d});
  conv.groups = 12;
  conv.has_residual = true;
  conv.bounds = {.min = 0};
  const int32_t f = network.node(Op::conv2d, conv,
                                 {e, network.constant({12, 3, 3, 1}), network.constant({12}), b});
  const int32_t g = network.node(Op::mean, MeanAttributes{.axes = {1, 2}, .keepdims = true}, {f});
  const int32_t h = network.node(Op::gelu, NoAttributes{}, {g});
  const int32_t i = network.node(Op::mul, BinaryAttributes{}, {f, h});
  const int32_t j = network.node(Op::mean, MeanAttributes{.axes = {1, 2}}, {i});
  const int32_t k = network.node(Op::linear, ConvAttributes{}, {j, network.constant({5, 12})});
  return network.node(Op::softmax, AxisAttributes{.axis = 1}, {k});
}

TEST_CASE("a float network alternates between XNNPACK and loops, run after run") {
  Random random(76);
  for (const FloatBackend backend : {FloatBackend::fastest, FloatBackend::loops}) {
    Network network(random);
    const int32_t x = network.input({1, 8, 8, 3});
    network.output(small_network(network, x));
    auto island = network.island(backend);
    REQUIRE(island.has_value());
    CHECK((*island)->memory_bytes() > 0);
    for (int run = 0; run < 3; ++run) {
      network.randomize(x);
      REQUIRE((*island)->run().has_value());
      network.compare();
    }
  }
}

TEST_CASE("a float network gives the same values on a pool of threads") {
  Random random(77);
  const std::unique_ptr<struct pthreadpool, void (*)(pthreadpool_t)> pool(pthreadpool_create(2),
                                                                          pthreadpool_destroy);
  for (const FloatBackend backend : {FloatBackend::fastest, FloatBackend::loops}) {
    Network network(random);
    network.output(small_network(network, network.input({1, 8, 8, 3})));
    auto island = network.island(backend, pool.get());
    REQUIRE(island.has_value());
    REQUIRE((*island)->run().has_value());
    network.compare();
  }
}

TEST_CASE("a float value that goes outside and is read inside keeps its own value") {
  Random random(78);
  Network network(random);
  const int32_t x = network.input({1, 4, 4, 8});
  const int32_t sum = network.node(Op::add, BinaryAttributes{}, {x, network.constant({8})});
  // The sum must not be fused with the clip, although only the clip reads it.
  network.output(sum);
  network.output(network.node(Op::clip, ClipAttributes{.bounds = {.min = 0}}, {sum}));
  network.check();
}

TEST_CASE("float bounds that leave a single value, or follow ones that they exclude") {
  Random random(82);
  Network network(random);
  const int32_t x = network.input({1, 4, 4, 8});
  const Bounds one = {.min = 0.25F, .max = 0.25F};
  network.output(network.node(Op::add, BinaryAttributes{.bounds = one}, {x, x}));
  const int32_t above = network.node(Op::add, BinaryAttributes{.bounds = {.min = 0}}, {x, x});
  network.output(network.node(Op::clip, ClipAttributes{.bounds = {.max = -1}}, {above}));
  network.check();
}

TEST_CASE("a float value that nobody reads does no harm") {
  Random random(79);
  Network network(random);
  const int32_t x = network.input({1, 4, 4, 8});
  network.node(Op::abs, NoAttributes{}, {x});
  network.output(network.node(Op::neg, NoAttributes{}, {x}));
  network.check();
}

TEST_CASE("float padding in front of a convolution") {
  Random random(80);
  for (const float value : {0.0F, 2.0F}) {  // XNNPACK joins zero padding with the convolution
    Network network(random);
    const int32_t x = network.input({1, 6, 6, 4});
    const int32_t padded = network.node(
        Op::pad, PadAttributes{.before = {0, 1, 2, 0}, .after = {0, 2, 1, 0}, .value = value}, {x});
    ConvAttributes conv;
    conv.window.kernel_h = conv.window.kernel_w = 3;
    network.output(network.node(Op::conv2d, conv, {padded, network.constant({7, 3, 3, 4})}));
    network.check();
  }
}

/// Returns the message with which an island is refused.
std::string refusal(Network& network) {
  const auto island = network.island(FloatBackend::fastest);
  return island ? "" : island.error().message;
}

TEST_CASE("a float island names the node that it cannot run") {
  Random random(81);
  Network network(random);
  const int32_t x = network.input({1, 4, 4, 8});
  network.output(network.node(Op::abs, NoAttributes{}, {x}));
  FloatNode& node = network.nodes()[0];
  node.name = "features.3.abs";

  SECTION("an operator without a float form") {
    node.op = Op::dequantize;
    CHECK(refusal(network) == "float node 'features.3.abs' (dequantize) is no float operator");
  }
  SECTION("a value that does not exist") {
    node.inputs = {7};
    CHECK(refusal(network).find("'features.3.abs' (abs) reads value 7") != std::string::npos);
  }
  SECTION("a value that nobody wrote") {
    Network other(random);
    const int32_t from = other.node(Op::abs, NoAttributes{}, {other.input({3})});
    other.output(other.node(Op::neg, NoAttributes{}, {from}));
    other.nodes().erase(other.nodes().begin());
    CHECK(refusal(other).find("'node 1' (neg) reads value 1 before") != std::string::npos);
  }
  SECTION("a shape that does not follow") {
    node.op = Op::mean;
    node.attributes = MeanAttributes{.axes = {1, 2}};
    CHECK(refusal(network).find("'features.3.abs' (mean) makes [1, 8], not [1, 4, 4, 8]") !=
          std::string::npos);
  }
  SECTION("computed weights") {
    Network other(random);
    other.output(
        other.node(Op::linear, ConvAttributes{}, {other.input({2, 3}), other.input({4, 3})}));
    CHECK(refusal(other).find("'node 0' (linear) has parameters that are computed") !=
          std::string::npos);
  }
}

TEST_CASE("loops give the same bytes with any number of threads") {
  Random random(61);
  const ThreadPool threads(3);
  const Shape image = {2, 37, 41, 19};
  const Window window{.kernel_h = 3, .kernel_w = 3, .pad_top = 1, .pad_left = 1};
  const std::vector<std::pair<Op, Attributes>> of_one = {
      {Op::sigmoid, NoAttributes{}},
      {Op::hard_swish, NoAttributes{}},
      {Op::softmax, AxisAttributes{.axis = 3}},
      {Op::softmax, AxisAttributes{.axis = 1}},
      {Op::log_softmax, AxisAttributes{.axis = 3}},
      {Op::log_softmax, AxisAttributes{.axis = 1}},
      {Op::mean, MeanAttributes{.axes = {1, 2}}},
      {Op::max_pool, PoolAttributes{.window = window}},
      {Op::average_pool, PoolAttributes{.window = window}},
      {Op::resize, ResizeAttributes{.output_h = 70, .output_w = 90, .mode = ResizeMode::bilinear}}};
  const std::vector<std::pair<Op, Shape>> of_two = {
      {Op::add, image},          {Op::sub, {19}},          {Op::mul, {1}},
      {Op::div, {2, 37, 41, 1}}, {Op::mul, {2, 1, 41, 1}}, {Op::prelu, {19}}};
  const auto check = [&](Op op, const Attributes& attributes, const std::vector<Shape>& shapes) {
    Network network(random);
    std::vector<int32_t> inputs;
    for (const Shape& shape : shapes) {
      const bool first = inputs.empty();
      inputs.push_back(first ? network.input(shape, -3, 3) : network.constant(shape, 0.5F, 3));
    }
    const int32_t y = network.node(op, attributes, inputs);
    network.output(y);
    std::vector<float> results[2];
    for (const bool shares : {false, true}) {
      auto island = network.island(FloatBackend::loops, nullptr, shares ? &threads : nullptr);
      REQUIRE(island);
      REQUIRE((*island)->run().has_value());
      results[shares ? 1 : 0] = network.data(y);
    }
    INFO(op_name(op));
    CHECK(std::memcmp(results[0].data(), results[1].data(), results[0].size() * sizeof(float)) ==
          0);
    network.compare();
  };
  for (const auto& [op, attributes] : of_one) check(op, attributes, {image});
  for (const auto& [op, other] : of_two) {
    check(op, op == Op::prelu ? Attributes(NoAttributes{}) : Attributes(BinaryAttributes{}),
          {image, other});
  }
}

}  // namespace
}  // namespace octet
