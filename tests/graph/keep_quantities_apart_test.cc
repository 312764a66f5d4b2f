#include <catch2/catch.hpp>
#include <cstring>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;
using graph::Precision;

namespace {

constexpr float pixels = 640.0F / 255;
constexpr float share = 1.0F / 255;

/// Two layers on one image: 'big' gives boxes of up to 640, 'small' gives scores of up to 1.
struct Head {
  GraphMaker m;
  TensorId big = 0;
  TensorId small = 0;

  Head() {
    const auto x = m.input({1, 4, 4, 3}, Quantization{.scale = 0.0625F, .zero_point = 128});
    big = m.conv("big", x);
    m.scale(big, pixels);
    const auto logits = m.conv("logits", x);
    m.scale(logits, 0.0625F, 128);
    small = m.simple("small", Op::sigmoid, logits);
    m.scale(small, share);
  }
};

Graph decided(Graph graph) {
  REQUIRE(octet::graph::choose_precision(graph, {}));
  return graph;
}

Precision precision_of(const Graph& graph, const std::string& name) {
  return node_named(graph, name).precision;
}

}  // namespace

TEST_CASE("boxes and scores that are joined keep their scales up to the output") {
  Head head;
  const auto joined = head.m.concat("joined", {head.big, head.small}, 3);
  const auto turned = head.m.transpose("turned", joined, {0, 3, 1, 2});
  head.m.scale(joined, pixels).scale(turned, pixels);
  const Graph graph = decided(head.m.finish({turned}));
  CHECK(precision_of(graph, "joined") == Precision::float32);
  CHECK(precision_of(graph, "turned") == Precision::float32);
  CHECK(node_named(graph, "joined").reason ==
        "different quantities, with steps of 0.0039 and 2.5, which one scale cannot hold: in float "
        "up to the output");
  for (const char* layer : {"big", "logits", "small"})
    CHECK(precision_of(graph, layer) == Precision::int8);
  CHECK(node_named(graph, "big").float_output);
}

TEST_CASE("a product or quotient by constants far apart is in float up to the output") {
  for (const Op op : {Op::mul, Op::div}) {
    for (const float small : {160.0F, 159.0F, 1.0F}) {
      GraphMaker m;
      const auto x = m.input({1, 4, 4, 3}, Quantization{.scale = 0.0625F, .zero_point = 128});
      const auto logits = m.conv("logits", x);
      m.scale(logits, 0.0625F, 128);
      const auto scores = m.simple("scores", Op::sigmoid, logits);
      m.scale(scores, share);
      const int32_t channels = m.graph().tensor(scores).shape[3];
      std::vector<float> factors(static_cast<std::size_t>(channels), 640);
      factors[0] = small;
      factors[1] = 0;
      const auto y = m.node("boxes", op, BinaryAttributes{},
                            {scores, m.constant("factors", {channels}, factors)});
      const auto turned = m.transpose("turned", y, {0, 3, 1, 2});
      m.scale(y, pixels).scale(turned, pixels);
      const Graph graph = decided(m.finish({turned}));
      const bool apart = small < 160 || op == Op::div;  // there is no division in int8
      CHECK((precision_of(graph, "boxes") == Precision::float32) == apart);
      CHECK(precision_of(graph, "scores") == Precision::int8);
      if (op == Op::mul && apart)
        CHECK(node_named(graph, "boxes").reason.starts_with("different quantities, with steps of"));
    }
  }
}

TEST_CASE("a function without bounds of a last layer with channels far apart is in float") {
  for (const Op op : {Op::leaky_relu, Op::hard_swish, Op::sigmoid}) {
    for (const float factor : {1.0F, 1000.0F}) {
      GraphMaker m;
      const auto x = m.input({1, 4, 4, 3}, Quantization{.scale = 0.0625F, .zero_point = 128});
      const auto both = m.conv("both", x);
      m.scale(both, pixels, 128);
      graph::Tensor& weight = m.graph().tensor(m.graph().nodes.back().inputs[1]);
      const auto values = graph::float_values(weight);
      for (std::size_t i = 0; i < values.size() / static_cast<std::size_t>(weight.shape[0]); ++i)
        values[i] *= factor;
      const auto y = m.simple("y", op, both);
      m.scale(y, pixels, 128);
      const Graph graph = decided(m.finish({y}));
      const bool apart = factor > 1 && op != Op::sigmoid;
      CHECK((precision_of(graph, "y") == Precision::float32) == apart);
      CHECK(precision_of(graph, "both") == Precision::int8);
      CHECK(node_named(graph, "both").float_output == apart);
    }
  }
}

TEST_CASE("sums and differences of two quantities are in float, and so is what follows") {
  for (const Op op : {Op::add, Op::sub}) {
    Head head;
    const auto sum = head.m.node("sum", op, BinaryAttributes{}, {head.big, head.small});
    const auto half = head.m.node("half", Op::mul, BinaryAttributes{},
                                  {sum, head.m.constant("c", {1, 1, 1, 1}, {0.5F})});
    head.m.scale(sum, pixels).scale(half, pixels / 2);
    const Graph graph = decided(head.m.finish({half}));
    CHECK(precision_of(graph, "sum") == Precision::float32);
    CHECK(precision_of(graph, "half") == Precision::float32);
    CHECK(precision_of(graph, "big") == Precision::int8);
  }
}

