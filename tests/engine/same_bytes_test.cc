// The same bytes everywhere: models whose outputs' checksums are committed, for every instruction
// set of this machine, with one thread and with two. All weights and inputs are whole multiples of
// powers of two, so that no machine's library rounds them otherwise.
//
// After a change that is meant to change bytes, OCTET_PRINT_CHECKSUMS=1 build/tests/octet_tests
// "the same bytes*" prints the new contents of tests/engine/checksums.json.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "kernels/kernels.h"
#include "loaders/loader.h"
#include "tests/graph/run_graph.h"

namespace octet::test {
namespace {

/// The 32-bit generator of Numerical Recipes. The upper eight bits are used.
class ExactValues {
 public:
  explicit ExactValues(uint32_t seed) : state_(seed) {}

  uint8_t byte() {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<uint8_t>(state_ >> 24);
  }
  /// Returns multiples of `largest` / 128 within [-largest, largest); `largest` is a power of two.
  std::vector<float> values(std::size_t count, float largest) {
    std::vector<float> out(count);
    for (float& v : out) v = static_cast<float>(byte() - 128) * (largest / 128);
    return out;
  }

 private:
  uint32_t state_;
};

/// Makes networks as GraphMaker does, but with exact values.
class ExactMaker {
 public:
  explicit ExactMaker(uint32_t seed) : values_(seed) {}

  TensorId conv(const std::string& name, TensorId x, ConvSettings s) {
    fill(s, s.kernel * s.kernel * graph().tensor(x).shape[3] / s.groups);
    return m.conv(name, x, s);
  }
  TensorId depthwise(const std::string& name, TensorId x, int32_t kernel, int32_t stride) {
    const int32_t channels = graph().tensor(x).shape[3];
    return conv(name, x,
                {.channels = channels,
                 .kernel = kernel,
                 .stride = stride,
                 .padding = kernel / 2,
                 .groups = channels});
  }
  TensorId linear(const std::string& name, TensorId x, int32_t channels) {
    ConvSettings s{.channels = channels};
    fill(s, graph().tensor(x).shape.back());
    return m.linear(name, x, s);
  }
  TensorId constant(const std::string& name, Shape shape, float largest) {
    const auto count = static_cast<std::size_t>(element_count(shape));
    return m.constant(name, std::move(shape), values_.values(count, largest));
  }

  /// Whether the node has no scales and runs in float.
  static bool runs_in_float(const Node& node) { return node.name.starts_with("float."); }

  /// Builds the model. Every activation of an int8 node gets a scale: for [0, 6) after an
  /// activation that ends at 0, for [0, 1) if it is a probability, and for [-6, 6) otherwise.
  Model build(std::vector<TensorId> outputs) {
    for (const TensorId id : graph().inputs) m.scale(id, 0.03125F, 128);
    for (const Node& node : graph().nodes) {
      if (runs_in_float(node)) continue;
      const auto* clip = std::get_if<ClipAttributes>(&node.attributes);
      if (clip != nullptr && clip->bounds.min == 0) {
        m.scale(node.outputs[0], 0.0234375F, 0);
      } else if (node.op == Op::sigmoid || node.op == Op::softmax) {
        m.scale(node.outputs[0], 0.00390625F, 0);
      } else if (graph().tensor(node.outputs[0]).type == Type::f32) {
        m.scale(node.outputs[0], 0.046875F, 128);
      }
    }
    graph::BuildOptions options;
    if (std::ranges::any_of(graph().nodes, runs_in_float)) options.keep_float = {"float"};
    return test::build(m.finish(std::move(outputs)), options);
  }

  Graph& graph() { return m.graph(); }
  GraphMaker m;

