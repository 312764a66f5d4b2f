// Compares the elementwise kernels of every table with a plain evaluation.
#include <bit>
#include <limits>

#include "kernels/kernels.h"
#include "tests/kernels/elementwise_layer.h"
#include "tests/kernels/oracle.h"
#include "tests/kernels/random.h"

namespace octet::kernels {
namespace {

using test::draw_count;
using test::Operands;
using test::Random;

TEST_CASE("sums and differences give the contract's bytes") {
  Random random(21);
  for (int round = 0; round < 400; ++round) {
    const Operands x(random);
    const AddParams p = test::draw_add(random);
    std::vector<uint8_t> expected;
    for (std::size_t i = 0; i < x.count; ++i) {
      const int32_t a = (x.a_stride ? x.a[i] : x.a[0]) - p.a_zero_point;
      const int32_t b = (x.b_stride ? x.b[i] : x.b[0]) - p.b_zero_point;
      const float value = test::add32(test::multiply32(static_cast<float>(a), p.a_multiplier),
                                      test::multiply32(static_cast<float>(b), p.b_multiplier));
      expected.push_back(test::to_u8(value, p.output_zero_point, p.output_min, p.output_max));
    }
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name << ", seed " << random.seed << ", round " << round << ", "
                    << x.describe());
      std::vector<uint8_t> output(x.count, 77);
      table->add(p, x.row(output.data()));
      CHECK(output == expected);
    }
  }
}

TEST_CASE("products give the contract's bytes") {
  Random random(22);
  for (int round = 0; round < 400; ++round) {
    const Operands x(random);
    const MulParams p = test::draw_mul(random);
    std::vector<uint8_t> expected;
    for (std::size_t i = 0; i < x.count; ++i) {
      const int32_t a = (x.a_stride ? x.a[i] : x.a[0]) - p.a_zero_point;
      const int32_t b = (x.b_stride ? x.b[i] : x.b[0]) - p.b_zero_point;
      expected.push_back(test::to_u8(test::multiply32(static_cast<float>(a * b), p.multiplier),
                                     p.output_zero_point, p.output_min, p.output_max));
    }
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name << ", seed " << random.seed << ", round " << round << ", "
                    << x.describe());
      std::vector<uint8_t> output(x.count, 77);
      table->mul(p, x.row(output.data()));
      CHECK(output == expected);
    }
  }
}

TEST_CASE("the output of an elementwise kernel may be one of its operands") {
  Random random(23);
  const std::vector<uint8_t> a = random.bytes(200);
  const std::vector<uint8_t> b = random.bytes(200);
  for (const KernelTable* table : available_tables()) {
    INFO("table " << table->name << ", seed " << random.seed);
    std::vector<uint8_t> apart(200);
    table->add({.a_multiplier = 0.6F, .b_multiplier = 0.7F},
               {.a = a.data(), .b = b.data(), .output = apart.data(), .count = 200});
    std::vector<uint8_t> in_place = a;
    table->add({.a_multiplier = 0.6F, .b_multiplier = 0.7F},
               {.a = in_place.data(), .b = b.data(), .output = in_place.data(), .count = 200});
    CHECK(in_place == apart);
  }
}

TEST_CASE("requantized bytes are the contract's") {
  Random random(24);
  for (int round = 0; round < 300; ++round) {
    const std::vector<uint8_t> input = random.bytes(draw_count(random));
    const RequantizeParams p = test::draw_requantize(random);
    std::vector<uint8_t> expected;
    for (const uint8_t x : input) {
      const auto difference = static_cast<float>(x - p.input_zero_point);
      expected.push_back(test::to_u8(test::multiply32(difference, p.multiplier),
                                     p.output_zero_point, p.output_min, p.output_max));
    }
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name << ", seed " << random.seed << ", round " << round);
      std::vector<uint8_t> output(input.size(), 77);
      table->requantize(p, input.data(), output.data(), input.size());
      CHECK(output == expected);
    }
  }
}

TEST_CASE("quantized floats are the contract's bytes") {
  Random random(25);
  for (int round = 0; round < 300; ++round) {
    const QuantizeParams p = test::draw_quantize(random);
    const std::vector<float> input = test::draw_floats_to_quantize(random, p, draw_count(random));
    std::vector<uint8_t> expected;
    for (const float x : input) {
      expected.push_back(test::to_u8(test::multiply32(x, p.inverse_scale), p.zero_point, 0, 255));
    }
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name << ", seed " << random.seed << ", round " << round);
      std::vector<uint8_t> output(input.size(), 77);
      table->quantize(p, input.data(), output.data(), input.size());
      CHECK(output == expected);
    }
  }
}

