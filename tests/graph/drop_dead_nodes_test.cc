#include <catch2/catch.hpp>

#include "tests/graph/run_graph.h"

using namespace octet::test;

TEST_CASE("nodes that no output needs go, with what only they read") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3});
  const auto used = m.conv("used", x);
  m.relu("unread relu", m.conv("unread", x));
  const Graph graph = after_pass(octet::graph::drop_dead_nodes, m.finish({used}));
  CHECK(ops_of(graph) == "conv2d");
  CHECK(graph.nodes[0].name == "used");
}

TEST_CASE("a node that two others need stays once") {
  GraphMaker m;
  const auto x = m.input({1, 4, 4, 3});
  const auto shared = m.conv("shared", x);
  const auto sum = m.add("sum", m.relu("a", shared), m.relu6("b", shared));
  const Graph graph = after_pass(octet::graph::drop_dead_nodes, m.finish({sum, shared}));
  CHECK(ops_of(graph) == "conv2d clip clip add");
}
