// Session::run() allocates nothing: every allocation of this process goes through the counters
// below.
#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <new>

#include "engine/float/step.h"
#include "engine/threads.h"
#include "tests/engine/functions.h"
#include "tests/graph/run_graph.h"

// The sanitizers bring a malloc of their own; there the test is left out.
#if !OCTET_SANITIZED
namespace {

std::atomic<bool> counting = false;
std::atomic<std::size_t> allocations = 0;

void count() {
  if (counting.load(std::memory_order_relaxed)) allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier): the C library's own names
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t number, std::size_t size);
void* __libc_realloc(void* pointer, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
// NOLINTEND(bugprone-reserved-identifier)

__attribute__((visibility("default"))) void* malloc(std::size_t size) {
  count();
  return __libc_malloc(size);
}

__attribute__((visibility("default"))) void* calloc(std::size_t number, std::size_t size) {
  count();
  return __libc_calloc(number, size);
}

__attribute__((visibility("default"))) void* realloc(void* pointer, std::size_t size) {
  count();
  return __libc_realloc(pointer, size);
}

__attribute__((visibility("default"))) void* aligned_alloc(std::size_t alignment,
                                                           std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

__attribute__((visibility("default"))) void* memalign(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

__attribute__((visibility("default"))) int posix_memalign(void** result, std::size_t alignment,
                                                          std::size_t size) {
  count();
  *result = __libc_memalign(alignment, size);
  return *result == nullptr ? ENOMEM : 0;
}

}  // extern "C"

namespace {

using namespace octet;
using namespace octet::test;

std::size_t allocations_of_runs(const Model& model, const std::vector<Values>& inputs,
                                int threads) {
  auto session = Session::create(model, {.threads = threads});
  REQUIRE(session);
  bool ok = true;
  // The first run may let pools and the float library settle.
  for (int run = 0; run < 4; ++run) {
    for (std::size_t i = 0; i < inputs.size(); ++i) ok = session->set_input(i, inputs[i]) && ok;
    if (run == 1) allocations = 0, counting = true;
    ok = session->run() && ok;
  }
  counting = false;
  CHECK(ok);
  return allocations;
}

// One node of a float island on loops, run by `threads` threads.
std::size_t allocations_of_loop(Op op, const Attributes& attributes,
                                const std::vector<Shape>& inputs, int threads) {
  const auto shape = infer_shape(op, attributes, inputs);
  REQUIRE(shape);
  std::vector<std::vector<float>> memory;
  std::vector<FloatValue> values;
  FloatNode node{.name = op_name(op), .op = op, .attributes = attributes};
  for (const Shape& input : inputs) {
    memory.emplace_back(static_cast<std::size_t>(element_count(input)), 1.0F);
    node.inputs.push_back(static_cast<int32_t>(values.size()));
    // The first operand comes from outside; parameters have to be constants.
    const bool outside = values.empty();
    values.push_back({.shape = input,
                      .constant = outside ? nullptr : memory.back().data(),
                      .external = outside ? memory.back().data() : nullptr});
  }
  memory.emplace_back(static_cast<std::size_t>(element_count(*shape)));
  node.outputs = {static_cast<int32_t>(values.size())};
  values.push_back({.shape = *shape, .external = memory.back().data()});
  const ThreadPool pool(threads);
  auto island = create_float_island({node}, values, pool.handle(), kernels::best_table(),
                                    FloatBackend::loops, &pool);
  REQUIRE(island);
  bool ok = (*island)->run().has_value();
  allocations = 0, counting = true;
  ok = (*island)->run() && ok;
  counting = false;
  CHECK(ok);
  return allocations;
}

int32_t pixels_of(const Shape& image) { return image[1] * image[2]; }

// A bit of everything that a network of today has.
Graph network(bool float_island) {
  GraphMaker m;
  const auto x = m.input({1, 16, 16, 3});
  const auto stem =
      m.relu6("r0", m.batch_norm("b0", m.conv("stem", x, {.channels = 8, .kernel = 3})));
  const auto deep = m.relu(
      "r1", m.conv("depthwise", stem, {.channels = 8, .kernel = 3, .padding = 1, .groups = 8}));
  auto y = m.add("add", m.conv("project", deep, {.channels = 8}), stem);
  if (float_island) {
    y = m.node("resize", Op::resize, ResizeAttributes{9, 9, ResizeMode::bilinear, false}, {y});
    y = m.softmax("softmax in float", m.node("div", Op::div, BinaryAttributes{}, {y, y}));
  }
  const auto joined = m.concat("concat", {m.max_pool("max", y), m.average_pool("avg", y)}, 3);
  const auto pooled = m.mean("mean", m.simple("silu", Op::silu, joined), {1, 2});
  const auto logits = m.linear("fc", m.relu("r2", m.linear("hidden", pooled)), {.channels = 10});
  const int32_t pixels = pixels_of(m.graph().tensor(joined).shape);
  const auto list = m.reshape("list", joined, {pixels, 16});
  const auto place = m.whole("place", Op::argmax, AxisAttributes{.axis = 0}, {list});
  const auto half =
      m.whole("half", Op::floor_div, BinaryAttributes{}, {place, m.whole_constant("two", {}, {2})});
  const auto places = m.whole("places", Op::reshape, ReshapeAttributes{{16, 1}}, {half});
  const auto picked = m.node("picked", Op::gather_nd, GatherAttributes{}, {list, places});
  const auto best = m.top_k("best", list, {.axis = 0, .k = 3});
  return m.finish({m.softmax("softmax", logits), m.argmax("class", logits), picked,
                   m.simple("real", Op::cast, half), best[0], best[1]});
}

}  // namespace

TEST_CASE("the counters count") {
  allocations = 0;
  counting = true;
  // Through a volatile pointer: a compiler may leave out an allocation that nobody sees.
  void* volatile pointer = std::malloc(10);
  std::free(pointer);
  std::vector<int>* volatile vector = new (std::align_val_t(64)) std::vector<int>(100);
  delete vector;
  counting = false;
  CHECK(allocations == 3);
}

TEST_CASE("run() of an int8 model allocates nothing") {
  Graph graph = network(false);
  const auto inputs = random_inputs(graph);
  calibrate(graph);
  const Model model = build(graph);
  REQUIRE_FALSE(model.has_float_island());
  for (const int threads : {1, 2}) CHECK(allocations_of_runs(model, inputs, threads) == 0);
}

TEST_CASE("run() of a float model, and of one with a float island, allocates nothing") {
  Graph graph = network(true);
  const auto inputs = random_inputs(graph);
  const Model in_float = build(network(false), {.float_only = true});
  calibrate(graph);
  const Model mixed = build(graph);
  REQUIRE(mixed.has_float_island());
  for (const int threads : {1, 2}) {
    CHECK(allocations_of_runs(in_float, inputs, threads) == 0);
    CHECK(allocations_of_runs(mixed, inputs, threads) == 0);
  }
}

TEST_CASE("no loop that stands in for XNNPACK allocates") {
  const Shape image = {1, 6, 6, 4};
  const Shape channel = {4};
  struct Case {
    Op op;
    Attributes attributes;
    std::vector<Shape> inputs;
  };
  std::vector<Case> cases = {
      {Op::conv2d, ConvAttributes{.window = {.kernel_h = 3, .kernel_w = 3}}, {image, {5, 3, 3, 4}}},
      {Op::conv2d, ConvAttributes{.groups = 4}, {image, {4, 1, 1, 1}}},
      {Op::linear, ConvAttributes{.has_bias = true}, {{2, 4}, {5, 4}, {5}}},
      {Op::max_pool, PoolAttributes{.window = {.kernel_h = 2, .kernel_w = 2}}, {image}},
      {Op::average_pool, PoolAttributes{.window = {.kernel_h = 2, .kernel_w = 2}}, {image}},
      {Op::softmax, AxisAttributes{.axis = 3}, {image}},
      {Op::argmax, AxisAttributes{.axis = 3}, {image}},
      {Op::concat, AxisAttributes{.axis = 3}, {image, image}},
      {Op::pad, PadAttributes{.before = {0, 1, 1, 0}, .after = {0, 1, 1, 0}, .value = 2}, {image}},
      {Op::transpose, TransposeAttributes{.permutation = {0, 3, 1, 2}}, {image}},
      {Op::resize, ResizeAttributes{9, 9, ResizeMode::nearest, false}, {image}},
      {Op::resize, ResizeAttributes{9, 9, ResizeMode::bilinear, false}, {image}},
      {Op::clip, ClipAttributes{.bounds = {.min = 0, .max = 6}}, {image}},
      {Op::mean, MeanAttributes{.axes = {1, 2}}, {image}},
      {Op::batch_norm, ScalarAttributes{1e-5F}, {image, channel, channel, channel, channel}},
      {Op::prelu, NoAttributes{}, {image, channel}},
      {Op::prelu, NoAttributes{}, {image, {1}}}};
  for (const Op op : functions_of_one_value()) {
    cases.push_back({op, function_attributes(op, 0.1F), {image}});
  }
  for (const Op op : {Op::add, Op::sub, Op::mul, Op::div}) {
    for (const Shape& other : {image, channel, Shape{1, 6, 1, 4}, Shape{1}}) {
      cases.push_back({op, BinaryAttributes{}, {image, other}});
    }
  }
  for (const Case& c : cases) {
    for (const int threads : {1, 2}) {
      INFO(op_name(c.op) << " with operands of " << shape_text(c.inputs.back()) << ", " << threads
                         << " threads");
      CHECK(allocations_of_loop(c.op, c.attributes, c.inputs, threads) == 0);
    }
  }
}
#else
TEST_CASE("run() allocates nothing", "[.]") {}
#endif
