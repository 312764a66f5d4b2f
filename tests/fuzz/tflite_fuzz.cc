// Bytes of any kind as a TFLite model: refused with a message, or a graph that check() accepts,
// that the passes take, and whose model file the engine's own verification accepts.
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "loaders/tflite/tflite_model.h"

namespace {

void fail(const std::string& what) {
  std::cerr << what << "\n";
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  octet::graph::Graph graph;
  try {
    octet::loaders::looks_like_tflite(bytes);
    graph = octet::loaders::load_tflite(bytes, "fuzzed.tflite", {});
  } catch (const std::exception& error) {
    if (*error.what() == '\0') fail("an error without a message");
    return 0;
  }
  if (auto ok = octet::graph::check(graph); !ok) return 0;
  for (const bool float_only : {true, false}) {
    const auto model = octet::graph::build_model(graph, {.float_only = float_only});
    if (!model) continue;
    octet::Model::from_memory(*model, "fuzzed.octet");
  }
  return 0;
}
