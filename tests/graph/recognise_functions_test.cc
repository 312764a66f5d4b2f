#include <catch2/catch.hpp>
#include <functional>

#include "tests/graph/run_graph.h"

using namespace octet::test;
using namespace octet;

namespace {

Graph recognised(const Graph& graph) {
  return after_pass(octet::graph::recognise_functions, graph);
}

TensorId number(GraphMaker& m, const std::string& name, float value) {
  return m.constant(name, {1}, {value});
}

TensorId both(GraphMaker& m, const std::string& name, Op op, TensorId a, TensorId b) {
  return m.node(name, op, BinaryAttributes{}, {a, b});
}

struct Spelling {
  const char* what;
  const char* op;
  std::function<TensorId(GraphMaker&, TensorId)> write;
};

// clip(x + 3, 0, 6)
TensorId ramp(GraphMaker& m, TensorId x) {
  return m.relu6("clip", m.add("plus", x, number(m, "three", 3)));
}

const Spelling spellings[] = {
    {"x * sigmoid(x)", "silu",
     [](GraphMaker& m, TensorId x) { return m.mul("y", x, m.simple("s", Op::sigmoid, x)); }},
    {"sigmoid(x) * x", "silu",
     [](GraphMaker& m, TensorId x) { return m.mul("y", m.simple("s", Op::sigmoid, x), x); }},
    {"x / (1 + exp(-x))", "silu",
     [](GraphMaker& m, TensorId x) {
       const auto e = m.simple("e", Op::exp, m.simple("n", Op::neg, x));
       return both(m, "y", Op::div, x, m.add("sum", number(m, "one", 1), e));
     }},
    {"1 / (1 + exp(-x))", "sigmoid",
     [](GraphMaker& m, TensorId x) {
       const auto e = m.simple("e", Op::exp, m.simple("n", Op::neg, x));
       return both(m, "y", Op::div, number(m, "one", 1), m.add("sum", e, number(m, "1", 1)));
     }},
    {"clip(x + 3, 0, 6) / 6", "hard_sigmoid",
     [](GraphMaker& m, TensorId x) {
       return m.mul("y", ramp(m, x), number(m, "sixth", 1.0F / 6));
     }},
    {"x * clip(x + 3, 0, 6) / 6", "hard_swish",
     [](GraphMaker& m, TensorId x) {
       return both(m, "y", Op::div, m.mul("product", x, ramp(m, x)), number(m, "six", 6));
     }},
    {"x * (clip(x + 3, 0, 6) / 6)", "hard_swish",
     [](GraphMaker& m, TensorId x) {
       return m.mul("y", x, m.mul("h", ramp(m, x), number(m, "sixth", 0.16666667F)));
     }},
    {"x * clip(x / 6 + 0.5, 0, 1)", "hard_swish",
     [](GraphMaker& m, TensorId x) {
       const auto line =
           m.add("line", m.mul("slope", x, number(m, "sixth", 1.0F / 6)), number(m, "half", 0.5F));
       return m.mul("y", m.clip("clip", line, {.min = 0, .max = 1}), x);
     }},
    {"x * hard_sigmoid(x)", "hard_swish",
     [](GraphMaker& m, TensorId x) { return m.mul("y", x, m.simple("h", Op::hard_sigmoid, x)); }},
    {"2 * sigmoid(2 * x) - 1", "tanh",
     [](GraphMaker& m, TensorId x) {
       const auto two = number(m, "two", 2);
       const auto s = m.simple("s", Op::sigmoid, m.mul("double", x, two));
       return both(m, "y", Op::sub, m.mul("twice", s, two), number(m, "one", 1));
     }},
    {"x / (1 + abs(x))", "softsign",
     [](GraphMaker& m, TensorId x) {
       return both(m, "y", Op::div, x,
                   m.add("sum", m.simple("a", Op::abs, x), number(m, "one", 1)));
     }},
    {"0.5 * x * (1 + erf(x / sqrt(2)))", "gelu",
     [](GraphMaker& m, TensorId x) {
       const auto e =
           m.simple("e", Op::erf, both(m, "quotient", Op::div, x, number(m, "root", 1.4142135F)));
       return m.mul("y", m.mul("product", x, m.add("sum", e, number(m, "one", 1))),
                    number(m, "half", 0.5F));
     }},
    {"0.5 * x * (1 + tanh(0.7978845 * (x + 0.044715 * x^3)))", "gelu_tanh",
     [](GraphMaker& m, TensorId x) {
       const auto cube = m.mul("cube", m.mul("square", x, x), x);
       const auto inside =
           m.mul("inside", m.add("bent", x, m.mul("small", cube, number(m, "c", 0.044715F))),
                 number(m, "root", 0.7978845608F));
       const auto sum = m.add("sum", m.simple("t", Op::tanh, inside), number(m, "one", 1));
       return m.mul("y", m.mul("half of x", x, number(m, "half", 0.5F)), sum);
     }},
    {"x * tanh(softplus(x))", "mish",
     [](GraphMaker& m, TensorId x) {
       return m.mul("y", x, m.simple("t", Op::tanh, m.simple("s", Op::softplus, x)));
     }},
    {"0.6 * x + 0.4 * abs(x)", "leaky_relu",
     [](GraphMaker& m, TensorId x) {
       return m.add("y", m.mul("line", x, number(m, "a", 0.6F)),
                    m.mul("bend", m.simple("abs", Op::abs, x), number(m, "b", 0.4F)));
     }},
    {"(x + abs(x)) / 2", "clip",
     [](GraphMaker& m, TensorId x) {
       return m.mul("y", m.add("sum", x, m.simple("abs", Op::abs, x)), number(m, "half", 0.5F));
     }},
    {"relu(x) + 0.3 * (exp(min(x, 0)) - 1)", "elu",
     [](GraphMaker& m, TensorId x) {
       const auto e = m.simple("e", Op::exp, m.clip("low", x, {.max = 0}));
       const auto below = m.mul("below", both(m, "minus", Op::sub, e, number(m, "one", 1)),
                                number(m, "alpha", 0.3F));
       return m.add("y", m.relu("high", x), below);
     }},
};

}  // namespace

