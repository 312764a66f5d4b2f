// Pools of every table against a plain evaluation.
#include <sstream>

#include "kernels/kernels.h"
#include "tests/kernels/oracle.h"
#include "tests/kernels/random.h"

namespace octet::kernels {
namespace {

using test::Random;

std::string describe(const PoolParams& p) {
  const Window& w = p.window;
  std::ostringstream text;
  text << p.batch << "x" << p.input_h << "x" << p.input_w << "x" << p.channels << " -> "
       << p.output_h << "x" << p.output_w << ", kernel " << w.kernel_h << "x" << w.kernel_w
       << ", stride " << w.stride_h << "x" << w.stride_w << ", dilation " << w.dilation_h << "x"
       << w.dilation_w << ", padding " << w.pad_top << " " << w.pad_left << " " << w.pad_bottom
       << " " << w.pad_right << (p.count_include_pad ? ", padding counts" : "") << ", z_x "
       << p.input_zero_point << ", z_y " << p.output_zero_point << ", clamp " << int{p.output_min}
       << " to " << int{p.output_max};
  return text.str();
}

/// Output size of one axis, rounded up with `ceil` unless the last window would start in the
/// padding.
int32_t fit(int32_t& size, int32_t extent, int32_t stride, int32_t before, int32_t after,
            bool ceil) {
  size = std::max(size, extent - before - after);
  const int32_t room = size + before + after - extent;
  int32_t positions = (room + (ceil ? stride - 1 : 0)) / stride + 1;
  if ((positions - 1) * stride >= size + before) --positions;
  return positions;
}

PoolParams random_pool(Random& random, bool dilated) {
  PoolParams p;
  p.batch = random.chance(0.1) ? 2 : 1;
  p.input_h = random.integer(1, 15);
  p.input_w = random.integer(1, 15);
  p.channels = random.integer(1, 70);
  Window& w = p.window;
  w.kernel_h = random.integer(1, 7);
  w.kernel_w = random.chance(0.7) ? w.kernel_h : random.integer(1, 7);
  w.stride_h = random.integer(1, 3);
  w.stride_w = random.integer(1, 3);
  if (dilated && random.chance(0.3)) {
    w.dilation_h = random.integer(1, 3);
    w.dilation_w = random.integer(1, 3);
  }
  w.pad_top = random.integer(0, w.kernel_h - 1);
  w.pad_left = random.integer(0, w.kernel_w - 1);
  w.pad_bottom = random.integer(0, w.kernel_h - 1);
  w.pad_right = random.integer(0, w.kernel_w - 1);
  const bool ceil = random.chance(0.3);
  p.output_h = fit(p.input_h, (w.kernel_h - 1) * w.dilation_h + 1, w.stride_h, w.pad_top,
                   w.pad_bottom, ceil);
  p.output_w = fit(p.input_w, (w.kernel_w - 1) * w.dilation_w + 1, w.stride_w, w.pad_left,
                   w.pad_right, ceil);
  if (random.chance(0.3)) {
    p.output_min = static_cast<uint8_t>(random.integer(0, 255));
    p.output_max = static_cast<uint8_t>(random.integer(p.output_min, 255));
  }
  p.count_include_pad = random.chance();
  p.input_scale = random.real(0.01F, 0.1F);
  p.output_scale = random.chance() ? p.input_scale : random.real(0.01F, 0.1F);
  p.input_zero_point = random.pick({0, 255, random.integer(0, 255)});
  p.output_zero_point = random.chance() ? p.input_zero_point : random.integer(0, 255);
  return p;
}

std::size_t input_count(const PoolParams& p) {
  return static_cast<std::size_t>(p.batch * p.input_h * p.input_w * p.channels);
}
std::size_t output_count(const PoolParams& p) {
  return static_cast<std::size_t>(p.batch * p.output_h * p.output_w * p.channels);
}

/// What a window of one channel holds.
struct Contents {
  std::vector<int32_t> values;  ///< Of the image.
  int32_t padding = 0;          ///< Positions in the padding.
};

/// Takes the image padded to -1 and to -2 beyond the padding, and looks at output value `index`.
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

using Pool = void (*)(const PoolParams&, const uint8_t*, uint8_t*, Range);

std::vector<uint8_t> run(Pool pool, const PoolParams& p, const std::vector<uint8_t>& input,
                         Random* random = nullptr) {
  std::vector<uint8_t> output(output_count(p), 77);
  const auto rows = static_cast<std::size_t>(p.batch * p.output_h);
  for (std::size_t begin = 0; begin < rows;) {
    std::size_t end = rows;
    if (random) {
      end =
          begin + static_cast<std::size_t>(random->integer(1, static_cast<int32_t>(rows - begin)));
    }
    pool(p, input.data(), output.data(), {.begin = begin, .end = end});
    begin = end;
  }
  return output;
}

TEST_CASE("max pools of random shapes give the largest bytes, in one range of rows or in many") {
  Random random(11);
  for (int round = 0; round < 200; ++round) {
    const PoolParams p = random_pool(random, true);
    INFO("seed " << random.seed << ", round " << round << ": " << describe(p));
    const std::vector<uint8_t> input = random.bytes(input_count(p) + overread);
    std::vector<uint8_t> expected;
    for (std::size_t i = 0; i < output_count(p); ++i) {
      expected.push_back(expected_maximum(p, window_contents(p, input, i)));
    }
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name);
      CHECK(run(table->max_pool, p, input) == expected);
      CHECK(run(table->max_pool, p, input, &random) == expected);
    }
  }
}

TEST_CASE(
    "average pools of random shapes give the contract's bytes, in one range of rows or in many") {
  Random random(12);
  for (int round = 0; round < 300; ++round) {
    PoolParams p = random_pool(random, false);
    if (round % 5 == 0) {  // global
      p.window = {.kernel_h = p.input_h, .kernel_w = p.input_w};
      p.output_h = p.output_w = 1;
    }
    INFO("seed " << random.seed << ", round " << round << ": " << describe(p));
    const std::vector<uint8_t> input = random.bytes(input_count(p) + overread);
    std::vector<uint8_t> expected;
    for (std::size_t i = 0; i < output_count(p); ++i) {
      expected.push_back(expected_average(p, window_contents(p, input, i)));
    }
    for (const KernelTable* table : available_tables()) {
      INFO("table " << table->name);
      CHECK(run(table->average_pool, p, input) == expected);
      CHECK(run(table->average_pool, p, input, &random) == expected);
    }
  }
}

TEST_CASE("an average halfway between two integers goes to the even one") {
  const PoolParams p = {.input_h = 1,
                        .input_w = 4,
                        .channels = 1,
                        .output_h = 1,
                        .output_w = 2,
                        .window = {.kernel_w = 2, .stride_w = 2}};
  std::vector<uint8_t> input = {10, 11, 11, 12};  // means 10.5 and 11.5
  input.resize(input.size() + overread);
  for (const KernelTable* table : available_tables()) {
    INFO("table " << table->name);
    CHECK(run(table->average_pool, p, input) == std::vector<uint8_t>{10, 12});
  }
}

}  // namespace
}  // namespace octet::kernels
