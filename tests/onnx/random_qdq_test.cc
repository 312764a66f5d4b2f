// Random quantized graphs, in int8 and in float, against their plain evaluation in double.
#include <catch2/catch.hpp>
#include <random>

#include "tests/onnx/run_qdq.h"

namespace octet::test {
namespace {

// A graph takes a millisecond. Under an emulator, that is too long for all of them.
constexpr uint32_t graph_count = OCTET_EMULATED ? 500 : 10000;

QdqGraph graph_of_seed(uint32_t seed) {
  std::mt19937 random(seed);
  return draw_qdq_graph([&](uint32_t count) { return static_cast<uint32_t>(random() % count); });
}

}  // namespace

TEST_CASE("ONNX: random quantized graphs are within a level of their evaluation in double") {
  int wrong = 0;
  for (uint32_t seed = 1; seed <= graph_count && wrong < 5; ++seed) {
    const QdqGraph graph = graph_of_seed(seed);
    for (const bool in_float : {false, true}) {
      const std::string found = check_qdq_graph(graph, in_float) + check_ends(graph, in_float);
      if (found.empty()) continue;
      INFO("seed " << seed << (in_float ? ", in float" : ", in int8") << "\n"
                   << graph.description() << found);
      CHECK(found.empty());
      ++wrong;  // more of them would say the same
    }
  }
  CHECK(wrong == 0);
}

}  // namespace octet::test