TEST_CASE("a function of one value has its name, however it is spelled") {
  for (const Spelling& spelling : spellings) {
    INFO(spelling.what);
    GraphMaker m;
    const auto layer = m.conv("conv", m.input({1, 3, 3, 4}));
    const auto y = spelling.write(m, layer);
    const Graph graph = recognised(m.finish({y}));
    CHECK(ops_of(graph) == std::string("conv2d ") + spelling.op);
    CHECK(graph.nodes[1].name == "y");
    CHECK_FALSE(graph.nodes[1].fused.empty());
  }
}

TEST_CASE("two functions in a row have their names, each") {
  GraphMaker m;
  const auto x = m.input({2, 8});
  const auto first = m.mul("first", x, m.simple("s", Op::sigmoid, x));
  const auto second = m.mul("second", first, m.simple("h", Op::hard_sigmoid, first));
  CHECK(ops_of(recognised(m.finish({second}))) == "silu hard_swish");
}

TEST_CASE("what is nearly a function keeps its nodes") {
  GraphMaker m;
  const auto x = m.input({2, 8});
  const auto wider = m.mul("wider", x, number(m, "factor", 1.702F));
  const auto quick = m.mul("quick gelu", x, m.simple("s", Op::sigmoid, wider));
  const auto steep = m.clip(
      "clip", m.add("shift", m.mul("slope", x, number(m, "fifth", 0.2F)), number(m, "half", 0.5F)),
      {.min = 0, .max = 1});
  CHECK(ops_of(recognised(m.finish({quick, steep}))) == "mul sigmoid mul mul add clip");
}

TEST_CASE("operands that are another tensor, or a number a channel, are no function of one value") {
  GraphMaker m;
  const auto x = m.input({2, 4});
  const auto other = m.input({2, 4});
  const auto gate = m.mul("gate", other, m.simple("s", Op::sigmoid, x));
  const auto sum = m.add("plus", x, m.constant("three", {4}, {3, 3, 3, 3}));
  const auto ramp_by_channel = m.mul("sixth", m.relu6("clip", sum), number(m, "c", 1.0F / 6));
  CHECK(ops_of(recognised(m.finish({gate, ramp_by_channel}))) == "sigmoid mul add clip mul");
}

TEST_CASE("a result inside that others read, or that is an output, stays") {
  for (const bool is_output : {false, true}) {
    GraphMaker m;
    const auto x = m.input({2, 8});
    const auto gate = m.simple("gate", Op::sigmoid, x);
    const auto y = m.mul("y", x, gate);
    const auto other = is_output ? gate : m.simple("other", Op::neg, gate);
    CHECK(ops_of(recognised(m.finish({y, other}))) ==
          (is_output ? "sigmoid mul" : "sigmoid mul neg"));
  }
}

TEST_CASE("what a file rounds between the nodes of a function stays") {
  const auto names = [](const auto& change) {
    GraphMaker m;
    const auto x = m.input({2, 8});
    const auto gate = m.simple("gate", Op::sigmoid, x);
    const auto y = m.mul("y", x, gate);
    m.scale(gate, 1.0F / 256);
    Graph graph = m.finish({y});
    change(graph, graph.tensor(gate));
    REQUIRE(octet::graph::recognise_functions(graph));
    return ops_of(graph);
  };
  CHECK(names([](Graph&, graph::Tensor&) {}) == "silu");  // calibration only observed
  CHECK(names([](Graph& g, graph::Tensor&) { g.keeps_rounding = true; }) == "sigmoid mul");
  CHECK(names([](Graph& g, graph::Tensor&) { g.unscaled_is_float = true; }) == "sigmoid mul");
  CHECK(names([](Graph& g, graph::Tensor&) { g.has_authors_borders = true; }) == "sigmoid mul");
  CHECK(names([](Graph&, graph::Tensor& t) { t.rounds = true; }) == "sigmoid mul");
}

TEST_CASE("a wish for a node inside a function keeps the function in float") {
  GraphMaker m;
  const auto x = m.conv("conv", m.input({1, 4, 4, 4}));
  const auto y = m.conv("last", m.mul("y", x, m.simple("gate", Op::sigmoid, x)));
  Graph graph = m.finish({y});
  calibrate(graph);
  const auto precision_of_silu = [&](const octet::graph::BuildOptions& options) {
    const Model model = build(graph, options);
    INFO(nodes_of(model));
    for (const NodeInfo& node : model.nodes()) {
      if (node.name == "y") return std::string(node.int8 ? "int8" : "float");
      if (node.function == "silu") return std::string("in int8 layer '" + node.name + "'");
    }
    return std::string("absent");
  };
  CHECK(precision_of_silu({}) == "in int8 layer 'conv'");
  CHECK(precision_of_silu({.keep_float = {"gate"}}) == "float");
}

TEST_CASE("a function that is spelled out is as near to float as its operator") {
  for (const Spelling& spelling : spellings) {
    INFO(spelling.what);
    GraphMaker m;
    const auto x = m.conv("conv", m.input({1, 6, 6, 4}), {.channels = 8, .kernel = 3});
    check_int8_is_near_float(m.finish({m.conv("last", spelling.write(m, x))}), 0.05F);
  }
}
