// Convolutions of real networks, on every instruction set that the machine has: time, GMAC/s and
// share of the measured roof.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "benchmarks/benchmarks.h"
#include "benchmarks/layers.h"

namespace octet::benchmarks {
namespace {

using kernels::ConvParams;

/// The memory that a layer's ConvParams and ConvBuffers point to.
class LayerMemory {
 public:
  explicit LayerMemory(const Layer& layer) {
    const kernels::ConvGeometry g = geometry_of(layer);
    const auto outputs = static_cast<std::size_t>(g.output_channels);
    const auto depth = static_cast<std::size_t>(g.input_channels / g.groups) *
                       static_cast<std::size_t>(g.window.kernel_h) *
                       static_cast<std::size_t>(g.window.kernel_w);
    const auto pixels = static_cast<std::size_t>(g.output_h) * static_cast<std::size_t>(g.output_w);
    std::mt19937 random(1);
    weights_.resize(outputs * depth);
    for (auto& w : weights_) w = static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
    bias_.assign(outputs, 100);
    multiplier_.assign(outputs, 0.001F / static_cast<float>(depth));
    input_.resize(static_cast<std::size_t>(g.input_h * g.input_w * g.input_channels) +
                  kernels::overread);
    for (auto& x : input_) x = static_cast<uint8_t>(random());
    residual_.assign(pixels * outputs + kernels::overread, 7);
    output_.resize(pixels * outputs);
    params_ = {.geometry = g,
               .weights = {.values = weights_.data(), .bias = bias_.data()},
               .input_zero_point = 3,
               .multiplier = multiplier_.data(),
               .output_zero_point = 100,
               .has_residual = layer.has_residual,
               .residual_zero_point = 5,
               .residual_multiplier = 0.5F};
  }

  const ConvParams& params() const { return params_; }
  kernels::ConvBuffers buffers() {
    return {.input = input_.data(), .residual = residual_.data(), .output = output_.data()};
  }

 private:
  std::vector<int8_t> weights_;
  std::vector<int32_t> bias_;
  std::vector<float> multiplier_;
  std::vector<uint8_t> input_;
  std::vector<uint8_t> residual_;
  std::vector<uint8_t> output_;
  ConvParams params_;
};

std::byte* aligned(std::vector<std::byte>& memory, std::size_t size) {
  memory.resize(size + 64);
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  return memory.data() + (64 - address % 64) % 64;
}

void run(benchmark::State& state, const kernels::KernelTable& table, double peak,
         const Layer& layer) {
  LayerMemory memory(layer);
  const ConvParams& params = memory.params();
  const kernels::ConvKernel* kernel = nullptr;
  for (const kernels::ConvKernel* candidate : table.convolutions) {
    if (kernel == nullptr && candidate->supports(params)) kernel = candidate;
  }
  std::vector<std::byte> packed_memory;
  std::vector<std::byte> scratch_memory;
  std::byte* packed = aligned(packed_memory, kernel->packed_size(params));
  std::byte* scratch = aligned(scratch_memory, kernel->scratch_size(params));
  kernel->pack(params, packed);
  const kernels::ConvBuffers buffers = memory.buffers();
  const std::size_t items = kernel->items(params);
  for (auto _ : state) {
    kernel->run(params, packed, buffers, {.begin = 0, .end = items}, scratch);
  }
  const double macs = multiply_accumulates(params.geometry);
  using benchmark::Counter;
  state.counters["MAC/s"] = Counter(macs, Counter::kIsIterationInvariantRate);
  // A share of the machine's measured peak: 1 is all of it.
  state.counters["of roof"] = Counter(macs / peak, Counter::kIsIterationInvariantRate);
  state.SetLabel(kernel->name);
}

}  // namespace

void add_conv_benchmarks(const kernels::KernelTable& table, double peak) {
  for (const Layer& layer : layers) {
    const std::string name = std::string(table.name) + "/" + layer.name;
    benchmark::RegisterBenchmark(name.c_str(), [&table, peak, &layer](benchmark::State& state) {
      run(state, table, peak, layer);
    })->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace octet::benchmarks
