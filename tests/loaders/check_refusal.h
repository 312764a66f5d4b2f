// A file that a loader has to refuse.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "tests/contains.h"

namespace octet::test {

/// Checks that the file was refused with a message that names it and contains all parts.
inline void check_refusal(const Expected<graph::Graph>& graph, const std::string& file,
                          const std::vector<std::string>& parts) {
  REQUIRE_FALSE(graph);
  INFO(graph.error().message);
  CHECK(contains(graph.error().message, file + ": "));
  for (const std::string& part : parts) {
    INFO("'" << part << "'");
    CHECK(contains(graph.error().message, part));
  }
}

}  // namespace octet::test