 private:
  /// Fills weights so that sums of `terms` products are about as large as the activations.
  void fill(ConvSettings& s, int32_t terms) {
    float largest = 2;
    for (int32_t t = 1; t < terms; t *= 4) largest /= 2;
    const auto count = static_cast<std::size_t>(terms) * static_cast<std::size_t>(s.channels);
    s.weights = values_.values(count, largest);
    s.bias_values = values_.values(static_cast<std::size_t>(s.channels), 0.5F);
  }

  ExactValues values_;
};

Model embedded_model() {
  auto graph = loaders::load(OCTET_SOURCE_DIR "/models/cifar10_mobilenet_v2.safetensors");
  INFO((graph ? "" : graph.error().message));
  REQUIRE(graph);
  return build(std::move(*graph));
}

Model mobilenet_v2_shaped() {
  ExactMaker e(2);
  GraphMaker& m = e.m;
  TensorId x =
      m.relu6("stem.relu", e.conv("stem", m.input({1, 65, 63, 3}),
                                  {.channels = 16, .kernel = 3, .stride = 2, .padding = 1}));
  int block = 0;
  for (const auto& [channels, stride] : {std::pair{16, 1}, {24, 2}, {24, 1}, {40, 2}, {40, 1}}) {
    const std::string name = "block" + std::to_string(block++);
    const int32_t inputs = e.graph().tensor(x).shape[3];
    const TensorId wide =
        m.relu6(name + ".wide.relu", e.conv(name + ".wide", x, {.channels = 6 * inputs}));
    const TensorId deep =
        m.relu6(name + ".deep.relu", e.depthwise(name + ".deep", wide, 3, stride));
    const TensorId narrow = e.conv(name + ".narrow", deep, {.channels = channels});
    x = stride == 1 && inputs == channels ? m.add(name + ".add", x, narrow) : narrow;
  }
  x = m.relu6("head.relu", e.conv("head", x, {.channels = 160}));
  x = e.linear("classifier", m.mean("pool", x, {1, 2}), 100);
  return e.build({m.softmax("scores", x)});
}

Model blaze_shaped() {
  ExactMaker e(3);
  GraphMaker& m = e.m;
  TensorId x =
      m.relu("stem.relu", e.conv("stem", m.input({1, 64, 64, 3}),
                                 {.channels = 24, .kernel = 3, .stride = 2, .padding = 1}));
  std::vector<TensorId> boxes;
  std::vector<TensorId> scores;
  int block = 0;
  for (const auto& [channels, stride] : {std::pair{24, 1}, {24, 1}, {48, 2}, {48, 1}, {96, 2}}) {
    const std::string name = "block" + std::to_string(block++);
    const int32_t inputs = e.graph().tensor(x).shape[3];
    const TensorId deep = e.depthwise(name + ".deep", x, 5, stride);
    const TensorId sum = e.conv(name + ".point", deep, {.channels = channels});
    TensorId shortcut = x;
    if (stride == 2) shortcut = m.max_pool(name + ".pool", shortcut);
    if (inputs != channels) {
      shortcut = m.node(
          name + ".pad", Op::pad,
          PadAttributes{.before = {0, 0, 0, 0}, .after = {0, 0, 0, channels - inputs}}, {shortcut});
    }
    x = m.relu(name + ".relu", m.add(name + ".add", sum, shortcut));
    if (channels < 48 || (channels == 48 && stride == 2)) continue;
    const int32_t places = e.graph().tensor(x).shape[1] * e.graph().tensor(x).shape[2];
    boxes.push_back(m.reshape(name + ".boxes.rows", e.conv(name + ".boxes", x, {.channels = 8}),
                              {1, 2 * places, 4}));
    scores.push_back(
        m.reshape(name + ".scores.rows",
                  e.conv(name + ".scores", x, {.channels = 4, .kernel = 3, .padding = 1}),
                  {1, 2 * places, 2}));
  }
  return e.build({m.concat("boxes", boxes, 1), m.softmax("scores", m.concat("logits", scores, 1))});
}

Model every_operator() {
  ExactMaker e(4);
  GraphMaker& m = e.m;
  const TensorId x = m.input({1, 19, 21, 13});
  std::vector<TensorId> outputs;
  const TensorId dense = e.conv("dense", x, {.channels = 30, .kernel = 3, .padding = 1});
  const TensorId seven =
      m.relu("seven.relu", e.conv("seven", x, {.channels = 30, .kernel = 7, .padding = 3}));
  const TensorId sum = m.add("sum", dense, seven);
  const TensorId difference = m.node("difference", Op::sub, BinaryAttributes{}, {dense, seven});
  const TensorId product = m.mul("product", sum, e.constant("factors", {30}, 1));
  const TensorId both = m.concat("both", {difference, product}, 3);
  TensorId y = e.conv("grouped", both, {.channels = 40, .kernel = 3, .stride = 2, .groups = 4});
  for (const auto& [name, op] : {std::pair{"sigmoid", Op::sigmoid},
                                 {"tanh", Op::tanh},
                                 {"hard_sigmoid", Op::hard_sigmoid},
                                 {"hard_swish", Op::hard_swish},
                                 {"silu", Op::silu},
                                 {"gelu", Op::gelu},
                                 {"abs", Op::abs},
                                 {"neg", Op::neg},
                                 {"softsign", Op::softsign},
                                 {"gelu_tanh", Op::gelu_tanh},
                                 {"erf", Op::erf},
                                 {"softplus", Op::softplus},
                                 {"mish", Op::mish}}) {
    outputs.push_back(m.mean(std::string(name) + ".mean", m.simple(name, op, y), {1, 2}));
  }
  outputs.push_back(m.argmax("argmax", y));
  outputs.push_back(m.softmax("softmax", y));
  outputs.push_back(m.max_pool("max_pool", y, {.kernel = 3, .stride = 2, .padding = 1}));
  outputs.push_back(m.average_pool("average_pool", y, {.kernel = 3, .stride = 1, .padding = 1}));
  outputs.push_back(m.transpose("transpose", y, {0, 3, 1, 2}));
  outputs.push_back(m.node(
      "slice", Op::slice,
      SliceAttributes{.begin = {0, 1, 8, 3}, .stride = {1, 2, -3, 1}, .count = {1, 4, 3, 21}},
      {y}));
  outputs.push_back(
      m.node("resize", Op::resize, ResizeAttributes{.output_h = 14, .output_w = 31}, {y}));
  outputs.push_back(m.clip("clip", e.depthwise("deep", y, 3, 1), {.min = -1, .max = 2}));
  outputs.push_back(e.depthwise("deep5", y, 5, 2));
  outputs.push_back(e.linear("linear", m.reshape("rows", y, {9, 10 * 40}), 17));
  return e.build(outputs);
}

/// Decodes the boxes of a detector, with every other exact float operator, behind an int8
/// convolution.
Model float_tail() {
  ExactMaker e(5);
  GraphMaker& m = e.m;
  const TensorId head = e.conv("head", m.input({1, 11, 9, 8}), {.channels = 12, .kernel = 3});
  std::vector<TensorId> outputs;
  const auto part = [&](const std::string& name, int32_t begin, int32_t count) {
    return m.node("float." + name, Op::slice,
                  SliceAttributes{
                      .begin = {0, 0, 0, begin}, .stride = {1, 1, 1, 1}, .count = {1, 9, 7, count}},
                  {head});
  };
  const auto both = [&](const std::string& name, Op op, TensorId a, TensorId b) {
    return m.node("float." + name, op, BinaryAttributes{}, {a, b});
  };
  const auto of = [&](const std::string& name, Op op, TensorId x, Attributes attributes = {}) {
    return m.node("float." + name, op, std::move(attributes), {x});
  };
  // Boxes as YOLO decodes them: a grid and a stride, exponentials of sizes, scores.
  const TensorId grid = e.constant("grid", {1, 9, 7, 2}, 8);
  const TensorId anchors = e.constant("anchors", {2}, 16);
  const TensorId centres =
      both("centres", Op::add, of("offsets", Op::sigmoid, part("xy", 0, 2)), grid);
  const TensorId sizes = both("sizes", Op::mul, of("exp", Op::exp, part("wh", 2, 2)), anchors);
  const TensorId corners =
      both("corners", Op::sub, centres, both("half", Op::div, sizes, e.constant("two", {1}, 2)));
  const TensorId scores = of("scores", Op::sigmoid, part("classes", 4, 8));
  outputs.push_back(
      m.reshape("float.boxes", m.concat("float.all", {corners, sizes, scores}, 3), {1, 63, 12}));
  const TensorId magnitude = of("abs", Op::abs, head);
  outputs.push_back(
      of("log", Op::log, both("above 0", Op::add, magnitude, m.constant("one", {1}, {1}))));
  outputs.push_back(of("sqrt", Op::sqrt, magnitude));
  for (const auto& [name, op] : {std::pair{"tanh", Op::tanh},
                                 {"silu", Op::silu},
                                 {"gelu", Op::gelu},
                                 {"hard_sigmoid", Op::hard_sigmoid},
                                 {"hard_swish", Op::hard_swish},
                                 {"neg", Op::neg},
                                 {"softsign", Op::softsign},
                                 {"gelu_tanh", Op::gelu_tanh},
                                 {"erf", Op::erf},
                                 {"softplus", Op::softplus},
                                 {"mish", Op::mish}}) {
    outputs.push_back(of(name, op, head));
  }
  outputs.push_back(of("leaky_relu", Op::leaky_relu, head, ScalarAttributes{.value = 0.3F}));
  outputs.push_back(of("elu", Op::elu, head, ScalarAttributes{.value = 0.7F}));
  outputs.push_back(of("clip", Op::clip, head, ClipAttributes{.bounds = {.min = -1.1F, .max = 2}}));
  outputs.push_back(
      m.node("float.prelu", Op::prelu, NoAttributes{}, {head, e.constant("slopes", {12}, 1)}));
  outputs.push_back(of("softmax", Op::softmax, head, AxisAttributes{.axis = 1}));
  outputs.push_back(of("mean", Op::mean, head, MeanAttributes{.axes = {1, 2}}));
  const Window window{.kernel_h = 3, .kernel_w = 3, .pad_top = 1, .pad_left = 1};
  outputs.push_back(of("average_pool", Op::average_pool, head, PoolAttributes{.window = window}));
  outputs.push_back(of("max_pool", Op::max_pool, head, PoolAttributes{.window = window}));
  outputs.push_back(
      of("resize", Op::resize, head,
         ResizeAttributes{.output_h = 20, .output_w = 13, .mode = ResizeMode::bilinear}));
  return e.build(outputs);
}

/// A pose network: the place of the largest value in each channel, and the values of other channels
/// there.
Model picked_places() {
  ExactMaker e(6);
  GraphMaker& m = e.m;
  const TensorId heat = e.conv("heat", m.input({1, 13, 11, 8}), {.channels = 17, .kernel = 3});
  const TensorId offsets = e.conv("offsets", heat, {.channels = 34, .kernel = 3, .padding = 1});
  const auto binary = [&](const std::string& name, Op op, TensorId a, TensorId b) {
    return m.whole(name, op, BinaryAttributes{}, {a, b});
  };
  const auto column_of = [&](const std::string& name, TensorId x) {
    return m.whole(name, Op::reshape, ReshapeAttributes{{17, 1}}, {x});
  };
  const TensorId width = m.whole_constant("width", {}, {9});
  const TensorId place = m.whole("place", Op::argmax, AxisAttributes{.axis = 1},
                                 {m.reshape("places of heat", heat, {1, 99, 17})});
  const TensorId row = binary("row", Op::floor_div, place, width);
  const TensorId column = binary("column", Op::sub, place, binary("before", Op::mul, row, width));
  const TensorId image = m.whole_constant("image", {17, 1}, std::vector<int32_t>(17, 0));
  const TensorId places = m.whole("places", Op::concat, AxisAttributes{.axis = 1},
                                  {image, column_of("rows", row), column_of("columns", column)});
  const TensorId picked = m.node("picked", Op::gather_nd, GatherAttributes{}, {offsets, places});
  const TensorId from_last =
      binary("from last", Op::sub, places, m.whole_constant("extents", {3}, {1, 11, 9}));
  return e.build({place, row, picked, m.simple("column.real", Op::cast, column),
                  m.node("picked again", Op::gather_nd, GatherAttributes{.from_end = true},
                         {offsets, from_last})});
}

/// Ranks like a detector: the channels of each place by their scores, and the places by the scores
/// of a channel; of bytes, many of which are equal, and of floats.
Model ranked() {
  ExactMaker e(7);
  GraphMaker& m = e.m;
  const TensorId heat = e.conv("heat", m.input({1, 13, 11, 8}), {.channels = 17, .kernel = 3});
  const auto channels = m.top_k("channels", heat, {.axis = 3, .k = 5});
  const auto places =
      m.top_k("places", m.reshape("places of heat", heat, {1, 99, 17}), {.axis = 1, .k = 99});
  const auto least = m.top_k("float.least", m.simple("float.exp", Op::exp, channels[0]),
                             {.axis = 1, .k = 3, .largest = false});
  return e.build({channels[0], channels[1], places[0], places[1], least[0], least[1]});
}

// The FNV-1a hash (Fowler, Noll, Vo) of 64 bits.
std::string checksum(const TensorView& view) {
  uint64_t hash = 0xcbf29ce484222325U;
  const auto* bytes = static_cast<const unsigned char*>(view.data);
  for (std::size_t i = 0; i < view.size; ++i) {
    hash = (hash ^ bytes[i]) * 0x100000001b3U;
  }
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

nlohmann::json checksums(const Model& model, const SessionOptions& options) {
  auto session = Session::create(model, options);
  REQUIRE(session);
  ExactValues values(99);
  for (std::size_t i = 0; i < model.inputs().size(); ++i) {
    const auto count = static_cast<std::size_t>(element_count(model.inputs()[i].shape));
    REQUIRE(session->set_input(i, values.values(count, 4)));
  }
  REQUIRE(session->run());
  nlohmann::json out;
  for (std::size_t i = 0; i < session->output_count(); ++i) {
    // If most values were the same, a wrong position would not show.
    INFO(model.outputs()[i].name);
    const TensorView view = session->output(i);
    if (view.info->type == Type::f32) {
      CHECK(std::ranges::count(view.values<float>(), view.values<float>()[0]) <
            static_cast<std::ptrdiff_t>(view.values<float>().size() / 2));
    }
    out[model.outputs()[i].name] = checksum(session->output(i));
  }
  return out;
}

/// Layers of all kinds with functions of all forms inside, with and without residuals, and wide
/// tensors with scales of channels.
Model functions_inside_layers() {
  ExactMaker e(11);
  GraphMaker& m = e.m;
  const auto function = [&](const std::string& name, Op op, TensorId x) {
    const auto parameter = op == Op::elu ? 1.0F : 0.25F;
    return op == Op::leaky_relu || op == Op::elu
               ? m.node(name, op, ScalarAttributes{parameter}, {x})
               : m.simple(name, op, x);
  };
  TensorId x = e.conv("stem", m.input({1, 33, 31, 3}),
                      {.channels = 24, .kernel = 3, .stride = 2, .padding = 1});
  x = function("stem.silu", Op::silu, x);
  int block = 0;
  for (const Op op : {Op::silu, Op::hard_swish, Op::mish, Op::leaky_relu, Op::gelu, Op::tanh,
                      Op::elu, Op::sigmoid, Op::abs, Op::softplus}) {
    const std::string name = "block" + std::to_string(block++);
    const TensorId wide =
        function(name + ".wide.f", op, e.conv(name + ".wide", x, {.channels = 40}));
    graph::Tensor& scaled = m.graph().tensor(wide);
    for (int c = 0; c < 40; ++c) {
      scaled.channel_low.push_back(c % 3 == 0 ? 0.0F : -0.25F);
      scaled.channel_high.push_back(0.5F + static_cast<float>(c % 16) / 4);
      scaled.channel_square.push_back(scaled.channel_high.back() * scaled.channel_high.back() / 64);
    }
    const TensorId deep = function(name + ".deep.f", op,
                                   e.depthwise(name + ".deep", wide, block % 2 == 0 ? 3 : 5, 1));
    const TensorId narrow = e.conv(name + ".narrow", deep, {.channels = 24});
    x = block % 3 == 0 ? m.add(name + ".add", x, function(name + ".narrow.f", op, narrow))
                       : function(name + ".sum.f", op, m.add(name + ".add", x, narrow));
  }
  return e.build({function("last", Op::sigmoid, e.conv("head", x, {.channels = 20})),
                  e.conv("other head", x, {.channels = 7})});
}

struct Case {
  const char* name;
  Model (*make)();
  bool has_float_island = false;
};

constexpr Case cases[] = {{"cifar10_mobilenet_v2", embedded_model},
                          {"functions inside layers", functions_inside_layers},
                          {"mobilenet_v2-shaped", mobilenet_v2_shaped},
                          {"blaze-shaped", blaze_shaped},
                          {"every operator", every_operator},
                          {"float tail", float_tail, true},
                          {"picked places", picked_places},
                          {"ranked", ranked, true}};

TEST_CASE("the same bytes on every CPU, with every instruction set, one thread and two") {
  std::ifstream file(OCTET_SOURCE_DIR "/tests/engine/checksums.json");
  const auto expected = nlohmann::json::parse(file, nullptr, false);
  nlohmann::json all;
  for (const Case& c : cases) {
    const Model model = c.make();
    INFO(c.name);
    CHECK(model.has_float_island() == c.has_float_island);
    CHECK(model.is_exact());
    all[c.name] = checksums(model, {.threads = 1, .isa = "reference"});
    for (const kernels::KernelTable* table : kernels::available_tables()) {
      for (const int threads : {1, 2}) {
        INFO(table->name << ", " << threads << " threads");
        CHECK(checksums(model, {.threads = threads, .isa = table->name}) ==
              expected.value(c.name, nlohmann::json()));
      }
    }
  }
  if (std::getenv("OCTET_PRINT_CHECKSUMS") != nullptr) std::cout << all.dump(1) << "\n";
}

TEST_CASE("a float tail as the float library computes it is near the exact one") {
  const Model model = float_tail();
  std::vector<std::vector<float>> outputs[2];
  for (const bool exact : {false, true}) {
    auto session = Session::create(model, {.threads = 2, .exact = exact});
    REQUIRE(session);
    ExactValues values(99);
    const auto count = static_cast<std::size_t>(element_count(model.inputs()[0].shape));
    REQUIRE(session->set_input(0, values.values(count, 4)));
    REQUIRE(session->run());
    for (std::size_t i = 0; i < session->output_count(); ++i) {
      const auto found = session->output(i).values<float>();
      outputs[exact ? 1 : 0].emplace_back(found.begin(), found.end());
    }
  }
  for (std::size_t i = 0; i < outputs[0].size(); ++i) {
    INFO(model.outputs()[i].name);
    CHECK(relative_error(outputs[0][i], outputs[1][i]) < 1e-5F);
  }
}

}  // namespace
}  // namespace octet::test