TEST_CASE(
    "a part of a head that is another quantity is cut out in float, straight from the layer") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3}, Quantization{.scale = 0.0625F, .zero_point = 128});
  const auto head = m.conv("head", x, {.channels = 4});
  const auto flat = m.reshape("flat", head, {1, 16, 4});
  const auto boxes =
      m.node("boxes", Op::slice, SliceAttributes{{0, 0, 0}, {1, 1, 1}, {1, 16, 3}}, {flat});
  const auto score =
      m.node("score", Op::slice, SliceAttributes{{0, 0, 3}, {1, 1, 1}, {1, 16, 1}}, {flat});
  const auto sized = m.simple("sized", Op::abs, boxes);
  const auto sure = m.simple("sure", Op::sigmoid, score);
  m.scale(head, pixels, 128).scale(flat, pixels, 128).scale(boxes, pixels, 128);
  m.scale(score, 0.05F, 128).scale(sized, pixels).scale(sure, share);
  const Graph graph = decided(m.finish({sized, sure}));
  CHECK(precision_of(graph, "head") == Precision::int8);
  CHECK(node_named(graph, "head").float_output);
  for (const char* name : {"flat", "boxes", "score", "sized", "sure"})
    CHECK(precision_of(graph, name) == Precision::float32);
}

TEST_CASE("quantities that layers read together are in float, with these layers and no further") {
  Head head;
  const auto joined = head.m.concat("joined", {head.big, head.small}, 3);
  const auto pooled = head.m.max_pool("pooled", joined);
  head.m.scale(joined, pixels).scale(pooled, pixels);
  const auto after = head.m.conv("after", pooled);
  const auto beside = head.m.conv("beside", joined);
  const auto last = head.m.conv("last", after);
  head.m.scale(after, 0.0625F, 128).scale(beside, 0.0625F, 128).scale(last, 0.0625F, 128);
  const Graph graph = decided(head.m.finish({last, beside}));
  for (const char* name : {"joined", "pooled", "after", "beside"}) {
    CHECK(precision_of(graph, name) == Precision::float32);
    CHECK(node_named(graph, name).reason ==
          "different quantities, with steps of 0.0039 and 2.5, which one scale cannot hold: in "
          "float with the layers that read them together");
  }
  for (const char* name : {"big", "logits", "small", "last"})
    CHECK(precision_of(graph, name) == Precision::int8);
}

TEST_CASE("parts that layers read apart are cut out in float") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3}, Quantization{.scale = 0.0625F, .zero_point = 128});
  const auto head = m.conv("head", x, {.channels = 4});
  const auto turned = m.transpose("turned", head, {0, 2, 1, 3});
  const auto place = m.node("place", Op::slice,
                            SliceAttributes{{0, 0, 0, 0}, {1, 1, 1, 1}, {1, 4, 4, 3}}, {turned});
  const auto score = m.node("score", Op::slice,
                            SliceAttributes{{0, 0, 0, 3}, {1, 1, 1, 1}, {1, 4, 4, 1}}, {turned});
  const auto far = m.conv("far", place);
  const auto sure = m.conv("sure", score);
  m.scale(head, pixels, 128).scale(turned, pixels, 128).scale(place, pixels, 128);
  m.scale(score, share, 128).scale(far, pixels, 128).scale(sure, share, 128);
  const Graph cut = m.finish({far, sure});
  const Graph graph = decided(cut);
  CHECK(node_named(graph, "head").float_output);
  for (const char* name : {"turned", "place", "score"})
    CHECK(precision_of(graph, name) == Precision::float32);
  for (const char* name : {"head", "far", "sure"})
    CHECK(precision_of(graph, name) == Precision::int8);

  // If the whole tensor is also read in bytes, the node that computes it is in float.
  GraphMaker both = m;
  const auto whole = both.conv("whole", head);
  both.scale(whole, pixels, 128);
  CHECK(precision_of(decided(both.finish({far, sure, whole})), "head") == Precision::float32);
}

