// The fuzzer's bytes make a layer of any kind. Every kernel of every instruction set of this CPU
// has to give the reference's bytes, in one range of work items and in two, and must read and write
// only the memory that it is given.
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "tests/kernels/layer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  constexpr int64_t most_products = 300000;
  octet::test::FuzzedDraw draw({data, size});
  const auto layer = draw.chance(0.3) ? octet::test::draw_layer_with_ending(draw, most_products)
                     : draw.chance(0.15)
                         ? octet::test::draw_layer_with_channels(draw, most_products)
                         : octet::test::draw_layer(draw, most_products);
  static const bool describes = std::getenv("OCTET_DESCRIBE_LAYERS") != nullptr;
  if (describes) std::cerr << layer->describe() << "\n";
  const auto expected = octet::test::reference_output(*layer);
  if (const auto difference = octet::test::find_difference(*layer, expected)) {
    std::cerr << *difference << "\n";
    std::abort();
  }
  return 0;
}
