// The fuzzer's bytes make a random quantized ONNX graph. Each of its values has to be within one
// level of its scale from the evaluation in double, in int8 and in float.
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "tests/onnx/run_qdq.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  std::size_t at = 0;
  const auto next = [&]() -> uint32_t { return at < size ? data[at++] : 0; };
  const octet::test::QdqGraph graph = octet::test::draw_qdq_graph([&](uint32_t count) {
    uint32_t value = next();
    if (count > 256) value = value << 8 | next();
    return value % count;
  });
  for (const bool in_float : {false, true}) {
    const std::string wrong = octet::test::check_qdq_graph(graph, in_float);
    if (wrong.empty()) continue;
    std::cerr << (in_float ? "in float\n" : "in int8\n") << graph.description() << wrong;
    std::abort();
  }
  return 0;
}