TEST_CASE("ties are quantized to even, infinities to the ends, NaN to the zero point") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float huge = std::numeric_limits<float>::max();
  const std::vector<float> once = {0.5F, 1.5F,     2.5F,      -0.5F, -1.5F, -2.5F, 126.5F, 127.5F,
                                   nan,  infinity, -infinity, huge,  -huge, -0.0F, 1e10F,  -1e10F};
  const std::vector<uint8_t> expected_once = {100, 102, 102, 100, 98, 98,  226, 228,
                                              100, 255, 0,   255, 0,  100, 255, 0};
  for (const KernelTable* table : available_tables()) {
    for (std::size_t skip = 0; skip < once.size(); ++skip) {
      INFO("table " << table->name << ", first " << skip << " left out");
      std::vector<float> input(once.begin() + static_cast<std::ptrdiff_t>(skip), once.end());
      std::vector<uint8_t> expected(expected_once.begin() + static_cast<std::ptrdiff_t>(skip),
                                    expected_once.end());
      for (int i = 0; i < 4; ++i) {  // so that every lane of a vector meets every value
        input.insert(input.end(), once.begin(), once.end());
        expected.insert(expected.end(), expected_once.begin(), expected_once.end());
      }
      std::vector<uint8_t> output(input.size(), 77);
      table->quantize({.inverse_scale = 1, .zero_point = 100}, input.data(), output.data(),
                      input.size());
      CHECK(output == expected);
    }
  }
}

TEST_CASE("every byte dequantizes to scale times its distance from the zero point") {
  Random random(26);
  std::vector<uint8_t> input;
  for (int q = 0; q < 256; ++q) input.push_back(static_cast<uint8_t>(q));
  for (const int32_t zero_point : {0, 1, 128, 255}) {
    const DequantizeParams p = {.scale = random.real(0.001F, 0.1F), .zero_point = zero_point};
    for (const KernelTable* table : available_tables()) {
      for (const std::size_t count : {std::size_t{256}, std::size_t{255}, std::size_t{7}}) {
        INFO("table " << table->name << ", seed " << random.seed << ", " << count << " values");
        std::vector<float> output(count, 77);
        table->dequantize(p, input.data(), output.data(), count);
        for (std::size_t i = 0; i < count; ++i) {
          const float expected =
              test::multiply32(p.scale, static_cast<float>(static_cast<int>(i) - zero_point));
          REQUIRE(std::bit_cast<uint32_t>(output[i]) == std::bit_cast<uint32_t>(expected));
        }
      }
    }
  }
}

TEST_CASE("a table is looked up for every value of a row") {
  Random random(27);
  for (int round = 0; round < 100; ++round) {
    const std::vector<uint8_t> lookup = random.bytes(256);
    const std::vector<uint8_t> input = random.bytes(draw_count(random));
    std::vector<uint8_t> expected(input.size());
    std::transform(input.begin(), input.end(), expected.begin(),
                   [&](uint8_t q) { return lookup.at(q); });
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name << ", seed " << random.seed << ", " << input.size());
      std::vector<uint8_t> output(input.size(), 77);
      table->lookup(lookup.data(), input.data(), output.data(), input.size());
      CHECK(output == expected);
    }
  }
}

TEST_CASE("pixels are scaled and shifted by their channel") {
  Random random(29);
  for (int round = 0; round < 60; ++round) {
    const AffineChannelsParams p = test::draw_affine_channels(random);
    const std::size_t pixels = draw_count(random);
    const std::vector<uint8_t> input = random.bytes(pixels * p.channels);
    std::vector<uint8_t> expected;
    for (std::size_t i = 0; i < input.size(); ++i) {
      const std::size_t c = i % p.channels;
      const float value =
          test::add32(test::multiply32(static_cast<float>(input[i]), p.scale[c]), p.offset[c]);
      expected.push_back(test::to_u8(value, p.zero_point, 0, 255));
    }
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name << ", seed " << random.seed << ", " << pixels << " pixels of "
                    << p.channels << " channels");
      std::vector<uint8_t> output(input.size(), 77);
      table->affine_channels(p, input.data(), output.data(), pixels);
      CHECK(output == expected);
    }
  }
}

TEST_CASE("pixels are looked up in their channel's table") {
  Random random(28);
  for (const std::size_t channels : {1U, 2U, 3U, 4U, 7U}) {
    const std::size_t pixels = draw_count(random);
    const std::vector<uint8_t> tables = random.integers<uint8_t>(channels * 256, 0, 255);
    const std::vector<uint8_t> input = random.bytes(pixels * channels);
    std::vector<uint8_t> expected;
    for (std::size_t i = 0; i < input.size(); ++i) {
      expected.push_back(tables.at(i % channels * 256 + input[i]));
    }
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name << ", seed " << random.seed << ", " << pixels << " pixels of "
                    << channels << " channels");
      std::vector<uint8_t> output(input.size(), 77);
      table->lookup_channels(tables.data(), channels, input.data(), output.data(), pixels);
      CHECK(output == expected);
    }
  }
}

}  // namespace
}  // namespace octet::kernels
