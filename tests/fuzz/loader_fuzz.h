// Takes any bytes as a model of one format. The loader has to refuse them with a message, or to
// give a graph that check() and the passes accept, and whose model file the engine's own
// verification accepts.
#pragma once

#include <cstdint>
#include <exception>
#include <span>
#include <string>

#include "graph/graph.h"
#include "tests/fuzz/fail.h"

namespace octet::fuzz {

/// Calls `load` with the bytes. It returns a graph or throws.
template <class Load>
void fuzz_loader(const uint8_t* data, std::size_t size, const Load& load) {
  graph::Graph graph;
  try {
    graph = load(std::as_bytes(std::span(data, size)));
  } catch (const std::exception& error) {
    if (*error.what() == '\0') fail("an error without a message");
    return;
  }
  if (auto ok = graph::check(graph); !ok) return;
  for (const bool float_only : {true, false}) {
    const auto model = graph::build_model(graph, {.float_only = float_only});
    if (!model) continue;
    // The engine may refuse it, by name: scales may be too far apart for float32, for example.
    const auto loaded = Model::from_memory(*model, "fuzzed.octet");
    if (!loaded && loaded.error().message.empty()) fail("an error without a message");
  }
}

}  // namespace octet::fuzz
