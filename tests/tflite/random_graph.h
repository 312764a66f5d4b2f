// Random quantized TFLite graphs. They have movers, pools, concats, sums, functions and layers on
// bytes, each result with its own scale, zero point and type, and float islands in between.
#pragma once

#include <functional>

#include "tests/tflite/tflite_maker.h"

namespace octet::test {

/// Returns a number below `count`, from a generator of random numbers or from a fuzzer's bytes.
using ChooseBelow = std::function<uint32_t(uint32_t count)>;

struct RandomTflite {
  TfliteMaker file;           ///< Every computed tensor is an output.
  std::vector<int32_t> ends;  ///< The tensors that nothing reads.
};

RandomTflite draw_tflite_graph(const ChooseBelow& choose);

}  // namespace octet::test
