// What a classifier's scores mean is found from the nodes, in graphs and in files that do not say
// it.
#include <catch2/catch.hpp>

#include "graph/passes/passes.h"
#include "tests/graph/run_graph.h"

namespace octet::test {
namespace {

struct End {
  const char* name;
  ScoreType expected;
  TensorId (*make)(GraphMaker&, TensorId logits);
};

constexpr int32_t classes = 6;

TensorId one_exponential_over_their_sum(GraphMaker& m, TensorId x) {
  const TensorId e = m.simple("e", Op::exp, x);
  const TensorId mean = m.mean("mean", e, {1}, true);
  const TensorId sum = m.mul("sum", mean, m.constant("count", {1, 1}, {classes}));
  return m.node("share", Op::div, BinaryAttributes{}, {e, sum});
}

constexpr End ends[] = {
    {"logits", ScoreType::logits, [](GraphMaker&, TensorId x) { return x; }},
    {"tanh", ScoreType::logits,
     [](GraphMaker& m, TensorId x) { return m.simple("end", Op::tanh, x); }},
    {"relu", ScoreType::logits, [](GraphMaker& m, TensorId x) { return m.relu("end", x); }},
    {"log of what is no probability", ScoreType::logits,
     [](GraphMaker& m, TensorId x) {
       return m.simple("end", Op::log, m.clip("positive", x, {.min = 0.5F}));
     }},
    {"softmax", ScoreType::probabilities,
     [](GraphMaker& m, TensorId x) { return m.softmax("end", x); }},
    {"softmax in parts", ScoreType::probabilities, one_exponential_over_their_sum},
    {"log_softmax", ScoreType::log_probabilities,
     [](GraphMaker& m, TensorId x) { return m.simple("end", Op::log, m.softmax("inner", x)); }},
    {"softmax by way of its logarithm", ScoreType::probabilities,
     [](GraphMaker& m, TensorId x) {
       return m.simple("end", Op::exp, m.simple("log", Op::log, m.softmax("inner", x)));
     }},
    {"sigmoid", ScoreType::independent,
     [](GraphMaker& m, TensorId x) { return m.simple("end", Op::sigmoid, x); }},
    {"hard sigmoid", ScoreType::independent,
     [](GraphMaker& m, TensorId x) { return m.simple("end", Op::hard_sigmoid, x); }},
    {"hard sigmoid in parts", ScoreType::independent,
     [](GraphMaker& m, TensorId x) {
       const TensorId fifth = m.mul("fifth", x, m.constant("slope", {1}, {0.2F}));
       return m.clip("end", m.add("line", fifth, m.constant("half", {1}, {0.5F})),
                     {.min = 0, .max = 1});
     }},
    {"an object's probability and its class's", ScoreType::independent,
     [](GraphMaker& m, TensorId x) {
       return m.mul("end", m.softmax("class", x), m.simple("object", Op::sigmoid, x));
     }},
    {"two heads", ScoreType::independent,
     [](GraphMaker& m, TensorId x) {
       return m.concat("end", {m.softmax("a", x), m.simple("b", Op::sigmoid, x)}, 1);
     }},
    {"a head beside logits", ScoreType::logits,
     [](GraphMaker& m, TensorId x) { return m.concat("end", {m.softmax("a", x), x}, 1); }},
    {"a class that is always 0", ScoreType::probabilities,
     [](GraphMaker& m, TensorId x) {
       return m.concat("end", {m.constant("none", {1, 1}, {0}), m.softmax("a", x)}, 1);
     }},
    {"a layer after a softmax", ScoreType::logits,
     [](GraphMaker& m, TensorId x) {
       return m.linear("end", m.softmax("a", x), {.channels = classes});
     }},
};

/// Adds nodes, one after another, that leave scores as they are.
TensorId move(GraphMaker& m, TensorId x) {
  const int32_t count = m.graph().tensor(x).shape[1];
  x = m.reshape("m.image", x, {1, 1, 1, count});
  x = m.node(
      "m.same", Op::slice,
      SliceAttributes{.begin = {0, 0, 0, 1}, .stride = {1, 1, 1, 1}, .count = {1, 1, 1, count - 1}},
      {x});
  x = m.concat("m.concat", {x, m.reshape("m.again", x, {1, 1, 1, count - 1})}, 3);
  x = m.transpose("m.turn", x, {0, 3, 1, 2});
  return m.reshape("m.row", x, {1, 2 * (count - 1)});
}

Graph ending_in(const End& end, bool moved) {
  GraphMaker m;
  const TensorId x = m.input({1, 4});
  TensorId y = end.make(m, m.linear("head", x, {.channels = classes}));
  if (moved) y = move(m, y);
  Graph graph = m.finish({y});
  graph.task.type = TaskType::classify;
  return graph;
}

/// Writes a file as at the beginning of format version 2: the field of the task is 0, as in files
/// without it.
ScoreType from_nodes_alone(Graph graph, bool float_only) {
  REQUIRE(graph::run_pipeline(graph, {.float_only = float_only}));
  graph.task.score_type = static_cast<ScoreType>(0xFF);
  const auto bytes = graph::write_model(graph);
  REQUIRE(bytes);
  const auto model = Model::from_memory(*bytes);
  INFO((model ? "" : model.error().message));
  REQUIRE(model);
  return model->task().score_type;
}

/// Adds a class in front of all others, with the score `value`.
TensorId pad_first(GraphMaker& m, TensorId x, float value) {
  return m.node("padded", Op::pad, PadAttributes{.before = {0, 1}, .after = {0, 0}, .value = value},
                {x});
}

// Heads whose range shows that they are probabilities, however they are written.
constexpr End bounded_ends[] = {
    {"the negative of what lies between -1 and 0", ScoreType::independent,
     [](GraphMaker& m, TensorId x) {
       return m.simple("end", Op::neg, m.clip("below 0", x, {.min = -1, .max = 0}));
     }},
    {"the mean of two softmaxes", ScoreType::independent,
     [](GraphMaker& m, TensorId x) {
       const TensorId sum = m.add("sum", m.softmax("a", x), m.softmax("b", m.relu("r", x)));
       return m.mul("end", sum, m.constant("half", {1}, {0.5F}));
     }},
    {"1 / (1 + exp(-x))", ScoreType::independent,
     [](GraphMaker& m, TensorId x) {
       const TensorId e = m.simple("e", Op::exp, m.simple("n", Op::neg, x));
       const TensorId one = m.constant("one", {1}, {1});
       return m.node("end", Op::div, BinaryAttributes{}, {one, m.add("sum", e, one)});
     }},
    {"softmax + 1e-7", ScoreType::independent,
     [](GraphMaker& m, TensorId x) {
       return m.add("end", m.softmax("a", x), m.constant("tiny", {1}, {1e-7F}));
     }},
    {"log(softmax + 1e-7)", ScoreType::log_probabilities,
     [](GraphMaker& m, TensorId x) {
       const TensorId tiny = m.constant("tiny", {1}, {1e-7F});
       return m.simple("end", Op::log, m.add("sum", m.softmax("a", x), tiny));
     }},
    {"(tanh + 1) / 2", ScoreType::independent,
     [](GraphMaker& m, TensorId x) {
       const TensorId sum = m.add("sum", m.simple("t", Op::tanh, x), m.constant("one", {1}, {1}));
       return m.node("end", Op::div, BinaryAttributes{}, {sum, m.constant("two", {1}, {2})});
     }},
    {"1 - sigmoid", ScoreType::independent,
     [](GraphMaker& m, TensorId x) {
       const TensorId one = m.constant("one", {1}, {1});
       return m.node("end", Op::sub, BinaryAttributes{}, {one, m.simple("s", Op::sigmoid, x)});
     }},
    {"|tanh|", ScoreType::independent,
     [](GraphMaker& m, TensorId x) {
       return m.simple("end", Op::abs, m.simple("t", Op::tanh, x));
     }},
    {"min(max(x + 3, 0), 6) / 6", ScoreType::independent,
     [](GraphMaker& m, TensorId x) {
       const TensorId sum = m.add("sum", x, m.constant("three", {1}, {3}));
       return m.mul("end", m.clip("cut", sum, {.min = 0, .max = 6}),
                    m.constant("sixth", {1}, {1.0F / 6}));
     }},
    {"a softmax with a class of 0 beside", ScoreType::probabilities,
     [](GraphMaker& m, TensorId x) { return pad_first(m, m.softmax("a", x), 0); }},
    {"a sigmoid with a class of 1 beside", ScoreType::independent,
     [](GraphMaker& m, TensorId x) { return pad_first(m, m.simple("a", Op::sigmoid, x), 1); }},
    {"a log_softmax with a class of nothing beside", ScoreType::log_probabilities,
     [](GraphMaker& m, TensorId x) {
       return pad_first(m, m.simple("a", Op::log, m.softmax("inner", x)), -100);
     }},
    {"logits with a class beside", ScoreType::logits,
     [](GraphMaker& m, TensorId x) { return pad_first(m, x, -100); }},
    {"a softmax times 2", ScoreType::logits,
     [](GraphMaker& m, TensorId x) {
       return m.mul("end", m.softmax("a", x), m.constant("two", {1}, {2}));
     }},
    {"a softmax less a half", ScoreType::logits,
     [](GraphMaker& m, TensorId x) {
       return m.add("end", m.softmax("a", x), m.constant("half", {1}, {-0.5F}));
     }},
    {"1 / (exp(x) - 1)", ScoreType::logits,
     [](GraphMaker& m, TensorId x) {
       const TensorId one = m.constant("one", {1}, {1});
       const TensorId less = m.constant("less", {1}, {-1});
       return m.node("end", Op::div, BinaryAttributes{},
                     {one, m.add("sum", m.simple("e", Op::exp, x), less)});
     }},
};

}  // namespace

TEST_CASE("scores that lie between 0 and 1 whatever the model reads are printed as they are") {
  for (const End& end : bounded_ends) {
    for (const bool moved : {false, true}) {
      INFO(end.name << (moved ? ", moved" : ""));
      Graph graph = ending_in(end, moved);
      CHECK(graph::score_type(graph) == end.expected);
      CHECK(build(graph, {.float_only = true}).task().score_type == end.expected);
      calibrate(graph);
      CHECK(build(graph).task().score_type == end.expected);
    }
  }
}

TEST_CASE("what a classifier's scores are is told by its last nodes, in float and in int8") {
  for (const End& end : ends) {
    for (const bool moved : {false, true}) {
      INFO(end.name << (moved ? ", moved" : ""));
      Graph graph = ending_in(end, moved);
      CHECK(graph::score_type(graph) == end.expected);
      CHECK(build(graph, {.float_only = true}).task().score_type == end.expected);
      CHECK(from_nodes_alone(graph, true) == end.expected);
      calibrate(graph);
      CHECK(build(graph).task().score_type == end.expected);
      CHECK(from_nodes_alone(graph, false) == end.expected);
    }
  }
}

TEST_CASE(
    "conversions leave scores what they are: an author's quantize and dequantize, and clips") {
  GraphMaker m;
  const TensorId x = m.input({1, 4}, Quantization{0.05F, 128});
  TensorId y = m.softmax(
      "softmax", m.scale(x, 0.05F, 128).dequantize("d0", m.quantize("q0", x, {0.05F, 128})));
  y = m.dequantize("d1", m.quantize("q1", y, {1.0F / 256, 0}));
  y = m.simple("identity", Op::identity, y);
  y = m.clip("clip", y, {.min = 0.01F, .max = 0.99F});
  y = m.dequantize("d2", m.quantize("q2", y, {1.0F / 128, 0}));
  Graph graph = m.finish({y});
  graph.task.type = TaskType::classify;
  CHECK(graph::score_type(graph) == ScoreType::probabilities);
  CHECK(build(graph).task().score_type == ScoreType::probabilities);
}

TEST_CASE("every type of scores has a name of its own") {
  CHECK(std::string(score_type_name(ScoreType::logits)) == "logits");
  CHECK(std::string(score_type_name(ScoreType::probabilities)) == "probabilities");
  CHECK(std::string(score_type_name(ScoreType::log_probabilities)) == "log-probabilities");
  CHECK(std::string(score_type_name(ScoreType::independent)) == "independent");
}

}  // namespace octet::test
