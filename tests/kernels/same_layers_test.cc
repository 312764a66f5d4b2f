// 10,000 layers of all kinds, 3,000 with a function or with scales of channels, and 2,000 with
// scales of channels of inputs or results, whose outputs are the same bytes on every CPU, with
// every instruction set, in one range of work items and in two: checksums of a hundred layers each
// are committed in same_layers.txt.
//
// After an intended change of layers or bytes, OCTET_PRINT_CHECKSUMS=1 build/tests/octet_tests
// "thousands of layers*" prints the file's new content. OCTET_PRINT_LAYERS=17 prints layers 1700 to
// 1799, each with a checksum of its own: comparing the output of two machines shows which layer
// differs.
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "tests/kernels/layer.h"

namespace octet::test {
namespace {

constexpr std::size_t layers = 15000;
constexpr std::size_t first_with_ending = 10000;
constexpr std::size_t first_with_channels = 13000;
constexpr std::size_t block_layers = 100;
// With this limit an emulated CPU runs them all in a minute.
constexpr int64_t most_products_here = 100000;
constexpr int64_t most_products_of_some = 2000000;

/// FNV-1a (Fowler, Noll, Vo) of 64 bits.
class Checksum {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) {
      hash_ = (hash_ ^ std::to_integer<uint64_t>(b)) * 0x100000001b3U;
    }
  }
  std::string text() const {
    char digits[17];
    std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(hash_));
    return digits;
  }

 private:
  uint64_t hash_ = 0xcbf29ce484222325U;
};

std::vector<std::string> committed_checksums() {
  std::ifstream file(OCTET_SOURCE_DIR "/tests/kernels/same_layers.txt");
  std::vector<std::string> checksums;
  for (std::string line; std::getline(file, line);) checksums.push_back(line);
  return checksums;
}

std::unique_ptr<Layer> make_layer(std::size_t number) {
  SeededDraw draw(number);
  const int64_t most = draw.chance(0.02) ? most_products_of_some : most_products_here;
  if (number < first_with_ending) return draw_layer(draw, most);
  return number < first_with_channels ? draw_layer_with_ending(draw, most)
                                      : draw_layer_with_channels(draw, most);
}

TEST_CASE("thousands of layers have the same bytes on every CPU, in one range and in two") {
  const std::vector<std::string> committed = committed_checksums();
  const bool prints = std::getenv("OCTET_PRINT_CHECKSUMS") != nullptr;
  const char* printed_block = std::getenv("OCTET_PRINT_LAYERS");
  for (std::size_t block = 0; block < layers / block_layers; ++block) {
    Checksum of_block;
    for (std::size_t number = block * block_layers; number < (block + 1) * block_layers; ++number) {
      const std::unique_ptr<Layer> layer = make_layer(number);
      const std::vector<std::byte> expected = reference_output(*layer);
      of_block.add(expected);
      if (printed_block != nullptr && std::to_string(block) == printed_block) {
        Checksum own;
        own.add(expected);
        std::cout << own.text() << " layer " << number << ": " << layer->describe() << "\n";
      }
      if (const auto difference = find_difference(*layer, expected)) {
        FAIL_CHECK("layer " << number << ": " << *difference);
      }
    }
    if (prints) std::cout << of_block.text() << "\n";
    INFO("layers " << block * block_layers << " to " << (block + 1) * block_layers - 1
                   << " on the reference kernels");
    CHECK(of_block.text() == (block < committed.size() ? committed[block] : "nothing"));
  }
}

}  // namespace
}  // namespace octet::test
