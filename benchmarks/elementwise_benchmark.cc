// Operators whose time depends on the bytes that they move: bytes read and written per second.
#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

#include "benchmarks/benchmarks.h"

namespace octet::benchmarks {
namespace {

using kernels::KernelTable;

// An activation of 56 x 56 x 96 fits into the second-level cache.
constexpr std::size_t count = 56 * 56 * 96;

struct Buffers {
  std::vector<uint8_t> a = std::vector<uint8_t>(count + kernels::overread, 3);
  std::vector<uint8_t> b = std::vector<uint8_t>(count + kernels::overread, 5);
  std::vector<uint8_t> y = std::vector<uint8_t>(count);
  std::vector<float> real = std::vector<float>(count, 0.25F);
  std::vector<uint8_t> table = std::vector<uint8_t>(3 * 256, 7);
};

void add(const KernelTable& table, const char* name, std::size_t bytes_a_value,
         const std::function<void(Buffers&)>& call) {
  const std::string full = std::string(table.name) + "/" + name;
  benchmark::RegisterBenchmark(full.c_str(), [bytes_a_value, call](benchmark::State& state) {
    Buffers buffers;
    for (auto _ : state) call(buffers);
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                            static_cast<int64_t>(count * bytes_a_value));
  })->Unit(benchmark::kMicrosecond);
}

}  // namespace

void add_elementwise_benchmarks(const KernelTable& table) {
  const auto row = [](Buffers& m) {
    return kernels::BinaryRow{
        .a = m.a.data(), .b = m.b.data(), .output = m.y.data(), .count = count};
  };
  add(table, "add", 3, [&table, row](Buffers& m) {
    table.add({.a_zero_point = 1, .a_multiplier = 0.5F, .b_multiplier = 0.25F}, row(m));
  });
  add(table, "mul", 3, [&table, row](Buffers& m) { table.mul({.multiplier = 0.01F}, row(m)); });
  add(table, "quantize", 5, [&table](Buffers& m) {
    table.quantize({.inverse_scale = 40, .zero_point = 9}, m.real.data(), m.y.data(), count);
  });
  add(table, "dequantize", 5, [&table](Buffers& m) {
    table.dequantize({.scale = 0.1F, .zero_point = 9}, m.a.data(), m.real.data(), count);
  });
  add(table, "requantize", 2, [&table](Buffers& m) {
    table.requantize({.multiplier = 0.7F}, m.a.data(), m.y.data(), count);
  });
  add(table, "lookup", 2,
      [&table](Buffers& m) { table.lookup(m.table.data(), m.a.data(), m.y.data(), count); });
  add(table, "lookup_channels", 2, [&table](Buffers& m) {
    table.lookup_channels(m.table.data(), 3, m.a.data(), m.y.data(), count / 3);
  });
  add(table, "affine_channels", 2, [&table](Buffers& m) {
    table.affine_channels({.channels = 3, .scale = {0.9F, 0.8F, 0.7F}}, m.a.data(), m.y.data(),
                          count / 3);
  });
  add(table, "copy: concat of 96 channels into 192", 2, [&table](Buffers& m) {
    constexpr std::size_t pixels = count / 192;
    table.copy(
        {.rank = 2, .extent = {pixels, 96}, .source_stride = {96, 1}, .target_stride = {192, 1}},
        m.a.data(), m.y.data(), {.begin = 0, .end = pixels});
  });
}

void add_pool_benchmarks(const KernelTable& table) {
  const kernels::PoolParams halving = {
      .input_h = 112,
      .input_w = 112,
      .channels = 24,
      .output_h = 56,
      .output_w = 56,
      .window = {.kernel_h = 2, .kernel_w = 2, .stride_h = 2, .stride_w = 2}};
  const kernels::PoolParams global = {.input_h = 7,
                                      .input_w = 7,
                                      .channels = 1280,
                                      .output_h = 1,
                                      .output_w = 1,
                                      .window = {.kernel_h = 7, .kernel_w = 7}};
  add(table, "max_pool 2x2, 112x112x24", 1, [&table, halving](Buffers& m) {
    table.max_pool(halving, m.a.data(), m.y.data(), {.begin = 0, .end = 56});
  });
  add(table, "average_pool, 7x7x1280", 1, [&table, global](Buffers& m) {
    table.average_pool(global, m.a.data(), m.y.data(), {.begin = 0, .end = 1});
  });
}

void add_row_benchmarks(const KernelTable& table) {
  add(table, "softmax of 1000 bytes", 1, [&table](Buffers& m) {
    table.softmax({.table = m.real.data()}, m.a.data(), m.real.data() + 256, 1000);
  });
  add(table, "softmax_float, 5600 rows of 2", 1,
      [&table](Buffers& m) { table.softmax_float(m.real.data(), m.real.data(), 5600, 2); });
  add(table, "argmax of 1000 bytes", 1,
      [&table](Buffers& m) { benchmark::DoNotOptimize(table.argmax_u8(m.a.data(), 1000, 1)); });
  add(table, "argmax of 1000 floats", 1, [&table](Buffers& m) {
    benchmark::DoNotOptimize(table.argmax_float(m.real.data(), 1000, 1));
  });
}

}  // namespace octet::benchmarks