TEST_CASE("scores beside boxes, before a layer that reads both, are as fine as alone") {
  Head head;
  const auto joined = head.m.concat("joined", {head.big, head.small}, 3);
  head.m.scale(joined, pixels);
  const auto after = head.m.conv("after", joined, {.channels = 4});
  Graph graph = head.m.finish({after});
  // The weights give boxes and scores the same influence.
  auto& weights = graph.tensor(graph.nodes.back().inputs[1]).data.value();
  REQUIRE(weights.size() == 4 * 8 * sizeof(float));
  std::vector<float> values(4 * 8);
  std::memcpy(values.data(), weights.data(), weights.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= i % 8 < 4 ? 1.0F / 640 : 1.0F;
  std::memcpy(weights.data(), values.data(), weights.size());
  const auto inputs = random_inputs(graph);
  const Values in_float = run(build(graph, {.float_only = true}), inputs).at(0);
  const Values in_int8 = run(build(graph), inputs).at(0);
  for (std::size_t i = 0; i < in_float.size(); ++i)
    CHECK(std::abs(in_int8[i] - in_float[i]) < 0.06F);
}

TEST_CASE("what one scale can hold stays int8") {
  Head near;
  near.m.scale(near.big, 4 * share);
  const auto both = near.m.concat("joined", {near.big, near.small}, 3);
  near.m.scale(both, 4 * share);
  const auto doubled = near.m.node("doubled", Op::add, BinaryAttributes{}, {both, both});
  near.m.scale(doubled, 8 * share);
  const Graph graph = decided(near.m.finish({doubled}));
  CHECK(precision_of(graph, "joined") == Precision::int8);
  CHECK(precision_of(graph, "doubled") == Precision::int8);
}

TEST_CASE("an output of two quantities that a layer reads as well is in float") {
  Head head;
  const auto joined = head.m.concat("joined", {head.big, head.small}, 3);
  head.m.scale(joined, pixels);
  const auto after = head.m.conv("after", joined);
  const Graph graph = decided(head.m.finish({joined, after}));
  CHECK(precision_of(graph, "joined") == Precision::float32);
  CHECK(precision_of(graph, "after") == Precision::int8);
}

TEST_CASE("scales that a file's author chose are kept as they are") {
  Head head;
  const auto joined = head.m.concat("joined", {head.big, head.small}, 3);
  head.m.scale(joined, pixels);
  Graph graph = head.m.finish({joined});
  for (bool Graph::* chosen : {&Graph::keeps_rounding, &Graph::has_authors_borders}) {
    Graph authors = graph;
    authors.*chosen = true;
    CHECK(precision_of(decided(authors), "joined") == Precision::int8);
  }
}

TEST_CASE("scores beside boxes are as fine as alone") {
  Head head;
  const auto joined = head.m.concat("joined", {head.big, head.small}, 3);
  head.m.scale(joined, pixels);
  const Graph graph = head.m.finish({joined});
  const auto inputs = random_inputs(graph);
  const Values in_float = run(build(graph, {.float_only = true}), inputs).at(0);
  const Values in_int8 = run(build(graph), inputs).at(0);
  for (std::size_t i = 0; i < in_float.size(); ++i) {
    if (i % 8 < 4) continue;  // skips the boxes
    CHECK(std::abs(in_int8[i] - in_float[i]) < 0.03F);
  }
}

TEST_CASE("what is kept in float is not rounded by a concat with others, but by the next layer") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3}, Quantization{.scale = 0.0625F, .zero_point = 128});
  const auto pool = m.max_pool("pool", m.conv("kept", x));
  const auto beside = m.max_pool("beside", m.conv("int8", x));
  const auto joined = m.concat("joined", {pool, beside}, 3);
  Graph graph = m.finish({m.conv("last", m.conv("after", joined))});
  calibrate(graph);
  const std::vector<std::string> wish = {"kept"};
  REQUIRE(octet::graph::choose_precision(graph, {.keep_float = wish}));
  for (const char* name : {"kept", "pool", "joined"})
    CHECK(precision_of(graph, name) == Precision::float32);
  for (const char* name : {"int8", "after", "last"})
    CHECK(precision_of(graph, name) == Precision::int8);
}

TEST_CASE("what a user or the author keeps in float stays float up to the next layer") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3}, Quantization{.scale = 0.0625F, .zero_point = 128});
  const auto kept = m.conv("kept", x);
  const auto pool = m.max_pool("pool", kept);
  const auto flat = m.reshape("flat", pool, {1, 1, 4, 4});
  const auto bent = m.simple("bent", Op::sigmoid, flat);
  const auto after = m.conv("after", bent);
  const auto other = m.conv("other", bent);
  const auto sum = m.add("sum", after, other);
  Graph calibrated = m.finish({sum});
  calibrate(calibrated);
  for (const bool author : {false, true}) {
    Graph graph = calibrated;
    if (author) graph.keep_float = {"kept"};
    const std::vector<std::string> users = {"kept"};
    REQUIRE(octet::graph::choose_precision(
        graph, {.keep_float = author ? std::vector<std::string>() : users}));
    for (const char* name : {"kept", "pool", "flat", "bent"})
      CHECK(precision_of(graph, name) == Precision::float32);
    for (const char* name : {"after", "other", "sum"})
      CHECK(precision_of(graph, name) == Precision::int8);
    CHECK(
        node_named(graph, "bent")
            .reason.starts_with(author ? "asked by the model's author: " : "asked by the user: "));
  }
  // If the author drew borders, they say where bytes begin again.
  Graph bordered = calibrated;
  bordered.keep_float = {"kept"};
  bordered.has_authors_borders = true;
  REQUIRE(octet::graph::choose_precision(bordered, {}));
  CHECK(precision_of(bordered, "bent") == Precision::int8);
}
