// Softmax, argmax and the exponential of every table.
#include <cstring>
#include <limits>

#include "kernels/kernels.h"
#include "kernels/scalar/exact_math.h"
#include "tests/kernels/oracle.h"
#include "tests/kernels/random.h"
#include "tests/kernels/softmax_layer.h"

namespace octet::kernels {
namespace {

using test::Random;

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST_CASE("exp_float64 is within 1e-15 of the exponential everywhere") {
  Random random(31);
  for (int round = 0; round < 100000; ++round) {
    const double x =
        static_cast<double>(random.real(-708, 709)) * random.pick({1.0, 0.1, 1e-3, 1e-9});
    const long double expected = std::exp(static_cast<long double>(x));
    const long double error =
        std::abs((static_cast<long double>(exp_float64(x)) - expected) / expected);
    if (!(error < 1e-15L)) FAIL("exp of " << x << ", seed " << random.seed);
  }
}

TEST_CASE("exp_float64 goes to 0 and to infinity at the ends, and keeps NaN") {
  CHECK(exp_float64(infinity) == infinity);
  CHECK(exp_float64(710) == infinity);
  CHECK(exp_float64(0) == 1);
  CHECK(exp_float64(-0.0) == 1);
  CHECK(exp_float64(-infinity) == 0);
  CHECK(exp_float64(-800) == 0);
  CHECK(std::isnan(exp_float64(std::numeric_limits<double>::quiet_NaN())));
  CHECK(exp_float64(-745) == Approx(std::exp(-745.0)));
  CHECK(exp_float64(-720) == Approx(std::exp(-720.0)).epsilon(1e-9));
}

TEST_CASE("exp_float64 has these bits on every machine") {
  const auto bits = [](double x) { return std::bit_cast<uint64_t>(exp_float64(x)); };
  CHECK(bits(-1) == 0x3fd78b56362cef38);
  CHECK(bits(-700) == 0x00d14f2b0fb9307f);
}

TEST_CASE("a softmax over bytes divides table values by their sum in double") {
  Random random(32);
  for (int round = 0; round < 200; ++round) {
    const std::vector<float> table_values =
        test::softmax_table(static_cast<double>(random.real(0.001F, 0.5F)));
    const std::vector<uint8_t> input =
        random.bytes(static_cast<std::size_t>(random.integer(1, 200)));
    SoftmaxParams p = test::draw_softmax(random);
    p.table = table_values.data();
    int32_t largest = 0;
    for (const uint8_t q : input) largest = std::max<int32_t>(largest, q);
    double sum = 0;
    for (const uint8_t q : input) sum += table_values.at(static_cast<std::size_t>(largest - q));
    std::vector<float> expected;
    std::vector<uint8_t> expected_u8;
    for (const uint8_t q : input) {
      expected.push_back(
          static_cast<float>(table_values.at(static_cast<std::size_t>(largest - q)) / sum));
      expected_u8.push_back(test::to_u8(test::multiply32(expected.back(), p.output.inverse_scale),
                                        p.output.zero_point, 0, 255));
    }
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name << ", seed " << random.seed << ", round " << round);
      std::vector<float> output(input.size(), 77);
      std::vector<uint8_t> output_u8(input.size(), 77);
      if (p.quantized) {
        table->softmax(p, input.data(), output_u8.data(), input.size());
        CHECK(output_u8 == expected_u8);
      } else {
        table->softmax(p, input.data(), output.data(), input.size());
        CHECK(output == expected);
        double total = 0;
        for (const float y : output) total += static_cast<double>(y);
        CHECK(total == Approx(1).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("a softmax over floats sums to 1, is close to the real one, and works in place") {
  Random random(33);
  for (int round = 0; round < 100; ++round) {
    const auto count = static_cast<std::size_t>(random.pick({2, 600, random.integer(1, 300)}));
    const float range = random.pick({0.1F, 5.0F, 80.0F, 1000.0F});
    const std::vector<float> input = random.reals(count, -range, range);
    const long double largest = *std::max_element(input.begin(), input.end());
    long double sum = 0;
    for (const float x : input) sum += std::exp(static_cast<long double>(x) - largest);
    std::vector<float> first;
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name << ", seed " << random.seed << ", round " << round);
      std::vector<float> output = input;
      table->softmax_float(output.data(), output.data(), 1, count);
      double total = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const long double expected = std::exp(static_cast<long double>(input[i]) - largest) / sum;
        if (expected > 1e-30L)
          REQUIRE(output[i] == Approx(static_cast<double>(expected)).epsilon(1e-6));
        total += static_cast<double>(output[i]);
      }
      CHECK(total == Approx(1).epsilon(1e-5));
      if (first.empty()) first = output;
      CHECK(output == first);
    }
  }
}

TEST_CASE("a softmax over many rows of floats takes each by itself") {
  Random random(35);
  for (int round = 0; round < 60; ++round) {
    const auto count = static_cast<std::size_t>(random.pick({1, 2, 3, 700, random.integer(4, 80)}));
    const auto rows = static_cast<std::size_t>(random.integer(1, 700));
    std::vector<float> input = random.reals(rows * count, -9, 9);
    if (random.chance(0.3)) input[0] = std::numeric_limits<float>::quiet_NaN();
    if (random.chance(0.3)) input.back() = -std::numeric_limits<float>::infinity();
    if (random.chance(0.3)) input.back() = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> expected(input.size());
    for (std::size_t row = 0; row < rows; ++row) {
      find_table(Isa::reference)
          ->softmax_float(input.data() + row * count, expected.data() + row * count, 1, count);
    }
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name << ", seed " << random.seed << ", round " << round << ": "
                    << rows << " rows of " << count);
      std::vector<float> output(input.size(), 77);
      table->softmax_float(input.data(), output.data(), rows, count);
      CHECK(std::memcmp(output.data(), expected.data(), output.size() * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("a softmax over floats gives a masked value no share") {
  const float masked = -std::numeric_limits<float>::infinity();
  for (const KernelTable* table : available_tables()) {
    const std::vector<float> input = {1, masked, 1};
    std::vector<float> output(3);
    table->softmax_float(input.data(), output.data(), 1, 3);
    CHECK(output == std::vector<float>{0.5F, 0, 0.5F});
  }
}

TEST_CASE("argmax finds the first of the largest values, along any stride") {
  Random random(34);
  for (int round = 0; round < 200; ++round) {
    const auto count = static_cast<std::size_t>(random.integer(1, 300));
    const auto stride = static_cast<std::size_t>(random.pick({1, 1, 2, 19}));
    const int32_t most = random.pick({0, 3, 255});  // few different values make many ties
    const std::vector<uint8_t> input = random.integers<uint8_t>((count - 1) * stride + 1, 0, most);
    std::vector<float> real(input.begin(), input.end());
    int32_t expected = static_cast<int32_t>(count) - 1;
    for (std::size_t i = count; i-- > 0;) {
      if (input[i * stride] >= input[static_cast<std::size_t>(expected) * stride]) {
        expected = static_cast<int32_t>(i);
      }
    }
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name << ", seed " << random.seed << ", " << count
                    << " values, stride " << stride);
      CHECK(table->argmax_u8(input.data(), count, stride) == expected);
      CHECK(table->argmax_float(real.data(), count, stride) == expected);
    }
  }
}

TEST_CASE("argmax of floats works below zero") {
  const std::vector<float> input = {-3, -1, -2, -1};
  for (const KernelTable* table : available_tables()) {
    CHECK(table->argmax_float(input.data(), input.size(), 1) == 1);
  }
}

}  // namespace
}  // namespace octet::kernels
