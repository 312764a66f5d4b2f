// Compares the pools of every table with a plain evaluation.
#include <algorithm>
#include <array>

#include "kernels/kernels.h"
#include "tests/kernels/oracle.h"
#include "tests/kernels/pool_layer.h"
#include "tests/kernels/random.h"

namespace octet::kernels {
namespace {

using test::Cut;
using test::describe;
using test::draw_pool;
using test::Pool;
using test::Random;

/// What a window covers, in one channel.
struct Contents {
  std::vector<int32_t> values;  ///< Values of the image.
  int32_t padding = 0;          ///< Positions in the padding.
};

/// The window of output value `index`. Positions beyond the padding do not count.
Contents window_contents(const PoolParams& p, const std::vector<uint8_t>& input,
                         std::size_t index) {
  const Window& w = p.window;
  const int32_t i = static_cast<int32_t>(index);
  const int32_t c = i % p.channels;
  const int32_t x = i / p.channels % p.output_w;
  const int32_t y = i / p.channels / p.output_w % p.output_h;
  const int32_t n = i / p.channels / p.output_w / p.output_h;
  Contents contents;
  for (int32_t tap = 0; tap < w.kernel_h * w.kernel_w; ++tap) {
    const int32_t padded_h = y * w.stride_h + tap / w.kernel_w * w.dilation_h;
    const int32_t padded_w = x * w.stride_w + tap % w.kernel_w * w.dilation_w;
    if (padded_h >= p.input_h + w.pad_top + w.pad_bottom) continue;
    if (padded_w >= p.input_w + w.pad_left + w.pad_right) continue;
    const bool inside = padded_h >= w.pad_top && padded_h < w.pad_top + p.input_h &&
                        padded_w >= w.pad_left && padded_w < w.pad_left + p.input_w;
    if (!inside) {
      ++contents.padding;
      continue;
    }
    const int32_t pixel =
        (n * p.input_h + padded_h - w.pad_top) * p.input_w + padded_w - w.pad_left;
    contents.values.push_back(input[static_cast<std::size_t>(pixel * p.channels + c)]);
  }
  return contents;
}

uint8_t expected_maximum(const PoolParams& p, const Contents& window) {
  int32_t largest = 0;
  for (const int32_t value : window.values) largest = std::max(largest, value);
  return static_cast<uint8_t>(std::clamp<int32_t>(largest, p.output_min, p.output_max));
}

uint8_t expected_average(const PoolParams& p, const Contents& window) {
  int64_t sum = 0;
  for (const int32_t value : window.values) sum += value - p.input_zero_point;
  auto count = static_cast<int32_t>(window.values.size());
  if (p.count_include_pad) count += window.padding;
  if (count == 0) count = 1;
  const float divisor = test::multiply32(p.output_scale, static_cast<float>(count));
  const auto multiplier =
      static_cast<float>(static_cast<double>(p.input_scale) / static_cast<double>(divisor));
  return test::to_u8(test::multiply32(static_cast<float>(sum), multiplier), p.output_zero_point,
                     p.output_min, p.output_max);
}

void check_all_tables(const PoolParams& p, const std::vector<uint8_t>& input,
                      Pool KernelTable::* pool, const std::vector<uint8_t>& expected,
                      Random& random) {
  const std::array<Cut, 2> cuts = {test::in_one, test::in_some(random)};
  const auto layer = test::pool_layer(p, input, pool);
  for (const KernelTable* table : available_tables()) {
    for (const test::Output& output : layer->run(*table, cuts)) {
      INFO("table " << table->name << (output.cut == 0 ? ", in one range" : ", in ranges"));
      CHECK(std::ranges::equal(output.bytes, std::as_bytes(std::span(expected))));
    }
  }
}

TEST_CASE("max pools of random shapes give the largest bytes, in one range of rows or in many") {
  Random random(11);
  for (int round = 0; round < 200; ++round) {
    const PoolParams p = draw_pool(random, true);
    INFO("seed " << random.seed << ", round " << round << ": " << describe(p));
    const std::vector<uint8_t> input = random.bytes(test::pool_input_count(p));
    std::vector<uint8_t> expected;
    for (std::size_t i = 0; i < test::pool_output_count(p); ++i) {
      expected.push_back(expected_maximum(p, window_contents(p, input, i)));
    }
    check_all_tables(p, input, &KernelTable::max_pool, expected, random);
  }
}

TEST_CASE(
    "average pools of random shapes give the contract's bytes, in one range of rows or in many") {
  Random random(12);
  for (int round = 0; round < 300; ++round) {
    PoolParams p = draw_pool(random, false);
    if (round % 5 == 0) {  // global
      p.window = {.kernel_h = p.input_h, .kernel_w = p.input_w};
      p.output_h = p.output_w = 1;
    }
    INFO("seed " << random.seed << ", round " << round << ": " << describe(p));
    const std::vector<uint8_t> input = random.bytes(test::pool_input_count(p));
    std::vector<uint8_t> expected;
    for (std::size_t i = 0; i < test::pool_output_count(p); ++i) {
      expected.push_back(expected_average(p, window_contents(p, input, i)));
    }
    check_all_tables(p, input, &KernelTable::average_pool, expected, random);
  }
}

TEST_CASE("an average halfway between two integers goes to the even one") {
  Random random(13);
  const PoolParams p = {.input_h = 1,
                        .input_w = 4,
                        .channels = 1,
                        .output_h = 1,
                        .output_w = 2,
                        .window = {.kernel_w = 2, .stride_w = 2}};
  // The means are 10.5 and 11.5.
  check_all_tables(p, {10, 11, 11, 12}, &KernelTable::average_pool, {10, 12}, random);
}

}  // namespace
}  // namespace octet::kernels
